/**
 * For operators: `npm run keys:rotate -w bridge -- signing|id-token|refresh`, and in an emergency
 * `npm run keys:compromise -w bridge -- signing|id-token|refresh --yes`. See docs/keys.md.
 */
import { parseArgs } from 'node:util'
import { envSchema } from 'env-schema'
import { Type, type Static } from 'typebox'
import { schema } from './config.ts'
import { operator, type Operator } from './keys/operator.ts'
import { VaultError } from './keys/vault-client.ts'

const settings = Type.Object({
  ...Type.Required(Type.Pick(schema, ['VAULT_ADDR'])).properties,
  VAULT_TOKEN: Type.String({ minLength: 1 }),
  ...Type.Pick(schema, [
    'VAULT_TRANSIT_MOUNT',
    'VAULT_TRANSIT_KEY',
    'VAULT_TRANSIT_ID_TOKEN_KEY',
    'VAULT_KV_MOUNT',
    'VAULT_KV_PATH',
    'KEY_POLL_INTERVAL',
    'KEY_MAX_AGE',
    'JWKS_MAX_AGE',
    'REFRESH_ABSOLUTE_TTL',
  ]).properties,
})
type Settings = Static<typeof settings>

interface Command {
  /** Which transit key it is about, where that is not the signing key. */
  transitKey?: (settings: Settings) => string
  run: (operator: Operator) => Promise<string>
  /** Said before it is confirmed; a command without does no harm. */
  warning?: string
  /** What follows from it, with the settings that it follows from. */
  outcome: (settings: Settings) => string
}

const rotateSigning: Command = {
  run: (keys) => keys.rotateSigning(),
  outcome: ({ JWKS_MAX_AGE, KEY_POLL_INTERVAL }) =>
    `Bridges publish it within ${KEY_POLL_INTERVAL} s and sign with it ${JWKS_MAX_AGE + KEY_POLL_INTERVAL + 5} s after it was made. Nobody notices.`,
}

const idTokenKey = ({ VAULT_TRANSIT_ID_TOKEN_KEY: name }: Settings): string => {
  if (name === undefined) throw new UsageError(`VAULT_TRANSIT_ID_TOKEN_KEY is not set.\n${USAGE}`)
  return name
}

const COMMANDS: Record<string, Command> = {
  'rotate signing': rotateSigning,
  'rotate id-token': { ...rotateSigning, transitKey: idTokenKey },
  'rotate refresh': {
    run: (keys) => keys.rotateRefresh(),
    outcome: ({ KEY_POLL_INTERVAL }) =>
      `Bridges sign with it ${KEY_POLL_INTERVAL + 5} s after it was made. Nobody notices.`,
  },
  'compromise signing': {
    run: (keys) => keys.compromiseSigning(),
    warning:
      'This destroys all versions of the signing key but a new one. Every access token that is in use becomes worthless; clients refresh theirs.',
    outcome: ({ KEY_POLL_INTERVAL, KEY_MAX_AGE, JWKS_MAX_AGE }) =>
      `The others are destroyed. Bridges that reach Vault sign with the new one and publish nothing else within ${KEY_POLL_INTERVAL} s; one that does not reach Vault may go on for ${KEY_MAX_AGE} s, so restart it. Whoever caches the public keys (${JWKS_MAX_AGE} s at most, the gate about a minute) takes tokens of the old ones until then.`,
  },
  'compromise id-token': {
    run: (keys) => keys.compromiseSigning(),
    transitKey: idTokenKey,
    warning:
      'This destroys all versions of the key for RS256 ID tokens but a new one. Nobody is signed out; ID tokens from before are worth nothing as a hint.',
    outcome: ({ KEY_POLL_INTERVAL, KEY_MAX_AGE, JWKS_MAX_AGE }) =>
      `The others are destroyed. Bridges that reach Vault sign with the new one and publish nothing else within ${KEY_POLL_INTERVAL} s; one that does not reach Vault may go on for ${KEY_MAX_AGE} s, so restart it. Clients that cache the public keys (${JWKS_MAX_AGE} s at most) take ID tokens of the old ones until then: have those restarted that matter.`,
  },
  'compromise refresh': {
    run: (keys) => keys.compromiseRefresh(),
    warning:
      'This removes all keys for refresh tokens but a new one. Everybody is signed out and has to sign in again.',
    outcome: ({ KEY_POLL_INTERVAL, KEY_MAX_AGE }) =>
      `Bridges that reach Vault refuse every earlier refresh token within ${KEY_POLL_INTERVAL} s; one that does not reach Vault may go on for ${KEY_MAX_AGE} s, so restart it. Access tokens serve until they expire, authorization codes for a minute: do this once more in two minutes, and what a thief had begun is over, too.`,
  },
}

const USAGE = `Usage:
  npm run keys:rotate -w bridge -- signing|id-token|refresh
  npm run keys:compromise -w bridge -- signing|id-token|refresh --yes
VAULT_ADDR and VAULT_TOKEN (of an operator) come from the environment, and so do
VAULT_TRANSIT_MOUNT, VAULT_TRANSIT_KEY, VAULT_TRANSIT_ID_TOKEN_KEY, VAULT_KV_MOUNT and
VAULT_KV_PATH as the bridge has them.`

/** What a person reads instead of a stack. */
class UsageError extends Error {}

function readArguments(): { command: Command; yes: boolean } {
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { yes: { type: 'boolean', default: false } },
    })
    const command = COMMANDS[positionals.join(' ')]
    if (command) return { command, yes: values.yes }
  } catch {
    // An unknown flag: the usage says which there are.
  }
  throw new UsageError(USAGE)
}

function readSettings(): Settings {
  try {
    return envSchema<Settings>({ schema: settings, data: { ...process.env }, env: false })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${USAGE}`)
  }
}

async function main(): Promise<void> {
  const { command, yes } = readArguments()
  const environment = readSettings()
  const transitKey = command.transitKey?.(environment) ?? environment.VAULT_TRANSIT_KEY
  if (command.warning !== undefined && !yes) {
    throw new UsageError(`${command.warning}\nNothing was done. To go ahead, add --yes.`)
  }
  const name = await command.run(
    operator({
      address: environment.VAULT_ADDR,
      token: environment.VAULT_TOKEN,
      transitMount: environment.VAULT_TRANSIT_MOUNT,
      transitKey,
      kvMount: environment.VAULT_KV_MOUNT,
      kvPath: environment.VAULT_KV_PATH,
      keepSecretsFor: (environment.REFRESH_ABSOLUTE_TTL + environment.KEY_MAX_AGE) * 1000,
    }),
  )
  console.log(`Made ${name}. ${command.outcome(environment)}`)
}

main().catch((error: unknown) => {
  const known = error instanceof UsageError || error instanceof VaultError
  console.error(known ? error.message : error)
  process.exitCode = 1
})
