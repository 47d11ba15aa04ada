/** Bundles the gate into `dist/drawbridge.js`, the one file that nginx loads. */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

/** Where the module lies once built. */
export const MODULE_PATH = join(import.meta.dirname, 'dist/drawbridge.js')

const SOURCES = join(import.meta.dirname, 'src')

/** Differs between any two states of the sources. */
function sourcesDigest(): string {
  const hash = createHash('sha256')
  for (const name of readdirSync(SOURCES).sort()) {
    hash.update(`${name}\n`).update(readFileSync(join(SOURCES, name)))
  }
  return hash.digest('base64url').slice(0, 16)
}

/** Builds the module, or another one that uses its parts, into `outfile`. */
export async function buildModule(
  outfile = MODULE_PATH,
  entryPoint = join(SOURCES, 'main.ts'),
): Promise<void> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: 'esm',
    // njs's own modules.
    external: ['crypto'],
    define: { BUILD: JSON.stringify(sourcesDigest()) },
    // The sources hold nothing that the old njs engine lacks (eslint-njs.ts), so nothing has to be
    // written in other words.
    target: 'esnext',
    charset: 'ascii',
    legalComments: 'none',
  })
}

if (import.meta.main) await buildModule()
