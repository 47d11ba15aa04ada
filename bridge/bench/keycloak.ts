/** The other peer: Keycloak as its documentation starts it, on its default database H2. */
import { existsSync } from 'node:fs'
import { cp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { STACK_DIR } from '../../e2e/stack/paths.ts'
import { freePort } from '../../e2e/stack/ports.ts'
import type { PostgreSQL } from '../../e2e/stack/parts/postgresql.ts'
import { answers, contained, run, startPart, untilReady } from '../../e2e/stack/process.ts'
import type { BridgeSetting } from './bridge.ts'
import { bridgeContestant, takeTurns, type Contestant, type Load, type Round } from './rounds.ts'

export const KEYCLOAK_VERSION = '26.4.0'
export const KEYCLOAK_REFRESH = 'refresh, Keycloak on H2'

const REALM = 'bench'
const CLIENT_ID = 'bench'
const PERSON = { username: 'demo', password: 'demo' }
const TOKEN_PATH = `/realms/${REALM}/protocol/openid-connect/token`

/** Seconds: a JVM takes longer to get warm. */
const WARM_UP = 15
const SETTLE = 1
const MEASURED = 4
const START_WITHIN = 120

/** ES256 access tokens for ten minutes and refresh tokens that are good once, as the bridge's are. */
const REALM_SETTINGS = {
  realm: REALM,
  enabled: true,
  sslRequired: 'none',
  defaultSignatureAlgorithm: 'ES256',
  accessTokenLifespan: 600,
  revokeRefreshToken: true,
  refreshTokenMaxReuse: 0,
  clients: [
    {
      clientId: CLIENT_ID,
      publicClient: true,
      standardFlowEnabled: false,
      directAccessGrantsEnabled: true,
    },
  ],
  users: [
    {
      username: PERSON.username,
      enabled: true,
      email: 'demo@example.com',
      emailVerified: true,
      firstName: 'Marc',
      lastName: 'Demo',
      credentials: [{ type: 'password', value: PERSON.password }],
    },
  ],
}

/** Fetches the distribution from Maven Central, once. @throws StackError without `mvn` or `unzip` */
async function install(): Promise<string> {
  const folder = join(STACK_DIR, `keycloak-${KEYCLOAK_VERSION}`)
  if (existsSync(folder)) return folder
  const unfinished = `${folder}.tmp`
  await rm(unfinished, { recursive: true, force: true })
  await mkdir(unfinished, { recursive: true })
  const artifact = `org.keycloak:keycloak-quarkus-dist:${KEYCLOAK_VERSION}:zip`
  await run([
    ...['mvn', '--batch-mode', '--quiet', 'dependency:copy'],
    ...[`-Dartifact=${artifact}`, `-DoutputDirectory=${unfinished}`],
  ])
  const zip = join(unfinished, `keycloak-quarkus-dist-${KEYCLOAK_VERSION}.zip`)
  await run(['unzip', '-q', zip, '-d', unfinished])
  await rename(join(unfinished, `keycloak-${KEYCLOAK_VERSION}`), folder)
  await rm(unfinished, { recursive: true })
  return folder
}

/** @returns a refresh token of a new session */
async function signIn(origin: string): Promise<string> {
  const response = await fetch(`${origin}${TOKEN_PATH}`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: CLIENT_ID, ...PERSON }),
  })
  const text = await response.text()
  if (!response.ok) {
    throw new Error(`Keycloak answered a sign-in with ${response.status}: ${text}`)
  }
  return (JSON.parse(text) as { refresh_token: string }).refresh_token
}

/** @param folder for its database, and its log */
const keycloakContestant = (folder: string, chains: number): Contestant => ({
  start: async () => {
    await cp(await install(), folder, { recursive: true })
    await mkdir(join(folder, 'data/import'), { recursive: true })
    await writeFile(join(folder, 'data/import/realm.json'), JSON.stringify(REALM_SETTINGS))
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    const part = startPart({
      name: 'Keycloak',
      logFile: join(folder, 'keycloak.log'),
      command: contained([
        ...[join(folder, 'bin/kc.sh'), 'start-dev', '--import-realm'],
        ...['--http-host=127.0.0.1', `--http-port=${port}`],
      ]),
      env: { HOME: folder },
    })
    try {
      await untilReady(part, answers(`${origin}/realms/${REALM}`), START_WITHIN)
      const tokens: string[] = []
      for (let chain = 0; chain < chains; chain++) tokens.push(await signIn(origin))
      const caller = { client_id: CLIENT_ID, path: TOKEN_PATH }
      return {
        work: { [KEYCLOAK_REFRESH]: { origin, exchange: 'oauthRefresh', caller, tokens } },
        pid: part.pid,
        stop: () => part.stop(),
      }
    } catch (error) {
      await part.stop()
      throw error
    }
  },
})

/** Lets the bridge on PostgreSQL and Keycloak take turns. */
export async function measureKeycloak(
  setting: BridgeSetting,
  postgresql: PostgreSQL,
  load: Load,
  options: {
    chains: number
    rounds: number
    connections: number
    /** For Keycloak; must not be there yet. */
    folder: string
    onStep: (text: string) => void
  },
): Promise<Round[]> {
  const { chains, rounds, connections, folder, onStep } = options
  onStep('installing')
  await install()
  onStep('starting, then warming up')
  return takeTurns(
    [bridgeContestant('postgres', setting, postgresql, chains), keycloakContestant(folder, chains)],
    load,
    {
      blocks: 1,
      rounds,
      connections,
      warmUp: WARM_UP,
      settle: SETTLE,
      measured: MEASURED,
      onBlock: () => undefined,
    },
  )
}
