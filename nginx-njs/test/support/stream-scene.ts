/** A gate with open connections behind it, which the test watches. */
import { setTimeout as pause } from 'node:timers/promises'
import type { Test } from 'tap'
import type { WebSocket } from 'ws'
import { type Engine, type Gate, QUICK_REVOCATIONS, startGate } from './gate.ts'
import { revocationList, type RevocationList } from './revocation-list.ts'
import { noLeaks } from './secrets.ts'
import { startBridge, type TestBridge } from './servers.ts'
import {
  type EventStream,
  openEvents,
  openWebSocket,
  startStreams,
  type Stream,
  streamOf,
  type StreamsUpstream,
} from './streams.ts'
import { AUDIENCE, newKey } from './tokens.ts'

/** `watch 1`, the list every 200 ms, and a busy machine. Milliseconds. */
export const BOUND = 3000

/** The key of the bridge. */
export const key = newKey('key-1')

/** The gate, who is behind it, and what opens connections. */
export interface Scene {
  gate: Gate
  bridge: TestBridge
  list: RevocationList
  upstream: StreamsUpstream
  webSocket: (
    token: string | undefined,
    path?: string,
    headers?: Record<string, string>,
  ) => Promise<WebSocket>
  /** One stream of each kind. */
  both: (token: string, path?: string) => Promise<[ws: Stream, sse: EventStream]>
  /** Until nginx has no connection but the one that asks, and the upstream none at all. */
  quiet: () => Promise<void>
}

/**
 * Starts a gate whose `/` watches what is open, whose `/unwatched` does not, and whose `/idle` gives
 * up after a second of silence.
 * @param options `settings` more statements for `/`, `leeway` its seconds, `periodic` instead of quick
 * readings of the list, `server` more for the server
 */
export async function scene(
  t: Test,
  engine: Engine,
  options: { settings?: string; leeway?: number; periodic?: string; server?: string } = {},
): Promise<Scene> {
  const bridge = await startBridge(t, [key.publicJwk])
  const list = revocationList()
  bridge.revocations = list.page
  const upstream = await startStreams(t)
  const location = (path: string, settings: string, more = ''): string => `
    location ${path} {
      set $drawbridge "audience ${AUDIENCE}; scope *; ${settings}";
      PROTECT
      include /mnt/conf/stream.conf;
      ${more}
      proxy_pass ${upstream.url};
    }`
  const gate = await startGate(t, engine, {
    bridge,
    server: `
      ${options.periodic ?? QUICK_REVOCATIONS}
      include /mnt/conf/streams.conf;
      ${location('/', `leeway ${String(options.leeway ?? 0)}; watch 1; ${options.settings ?? ''}`)}
      ${location('/unwatched', 'leeway 0;')}
      ${location('/idle', 'watch 1;', 'proxy_read_timeout 1s;')}
      ${options.server ?? ''}
      location = /connections { stub_status; access_log off; }`,
  })
  noLeaks(t, gate, bridge.credential, 'session-')
  t.teardown(() => {
    const bad = gate
      .errorLog()
      .match(/^.*(?:\[(?:alert|crit|emerg)\]|exited on signal|pending events).*$/m)
    if (bad !== null) throw new Error(bad[0])
  })
  const webSocket: Scene['webSocket'] = (token, path = '/', headers = {}) => {
    const authorization = token === undefined ? {} : { Authorization: `Bearer ${token}` }
    return openWebSocket(t, gate, path, { ...authorization, ...headers })
  }
  const active = async (): Promise<number> => {
    const { body } = await gate.request('/connections')
    return Number(/Active connections: (\d+)/.exec(body)?.[1])
  }
  return {
    gate,
    bridge,
    list,
    upstream,
    webSocket,
    both: async (token, path = '/') => {
      const events = await openEvents(gate, path, token)
      t.teardown(events.close)
      return [streamOf(await webSocket(token, path)), events]
    },
    quiet: async () => {
      const deadline = Date.now() + 5000
      for (;;) {
        const [gates, upstreams] = [await active(), await upstream.connections()]
        if (gates === 1 && upstreams === 0) return
        if (Date.now() > deadline) {
          throw new Error(`Still open: ${String(gates)} and ${String(upstreams)}`)
        }
        await pause(20)
      }
    },
  }
}

/** Checks that both streams end between these times. */
export async function endBetween(t: Test, streams: [Stream, Stream], from: number, to: number) {
  const [ws, sse] = await Promise.all([streams[0].ended, streams[1].ended])
  t.equal(ws.how, 1006, 'without a closing handshake')
  t.equal(sse.how, 'cut off')
  for (const { at } of [ws, sse]) {
    t.ok(at >= from, `not before: ${String(at - from)} ms after`)
    t.ok(at <= to, `in time: ${String(to - at)} ms before`)
  }
}

/** Checks that something goes through each of them. */
export const works = (streams: Stream[]) => Promise.all(streams.map((stream) => stream.works()))
