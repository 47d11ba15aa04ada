/** Bundles the gate into `dist/drawbridge.js`, the one file that nginx loads. */
import { join } from 'node:path'
import { build } from 'esbuild'

/** Where the module lies once built. */
export const MODULE_PATH = join(import.meta.dirname, 'dist/drawbridge.js')

/** Builds the module, or another one that uses its parts, into `outfile`. */
export async function buildModule(
  outfile = MODULE_PATH,
  entryPoint = join(import.meta.dirname, 'src/main.ts'),
): Promise<void> {
  await build({
    entryPoints: [entryPoint],
    outfile,
    bundle: true,
    format: 'esm',
    // njs's own modules.
    external: ['crypto'],
    // The sources hold nothing that the old njs engine lacks (eslint-njs.ts), so nothing has to be
    // written in other words.
    target: 'esnext',
    charset: 'ascii',
    legalComments: 'none',
  })
}

if (import.meta.main) await buildModule()
