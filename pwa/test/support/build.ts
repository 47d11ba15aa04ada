import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { t } from 'tap'
import { build } from 'vite'

const root = join(import.meta.dirname, '../..')
let built: Promise<string> | undefined

/**
 * Builds the app, once for all tests of a file.
 * @returns the folder that holds `site` and nginx's headers; removed in the end
 */
export function buildPwa(): Promise<string> {
  built ??= (async () => {
    const folder = await mkdtemp(join(tmpdir(), 'drawbridge-pwa-'))
    t.teardown(() => rm(folder, { recursive: true }))
    const outDir = join(folder, 'site')
    await build({ root, logLevel: 'silent', build: { outDir, emptyOutDir: true } })
    return folder
  })()
  return built
}
