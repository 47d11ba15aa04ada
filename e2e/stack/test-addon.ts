/** Runs the addons' tests in Odoo's own harness, on a copy of the prepared database. */
import { StackError } from './error.ts'
import { withOdooData } from './odoo-data.ts'
import { ADDON, DEMO_ADDON, runOdoo } from './parts/odoo.ts'

/** Of a test, or worth a look: what Odoo says about loading its modules is not. */
const TELLING =
  /^(?!\d{4}-).*|odoo\.tests\.(?:stats|result)|\.tests\.test_|(?:WARNING|ERROR|CRITICAL)/

/**
 * Runs all tests of the addon and of its demo, which no stack but this one has installed.
 * @param onLine called with each line of Odoo's log that tells something
 * @param tags which tests, in the words of Odoo's `--test-tags`
 * @returns the whole log
 */
export async function testAddon(
  onLine: (line: string) => void,
  tags = `/${ADDON},/${DEMO_ADDON}`,
): Promise<{ log: string; exitCode: number }> {
  return withOdooData('addon', async (options) => {
    const lines: string[] = []
    // auth_oauth: what the addon does only where that is installed, too.
    const modules = ['--init', `${DEMO_ADDON},auth_oauth`, '--update', ADDON]
    const tests = [...modules, '--test-tags', tags, '--stop-after-init']
    const exitCode = await runOdoo(options, tests, {
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
  })
}

// One test, while working on it: npx node e2e/stack/test-addon.ts /auth_drawbridge:TestBearer
if (import.meta.main) {
  const { exitCode } = await testAddon((line) => {
    console.log(line)
  }, process.argv[2])
  process.exitCode = exitCode
}
