/** WebSockets and server-sent events behind the gate work as they do without it, and leave nothing. */
import { once } from 'node:events'
import { Agent, type IncomingMessage, request as httpRequest } from 'node:http'
import { connect as connectHttp2, constants } from 'node:http2'
import { createConnection } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { ENGINES } from '../support/gate.ts'
import { BOUND, endBetween, key, scene, works } from '../support/stream-scene.ts'
import { openEvents, streamOf } from '../support/streams.ts'
import { AUDIENCE, mint, now } from '../support/tokens.ts'

t.jobs = 2

for (const engine of ENGINES) {
  t.test(engine.name, (t) => {
    // Most of the time they wait.
    t.jobs = 4

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
