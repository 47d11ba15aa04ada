/** Runs the addon's tests in Odoo's own harness, on a copy of the prepared database. */
import { join } from 'node:path'
import { StackError } from './error.ts'
import { ADDON, runOdoo } from './parts/odoo.ts'
import { startPostgreSQL } from './parts/postgresql.ts'
import { copyPreparedOdoo, odooFolder, postgresqlFolder } from './prepared.ts'
import { takeRunFolder } from './run-folder.ts'

/** Of a test, or worth a look: what Odoo says about loading its modules is not. */
const TELLING =
  /^(?!\d{4}-).*|odoo\.tests\.(?:stats|result)|\.tests\.test_|(?:WARNING|ERROR|CRITICAL)/

/**
 * Runs all tests of the addon.
 * @param onLine called with each line of Odoo's log that tells something
 * @param tags which tests, in the words of Odoo's `--test-tags`
 * @returns the whole log
 */
export async function testAddon(
  onLine: (line: string) => void,
  tags = `/${ADDON}`,
): Promise<{ log: string; exitCode: number }> {
  const folder = await takeRunFolder('addon')
  try {
    await copyPreparedOdoo(folder.path)
    const postgresql = await startPostgreSQL({
      folder: postgresqlFolder(folder.path),
      logFile: join(folder.path, 'postgresql.log'),
      fsync: false,
    })
    try {
      const lines: string[] = []
      const tests = ['--update', ADDON, '--test-tags', tags, '--stop-after-init']
      const exitCode = await runOdoo({ folder: odooFolder(folder.path), postgresql }, tests, {
        onLine(line) {
          lines.push(line)
          if (TELLING.test(line)) onLine(line)
        },
      }).then(
        () => 0,
        (error: unknown) => {
          // Odoo fails when a test does, which the log tells.
          if (error instanceof StackError) return 1
          throw error
        },
      )
      return { log: lines.join('\n'), exitCode }
    } finally {
      await postgresql.part.stop()
    }
  } finally {
    await folder.release()
  }
}

// One test, while working on it: npx node e2e/stack/test-addon.ts /auth_drawbridge:TestBearer
if (import.meta.main) {
  const { exitCode } = await testAddon((line) => {
    console.log(line)
  }, process.argv[2])
  process.exitCode = exitCode
}
