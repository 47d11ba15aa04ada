/** Builds of the PWA that follow each other, and an nginx that serves them. */
import { cp, mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'vite'
import { readStack } from '../stack/description.ts'
import { startNginx } from '../stack/parts/nginx.ts'
import { REPOSITORY } from '../stack/paths.ts'
import { freePort } from '../stack/ports.ts'

/** An address at which one build after the other is put in place. */
export interface PwaServer {
  origin: string
  /** Puts a build in the place of the one before, of which nothing is left. */
  deploy(site: string): Promise<void>
  /** Puts another content into one file. */
  overwrite(name: string, content: string): Promise<void>
  /** Takes away what lies below `assets`, while the rest stays. */
  loseAssets(): Promise<void>
  /** How often a path was asked for. */
  asked(path: string): number
  stop(): Promise<void>
}

/**
 * Builds the PWA once more; its page carries the number.
 * @returns the folder of its files
 */
export async function buildPwa(folder: string, number: number): Promise<string> {
  const outDir = join(folder, String(number), 'site')
  await build({
    root: join(REPOSITORY, 'pwa'),
    logLevel: 'silent',
    build: { outDir, emptyOutDir: true },
    plugins: [
      {
        name: 'number-of-the-build',
        transform: (code, id) =>
          id.endsWith('/pwa/src/start.ts')
            ? `${code}\ndocument.documentElement.dataset.build = '${number}'`
            : null,
      },
    ],
  })
  return outDir
}

/** Starts an nginx of its own in front of the stack's bridge. */
export async function servePwa(first: string): Promise<PwaServer> {
  const { issuer, inside } = readStack()
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-nginx-'))
  const pwaFolder = join(folder, 'pwa')
  const site = join(pwaFolder, 'site')
  const accessLogFile = join(folder, 'access.log')
  const clear = async (place: string): Promise<void> => {
    for (const name of await readdir(place)) await rm(join(place, name), { recursive: true })
  }
  const deploy = async (from: string): Promise<void> => {
    await clear(site)
    await cp(from, site, { recursive: true })
    // As in an image whose files all have one time: it does not tell one build from the other.
    for (const name of await readdir(site, { recursive: true }))
      await utimes(join(site, name), 0, 0)
  }
  await mkdir(site, { recursive: true })
  await cp(join(first, '../headers.conf'), join(pwaFolder, 'headers.conf'))
  await deploy(first)
  const ports = { gate: await freePort(), odoo: await freePort() }
  const nginx = await startNginx({
    folder: join(folder, 'nginx'),
    logFile: join(folder, 'nginx.log'),
    accessLogFile,
    issuer,
    ports,
    bridgePort: Number(new URL(inside.bridgeUrl).port),
    odooPort: Number(new URL(inside.odooUrl).port),
    odooDatabaseUuid: inside.odooDatabaseUuid,
    gateCredentialFile: inside.gateCredentialFile,
    corsOrigins: [],
    demo: false,
    pwaFolder,
  })
  return {
    origin: `http://localhost:${ports.gate}`,
    deploy,
    overwrite: (name, content) => writeFile(join(site, name), content),
    loseAssets: () => clear(join(site, 'assets')),
    asked: (path) => readFileSync(accessLogFile, 'utf8').split(` "GET ${path}" `).length - 1,
    async stop() {
      await nginx.stop()
      await rm(folder, { recursive: true })
    },
  }
}
