/**
 * `npm start`: brings the whole stack up, keeps it running, and stops all of it.
 *
 * `--ephemeral` takes free ports and a folder that is removed afterwards.
 */
import { origins } from '../clients/registered.ts'
import { demoClients, testClients } from '../support/test-clients.ts'
import { checkDisk, checkMachine, checkPip, checkPort } from './checks.ts'
import { explain, StackError } from './error.ts'
import { installStack } from './install.ts'
import { secondsSince, showProgress } from './progress.ts'
import { aborted, commandBegan, stopRequested } from './signals.ts'
import { checkNotRunning, startStack, type Stack } from './stack.ts'

const begin = commandBegan()
const ephemeral = process.argv.includes('--ephemeral')

/** The clients of other origins that the tests of flow B sign in with; nothing is served there. */
const APPS = { otherApp: 'http://127.0.0.1:8090', handbook: 'http://127.0.0.1:8091' }

/** Providers to sign in at that the tests start. */
const PROVIDERS = ['Example', 'Another']

function portFrom(variable: string, fallback: number): number {
  const text = process.env[variable] ?? String(fallback)
  const port = Number(text)
  if (Number.isInteger(port) && port > 0 && port < 65536) return port
  throw new StackError(`${variable}=${text} is no port; give a number from 1 to 65535.`)
}

function checkArguments(): void {
  const unknown = process.argv.slice(2).filter((argument) => argument !== '--ephemeral')
  if (unknown.length === 0) return
  throw new StackError(`${unknown.join(' ')} is not known; there is --ephemeral, and nothing else.`)
}

async function start(stopped: AbortSignal): Promise<Stack> {
  checkArguments()
  const ports = { gate: portFrom('DRAWBRIDGE_PORT', 8080), odoo: portFrom('ODOO_PORT', 8069) }
  await checkMachine()
  if (!ephemeral) {
    if (ports.gate === ports.odoo) {
      throw new StackError('DRAWBRIDGE_PORT and ODOO_PORT are the same; give two different ports.')
    }
    await checkNotRunning()
    await checkPort(ports.gate, 'DRAWBRIDGE_PORT')
    await checkPort(ports.odoo, 'ODOO_PORT')
  }
  await checkDisk()
  await checkPip()
  const progress = showProgress(process.stderr)
  await Promise.race([installStack(progress), aborted(stopped)])
  stopped.throwIfAborted()
  const { ACCESS_TOKEN_TTL, LOG_LEVEL, ODOO_ADAPTER } = process.env
  return startStack({
    name: 'start',
    ephemeral,
    demo: true,
    ...(ephemeral ? {} : { ports }),
    environment: {
      ...(ACCESS_TOKEN_TTL === undefined ? {} : { ACCESS_TOKEN_TTL }),
      ...(LOG_LEVEL === undefined ? {} : { LOG_LEVEL }),
      ...(ODOO_ADAPTER === undefined ? {} : { ODOO_ADAPTER }),
    },
    clients: (audiences) => (ephemeral ? testClients : demoClients)(audiences, APPS),
    ...(ephemeral ? { providers: PROVIDERS } : {}),
    corsOrigins: origins(APPS.otherApp),
    progress,
    signal: stopped,
  })
}

function announce({ description, file }: Stack): void {
  const { issuer, odooUrl, accounts } = description
  const logins = Object.values(accounts).map(({ login, password }) => `${login}/${password}`)
  console.log(
    [
      '',
      `  PWA and gate   ${issuer}`,
      `  Odoo's pages   ${odooUrl}`,
      `  Logins         ${logins.join('  ')}`,
      `  Description    ${file}`,
      '  Ctrl-C stops everything.',
      '',
      `Ready in ${secondsSince(begin)}`,
    ].join('\n'),
  )
}

async function main(): Promise<number> {
  const stopped = stopRequested()
  const stack = await start(stopped)
  announce(stack)
  const death = await Promise.race([stack.died, aborted(stopped)])
  if (death !== undefined) {
    const { part, how } = death
    console.error(`\n${part.name} ended (${how}). The last lines of ${part.logFile}:`)
    console.error(
      part
        .lastLines()
        .map((line) => `    ${line}`)
        .join('\n'),
    )
  }
  console.error('\nStopping everything …')
  const stopping = Date.now()
  await stack.stop()
  console.error(`Stopped in ${secondsSince(stopping)}`)
  return death === undefined ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(`\n${explain(error)}`)
  process.exitCode = 1
}
// What is still being built would keep this process alive; it dies with it.
process.exit()
