/** WebSockets and server-sent events behind the gate: they work, and end when their token does. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { createConnection } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { WebSocket } from 'ws'
import {
  type Engine,
  ENGINES,
  type Gate,
  QUICK_KEYS,
  QUICK_REVOCATIONS,
  startGate,
} from '../support/gate.ts'
import { revocationList, type RevocationList } from '../support/revocation-list.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge, type TestBridge, verdict } from '../support/servers.ts'
import {
  type EventStream,
  openEvents,
  openWebSocket,
  startStreams,
  type Stream,
  streamOf,
  type StreamsUpstream,
} from '../support/streams.ts'
import { AUDIENCE, claims, mint, newKey, now } from '../support/tokens.ts'

/** `watch 1`, the list every 50 ms, and a busy machine. Milliseconds. */
const BOUND = 3000

t.jobs = 2

const key = newKey('key-1')

interface Scene {
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

async function scene(
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
async function endBetween(t: Test, streams: [Stream, Stream], from: number, to: number) {
  const [ws, sse] = await Promise.all([streams[0].ended, streams[1].ended])
  t.equal(ws.how, 1006, 'without a closing handshake')
  t.equal(sse.how, 'cut off')
  for (const { at } of [ws, sse]) {
    t.ok(at >= from, `not before: ${String(at - from)} ms after`)
    t.ok(at <= to, `in time: ${String(to - at)} ms before`)
  }
}

const works = (streams: Stream[]) => Promise.all(streams.map((stream) => stream.works()))

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    // Most of the time they wait.
    t.jobs = 4

    t.test('they end at expiry, where they are watched', async (t) => {
      const { gate, both, quiet } = await scene(t, engine)
      const exp = now() + 3
      const short = mint(key, { exp })
      const watched = await both(short)
      const unwatched = await both(short, '/unwatched')
      const others = await both(mint(key))
      await works([...watched, ...unwatched, ...others])
      await endBetween(t, watched, exp * 1000, exp * 1000 + BOUND)
      const last = watched[1].sent.at(-1) as number
      t.ok(last < exp * 1000, 'nothing that was sent later came through')
      t.match(gate.errorLog(), 'drawbridge: the token of an open connection expired')
      t.notMatch(gate.errorLog(), 'revoked')

      // Several looks later.
      await pause(2500)
      await works([...unwatched, ...others])
      for (const stream of [...unwatched, ...others]) stream.close()
      await quiet()
    })

    t.test('leeway and max_age count', async (t) => {
      const { both } = await scene(t, engine, { settings: 'max_age 3;', leeway: 1 })
      const iat = now()
      const end = (iat + 4) * 1000
      await endBetween(t, await both(mint(key, { iat })), end, end + BOUND)
    })

    t.test('they end when their session does, and no other', async (t) => {
      const { gate, both, list } = await scene(t, engine)
      const gone = await both(mint(key, { sid: 'session-gone' }))
      const stay = await both(mint(key, { sid: 'session-stays' }))
      await works([...gone, ...stay])
      await pause(1500)
      await works([...gone, ...stay])
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await endBetween(t, gone, at, at + BOUND)
      t.match(gate.errorLog(), 'drawbridge: the token of an open connection was revoked')
      await pause(1500)
      await works(stay)
    })

    t.test('two hundred end with one user', async (t) => {
      const { both, list } = await scene(t, engine)
      const streams = await Promise.all(
        Array.from({ length: 100 }, (_, i) =>
          both(mint(key, { sid: `session-${String(i)}`, sub: '7' })),
        ),
      )
      const [other] = await both(mint(key, { sub: '8' }))
      await works(streams.flat())
      const at = Date.now()
      list.entries.push({ sub: '7', cutoff: now() })
      const ends = await Promise.all(streams.flat().map((stream) => stream.ended))
      t.equal(ends.length, 200)
      const last = Math.max(...ends.map((end) => end.at)) - at
      t.comment(`all ended ${String(last)} ms after the cut-off`)
      t.ok(last < BOUND)
      await works([other])
      other.close()
    })

    t.test('they end when their key is withdrawn', async (t) => {
      const { gate, bridge, both } = await scene(t, engine, {
        periodic: `
          ${QUICK_REVOCATIONS}
          ${QUICK_KEYS}`,
      })
      while (bridge.jwksFetches === 0) await once(bridge.events, 'jwks')
      const streams = await both(mint(key))
      await works(streams)
      const next = newKey('key-2')
      bridge.jwks = { keys: [next.publicJwk] }
      const at = Date.now()
      t.equal((await gate.request('/known', { token: mint(next) })).status, 200, 'makes it fetch')
      await endBetween(t, streams, at, at + BOUND)
      t.match(gate.errorLog(), "the key of an open connection's token is not published any more")
    })

    t.test('a list that is too old ends them where it closes the location', async (t) => {
      const settings = 'revocations_max_stale 2; stale_revocations'
      const closed = await scene(t, engine, { settings: `${settings} closed;` })
      const open = await scene(t, engine, { settings: `${settings} open;` })
      const ending = await closed.both(mint(key))
      const living = await open.both(mint(key))
      await works([...ending, ...living])
      for (const { bridge } of [closed, open]) {
        bridge.respondRevocations = (response) => response.destroy()
      }
      const at = Date.now()
      // The last reading may have been just before.
      await endBetween(t, ending, at + 2000 - 500, at + 2000 + BOUND)
      t.match(closed.gate.errorLog(), 'the list of revocations is too old for an open connection')
      await works(living)
    })

    t.test('a list that nobody reads on ends them too', async (t) => {
      const settings = 'revocations_max_stale 2;'
      const { bridge, both } = await scene(t, engine, { settings, periodic: '' })
      const at = Date.now()
      const streams = await both(mint(key))
      await works(streams)
      await endBetween(t, streams, at + 2000, at + 2000 + BOUND)
      t.equal(bridge.polls, 1)
    })

    t.test('a long list that is being read anew ends none', async (t) => {
      const { list, bridge, both } = await scene(t, engine, {
        // The pages of one turn take longer than the others have, on a busy machine.
        periodic: `
          location @drawbridge_revocations {
            js_fetch_timeout 500ms;
            js_periodic drawbridge.pollRevocations interval=1s;
          }`,
      })
      const streams = await both(mint(key))
      await works(streams)
      // Another bridge, whose list takes one page after another.
      list.entries = Array.from({ length: 30 }, (_, i) => ({ sid: `other-${String(i)}` }))
      list.pageSize = 1
      list.epoch = 'epoch-2'
      const respond = bridge.revocations
      let pages = 0
      const read = Promise.withResolvers<undefined>()
      bridge.revocations = (query) => {
        const page = respond(query)
        if (++pages === 30) read.resolve(undefined)
        return page
      }
      await read.promise
      await pause(1500)
      await works(streams)
    })

    t.test('the bridge is asked once; expiry and the list count after that', async (t) => {
      const { bridge, list, both } = await scene(t, engine, { settings: 'mode introspect;' })
      const answers = (changes: Record<string, unknown>) => {
        bridge.respondValidate = verdict({ status: 'Valid', claims: claims(changes) })
      }
      const exp = now() + 3
      answers({ exp })
      const short = await both(mint(key, { exp }))
      answers({ sid: 'session-gone' })
      const gone = await both(mint(key, { sid: 'session-gone' }))
      await endBetween(t, short, exp * 1000, exp * 1000 + BOUND)
      await works(gone)
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await endBetween(t, gone, at, at + BOUND)
      t.equal(bridge.questions.length, 4)
    })

    t.test('a page brings its token in a cookie; another site cannot', async (t) => {
      const { webSocket, upstream } = await scene(t, engine, { settings: 'token_cookie app;' })
      const exp = now() + 4
      const Cookie = `app=${mint(key, { exp })}; theme=dark`
      const strangers = [
        { Origin: 'https://evil.example' },
        { Origin: 'null' },
        { Origin: 'http://gate.example', 'Sec-Fetch-Site': 'cross-site' },
        { 'Sec-Fetch-Site': 'same-site' },
      ]
      for (const headers of strangers) {
        const attempt = webSocket(undefined, '/', { Cookie, ...headers })
        await t.rejects(attempt, { message: 'Unexpected server response: 403' })
      }
      await t.rejects(webSocket(mint(key)), { message: 'Unexpected server response: 401' })
      t.equal(upstream.seen.length, 0)
      const own = { Cookie, Origin: 'http://gate.example', 'Sec-Fetch-Site': 'same-origin' }
      const stream = streamOf(await webSocket(undefined, '/', own))
      await stream.works()
      t.equal(upstream.seen[0]?.headers.cookie, 'theme=dark')
      t.notOk(upstream.seen[0]?.headers.authorization)
      t.equal(upstream.seen[0]?.headers['drawbridge-sub'], '6')
      const { at } = await stream.ended
      t.ok(at >= exp * 1000 && at <= exp * 1000 + BOUND)
    })

    t.test('whoever ends it first, nothing stays open', async (t) => {
      const { gate, upstream, webSocket, both, quiet } = await scene(t, engine)
      const token = mint(key)
      for (const stream of await both(token)) {
        await stream.works()
        stream.close()
      }
      await quiet()

      const byClient = await webSocket(token)
      byClient.close(4001)
      t.match(await once(byClient, 'close'), [4001])
      await quiet()

      const byUpstream = await webSocket(token)
      byUpstream.send('close, please')
      t.match(await once(byUpstream, 'close'), [4000])
      await quiet()

      // The upstream falls silent, or is gone without a goodbye.
      const silent = await webSocket(token, '/idle')
      t.match(await once(silent, 'close'), [1006])
      const lost = await webSocket(token)
      for (const socket of upstream.sockets) socket.resetAndDestroy()
      t.match(await once(lost, 'close'), [1006])
      await quiet()

      await t.rejects(webSocket(token, '/refuses'), {
        message: 'Unexpected server response: 403',
      })
      await t.rejects(webSocket('no token'), { message: 'Unexpected server response: 401' })
      await quiet()
      t.notMatch(gate.errorLog(), 'of an open connection')
    })

    t.test('ordinary answers leave their connection to the next', async (t) => {
      const { gate, upstream } = await scene(t, engine)
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      t.teardown(() => {
        agent.destroy()
      })
      const sockets = new Set<unknown>()
      const began = Date.now()
      for (const path of ['/short', '/known', '/short', '/unwatched/short', '/known']) {
        const outgoing = httpRequest({
          agent,
          socketPath: gate.socketPath,
          path,
          headers: { Host: 'gate.example', Authorization: `Bearer ${mint(key)}` },
        })
        outgoing.end()
        const [incoming] = (await once(outgoing, 'response')) as [IncomingMessage]
        sockets.add(incoming.socket)
        const chunks = await incoming.setEncoding('utf8').toArray()
        t.match(
          chunks.join(''),
          path.endsWith('/known') ? 'an answer of known' : 'of unknown length',
        )
      }
      t.equal(sockets.size, 1)
      t.ok(Date.now() - began < 1000, 'none waits for a look')
      t.equal(upstream.seen.length, 5)
    })

    t.test('an event that comes late does not come', async (t) => {
      const { gate, quiet } = await scene(t, engine)
      const events = await openEvents(gate, '/late', mint(key, { exp: now() + 2 }))
      t.equal((await events.ended).how, 'cut off')
      t.same(events.sent, [])
      await quiet()
    })

    t.test('over HTTP/2', async (t) => {
      const { gate, list, quiet } = await scene(t, engine, { server: 'http2 on;' })
      const client = connectHttp2('http://gate.example', {
        createConnection: () => createConnection(gate.socketPath),
      })
      client.on('error', () => undefined)
      t.teardown(() => {
        client.destroy()
      })
      const open = async (sid: string) => {
        const stream = client.request({
          ':path': '/',
          authorization: `Bearer ${mint(key, { sid })}`,
        })
        stream.on('error', () => undefined)
        await once(stream, 'data')
        return stream
      }
      const [gone, stays] = [await open('session-gone'), await open('session-stays')]
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await new Promise((resolve) => gone.on('close', resolve))
      t.equal(gone.rstCode, constants.NGHTTP2_INTERNAL_ERROR)
      t.ok(Date.now() - at < BOUND)
      await once(stays, 'data')
      client.destroy()
      await quiet()
    })

    t.test('a reload changes nothing for what is open', async (t) => {
      const { gate, list, both } = await scene(t, engine)
      const gone = await both(mint(key, { sid: 'session-gone' }))
      const exp = now() + 6
      const expires = await both(mint(key, { exp }))
      await works([...gone, ...expires])
      const reloaded = gate.reload()
      while (!gate.errorLog().includes('gracefully shutting down')) await pause(20)
      await pause(1500)
      await works([...gone, ...expires])
      const at = Date.now()
      list.entries.push({ sid: 'session-gone' })
      await endBetween(t, gone, at, at + BOUND)
      await endBetween(t, expires, exp * 1000, exp * 1000 + BOUND)
      await reloaded
    })

    t.test('nobody comes to the watcher, and none is without it', async (t) => {
      const { gate } = await scene(t, engine, {
        server: `
          }
          server {
            listen unix:/mnt/work/second.sock;
            ${engine.server}
            location / {
              set $drawbridge "audience ${AUDIENCE}; scope *; watch 1;";
              PROTECT
              include /mnt/conf/stream.conf;
              return 200;
            }`,
      })
      t.equal((await gate.request('/_drawbridge_upgraded', { token: mint(key) })).status, 404)
      const answer = await gate.request('/', { socket: 'second.sock', token: mint(key) })
      t.equal(answer.status, 500)
    })

    t.end()
  })
}
