/** What a client says in HTTP itself, to have more pass than the one request that was decided on. */
import { once } from 'node:events'
import { constants, connect as connectHttp2 } from 'node:http2'
import { connect } from 'node:net'
import t from 'tap'
import { ENGINES, type Gate, startGate } from '../support/gate.ts'
import { startBridge, startUpstream } from '../support/servers.ts'
import { AUDIENCE, mint, newKey } from '../support/tokens.ts'

/** Sends lines as they are, and gives what is answered until the connection ends. */
async function sendLines(gate: Gate, lines: string[], body = ''): Promise<string> {
  const socket = connect(gate.socketPath)
  socket.write(`${lines.join('\r\n')}\r\n\r\n${body}`)
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    // A protocol that was switched to would stay open.
    if (chunk.toString().startsWith('HTTP/1.1 101')) socket.destroy()
  })
  await once(socket, 'close')
  return Buffer.concat(chunks).toString()
}

const statusIn = (answer: string): number => Number(/^HTTP\/1\.1 (\d+)/.exec(answer)?.[1])

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const key = newKey('key-1')
    const token = mint(key)
    const bridge = await startBridge(t, [key.publicJwk])
    const upstream = await startUpstream(t)
    const pass = `proxy_pass ${upstream.url};`
    const protect = (more = ''): string =>
      `set $drawbridge "audience ${AUDIENCE}; scope *; ${more}"; PROTECT`
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        http2 on;
        underscores_in_headers on;
        include /mnt/conf/streams.conf;
        location / { ${protect()} ${pass} }
        location /live { ${protect()} include /mnt/conf/stream.conf; ${pass} }
        location /page { ${protect('token_cookie app_token;')} ${pass} }`,
    })
    const ask = (path: string, headers: string[], body = ''): Promise<string> =>
      sendLines(
        gate,
        [
          `${body === '' ? 'GET' : 'POST'} ${path} HTTP/1.1`,
          'Host: gate.example',
          `Authorization: Bearer ${token}`,
          ...headers,
        ],
        body,
      )
    /** Of the last request that came through. */
    const seen = () => upstream.seen.at(-1)?.headers ?? {}

    t.test('no protocol but WebSocket is switched to: another would hide requests', async (t) => {
      for (const protocol of ['h2c', 'H2C', 'websocket, h2c', 'h2c, websocket', 'TLS/1.0', 'x']) {
        const before = upstream.seen.length
        const answer = await ask('/live', [
          'Connection: close, Upgrade, HTTP2-Settings',
          `Upgrade: ${protocol}`,
          'HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA',
        ])
        t.equal(statusIn(answer), 200, protocol)
        t.equal(upstream.seen.length, before + 1)
        t.notOk(seen().upgrade, `${protocol} is not passed on`)
        t.notMatch(seen().connection, /upgrade/i)
      }
    })

    t.test('Connection names no header of the gate away', async (t) => {
      const names = 'Drawbridge-Sub, Drawbridge-Iss, Drawbridge-Sid, Cookie'
      await ask('/', [`Connection: close, ${names}`, 'Cookie: drawbridge_refresh=x; a=1'])
      t.match(seen(), { 'drawbridge-sub': '6', 'drawbridge-iss': bridge.issuer, cookie: 'a=1' })
      t.notMatch(seen().connection, 'rawbridge')
    })

    t.test('trailers bring nothing', async (t) => {
      const trailers = 'Drawbridge-Sub: 2\r\nAuthorization: Bearer x'
      const answer = await ask(
        '/',
        ['Connection: close', 'Transfer-Encoding: chunked', 'Trailer: Drawbridge-Sub'],
        `1\r\nx\r\n0\r\n${trailers}\r\n\r\n`,
      )
      t.equal(statusIn(answer), 200)
      t.equal(seen()['drawbridge-sub'], '6')
      t.notOk(seen().authorization)
    })

    t.test('a header that is spelt wrong goes no further', async (t) => {
      const wrong = [
        'Drawbridge-Sub : 2',
        ' Drawbridge-Sub: 2',
        'Drawbridge-Sub\t: 2',
        'Drawbridge.Sub: 2',
        'X: 1\n Drawbridge-Sub: 2',
        'X: 1\nDrawbridge-Sub: 2',
        'X: 1\rDrawbridge-Sub: 2',
        'Drawbridge-Sub\0: 2',
      ]
      for (const header of wrong) {
        const before = upstream.seen.length
        const answer = await ask('/', ['Connection: close', header])
        const came = upstream.seen.slice(before).map((request) => request.headers)
        t.notOk(
          came.some((headers) => headers['drawbridge-sub'] !== '6'),
          JSON.stringify(header),
        )
        t.ok([200, 400].includes(statusIn(answer)), `${JSON.stringify(header)}: ${answer}`)
      }
    })

    t.test('what an upstream sends on to the gate itself leads nowhere', async (t) => {
      const own = [
        '/_drawbridge_authorize',
        '/_drawbridge_upgraded',
        '@drawbridge_answer',
        '@drawbridge_keys',
      ]
      for (const place of own) {
        upstream.respond = (_request, response) => {
          response.setHeader('X-Accel-Redirect', place)
          response.end('the data')
        }
        const answer = await ask('/', ['Connection: close'])
        t.not(statusIn(answer), 200, place)
        t.notMatch(answer, 'the data')
      }
      upstream.respond = (_request, response) => response.end('the data')
      t.equal(statusIn(await ask('/', ['Connection: close'])), 200)
    })

    t.test('over HTTP/2', async (t) => {
      const client = connectHttp2('http://gate.example', {
        createConnection: () => connect(gate.socketPath),
      })
      t.teardown(() => {
        client.close()
      })
      const status = async (path: string, headers: Record<string, string | string[]>) => {
        const stream = client.request({
          ':path': path,
          // Node would name the port, which no browser does.
          ':authority': 'gate.example',
          ...headers,
        })
        stream.resume()
        stream.end()
        const [answer] = (await once(stream, 'response')) as [Record<string, unknown>]
        return answer[constants.HTTP2_HEADER_STATUS]
      }
      const authorization = `Bearer ${token}`
      const before = upstream.seen.length
      for (const name of ['drawbridge-sub', 'drawbridge_sub', 'drawbridge-gate-credential']) {
        t.equal(await status('/', { authorization, [name]: '2' }), 400, name)
      }
      t.equal(upstream.seen.length, before)

      t.equal(await status('/', { authorization, cookie: ['a=1', 'drawbridge_refresh=x'] }), 200)
      t.match(seen(), { 'drawbridge-sub': '6', cookie: 'a=1' })

      t.equal(await status('/page', { cookie: ['a=1', `app_token=${token}`] }), 200)
      t.equal(await status('/page', { cookie: [`app_token=${token}`, 'app_token=x'] }), 401)
      const post = { ':method': 'POST', cookie: `app_token=${token}` }
      t.equal(await status('/page', { ...post, origin: 'http://gate.example' }), 200)
      t.equal(await status('/page', { ...post, origin: 'http://evil.example' }), 403)
    })
  })
}
