/** A gate whose list of revocations the test writes. */
import { once } from 'node:events'
import {
  type Engine,
  type Gate,
  type GateConfig,
  type GateTest,
  QUICK_REVOCATIONS,
  startGate,
} from './gate.ts'
import type { RevocationList } from './revocation-list.ts'
import { noLeaks } from './secrets.ts'
import { startBridge, startUpstream, type TestBridge } from './servers.ts'
import { AUDIENCE, mint, newKey } from './tokens.ts'

/** As an operator has it: a reading a second. */
export const PERIODIC = 'include /mnt/conf/periodic.conf;'

/** The key of every issuer here. */
export const key = newKey('key-1')

/** A gate with a list of revocations, and who asks it. */
export interface Scene {
  gate: Gate
  bridge: TestBridge
  /** A token of this session. */
  tokenOf: (sid: string, changes?: Record<string, unknown>) => string
  /** What a request with this token is answered. */
  statusOf: (token: string, path?: string) => Promise<number>
  /** Until all that the bridge has to say now was taken in. */
  polled: () => Promise<void>
}

/** What is held back until the test lets it go, and tells when it was asked for. */
export interface Held {
  wait: Promise<void>
  release: () => void
  asked: Promise<void>
  ask: () => void
}

/**
 * Starts a gate whose `/` takes every token for `AUDIENCE` from the bridge.
 * @param config `periodic` instead of quick readings, `settings` more statements for `/`, `secrets`
 * more that no log may hold; in `server`, `PASS` stands for the directive that leads upstream
 */
export async function scene(
  t: GateTest,
  engine: Engine,
  config: Partial<GateConfig> & {
    bridge: TestBridge
    periodic?: string
    settings?: string
    secrets?: string[]
  },
): Promise<Scene> {
  const { bridge, settings = '' } = config
  const upstream = await startUpstream(t)
  const gate = await startGate(t, engine, {
    ...config,
    http: `
      log_format worker '$pid $drawbridge_status';
      ${config.http ?? ''}`,
    server: `
      access_log /mnt/work/access.log gate;
      access_log /mnt/work/workers.log worker;
      ${config.periodic ?? QUICK_REVOCATIONS}
      location / {
        set $drawbridge "audience ${AUDIENCE}; scope *; ${settings}";
        PROTECT
        proxy_pass ${upstream.url};
      }
      ${(config.server ?? '').replaceAll('PASS', `proxy_pass ${upstream.url}`)}`,
  })
  noLeaks(t, gate, bridge.credential, ...(config.secrets ?? []))
  return {
    gate,
    bridge,
    tokenOf: (sid, changes = {}) => mint(key, { sid, iss: bridge.issuer, ...changes }),
    statusOf: async (token, path = '/') => (await gate.request(path, { token })).status,
    polled: async () => {
      // The second one began when the first was taken in.
      const wanted = bridge.polls + 2
      while (bridge.polls < wanted) await once(bridge.events, 'revocations')
    },
  }
}

/** Starts a bridge that answers from this list. */
export async function startBridgeOf(t: GateTest, list: RevocationList): Promise<TestBridge> {
  const bridge = await startBridge(t, [key.publicJwk])
  bridge.revocations = list.page
  return bridge
}

/** A page that is held back until the test lets it go. */
export function held(): Held {
  const gate = Promise.withResolvers<undefined>()
  const asked = Promise.withResolvers<undefined>()
  return {
    wait: gate.promise,
    release: () => {
      gate.resolve(undefined)
    },
    asked: asked.promise,
    ask: () => {
      asked.resolve(undefined)
    },
  }
}

/** Does something so many times at once. */
export const times = async <T>(count: number, work: (i: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: count }, (_, i) => work(i)))
