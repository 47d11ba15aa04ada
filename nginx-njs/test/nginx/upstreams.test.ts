/** Upstreams that are not spoken to by proxy_pass: docs/gate.md says what to add for them. */
import { createServer as createHttp2Server, type IncomingHttpHeaders } from 'node:http2'
import { type AddressInfo, createServer, type Server } from 'node:net'
import t, { type Test } from 'tap'
import { ENGINES, startGate } from '../support/gate.ts'
import { nginxBlock } from '../support/page.ts'
import { startBridge } from '../support/servers.ts'
import { AUDIENCE, ISSUER, mint, newKey } from '../support/tokens.ts'

async function listen(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

const SETTINGS = `set $drawbridge "audience ${AUDIENCE}; scope *;"; PROTECT`
const FASTCGI = nginxBlock('fastcgi_param HTTP_DRAWBRIDGE_ISS')
const COOKIE: [string, string] = ['Cookie', 'drawbridge_refresh=secret; a=1']

for (const engine of ENGINES) {
  t.test(`A7.1: ${engine.name}`, async (t) => {
    const key = newKey('key-1')
    const bridge = await startBridge(t, [key.publicJwk])
    // It hangs up when it has read the request: what nginx sends is all that counts.
    let seen = ''
    const port = await listen(
      t,
      createServer((socket) => {
        socket.on('error', () => undefined)
        socket.on('data', (chunk: Buffer) => {
          seen += chunk.toString('latin1')
          socket.destroy()
        })
      }),
    )
    let grpcSeen: IncomingHttpHeaders = {}
    const grpcServer = createHttp2Server((request, response) => {
      grpcSeen = request.headers
      response.end()
    })
    const grpcPort = await listen(t, grpcServer)
    const kinds = ['fastcgi', 'uwsgi', 'scgi']
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        ${kinds
          .map(
            (kind) => `location /${kind} {
              ${SETTINGS}
              ${FASTCGI.replaceAll('fastcgi_param', `${kind}_param`)}
              ${kind}_pass 127.0.0.1:${port};
            }`,
          )
          .join('\n')}
        location /grpc {
          ${SETTINGS}
          ${nginxBlock('grpc_set_header Drawbridge-Iss')}
          grpc_pass grpc://127.0.0.1:${grpcPort};
        }`,
    })
    const token = mint(key)

    for (const kind of kinds) {
      t.test(`${kind}_pass`, async (t) => {
        seen = ''
        t.equal((await gate.request(`/${kind}`, { token, headers: [COOKIE] })).status, 502)
        for (const [name, value] of [
          ['ISS', ISSUER],
          ['SUB', '6'],
          ['SID', 'session-1'],
          ['CLIENT_ID', 'drawbridge-pwa'],
          ['SCOPE', 'odoo.read odoo.write'],
          ['ROLES', 'internal sales'],
        ] as const) {
          // Some of them put the length of the value in between.
          t.match(seen, new RegExp(`HTTP_DRAWBRIDGE_${name}[^]{0,2}${value}`))
        }
        t.match(seen, /HTTP_COOKIE[^]{0,2}a=1/)
        t.notMatch(seen, 'drawbridge_refresh')
        t.notMatch(seen, /AUTHORIZATION|Bearer/)

        seen = ''
        const headers: [string, string][] = [['Drawbridge-Sub', '2']]
        t.equal((await gate.request(`/${kind}`, { token, headers })).status, 400)
        const roleless = mint(key, { roles: [] })
        const empty: [string, string][] = [['Drawbridge-Roles', '']]
        await gate.request(`/${kind}`, { token: roleless, headers: empty })
        t.equal(seen.match(/HTTP_DRAWBRIDGE_ROLES/g)?.length, 1, 'the gate speaks, not the client')
      })
    }

    t.test('grpc_pass', async (t) => {
      await gate.request('/grpc', { token, headers: [COOKIE] })
      t.match(grpcSeen, { 'drawbridge-iss': ISSUER, 'drawbridge-sub': '6', cookie: 'a=1' })
      t.match(grpcSeen, { 'drawbridge-sid': 'session-1', 'drawbridge-roles': 'internal sales' })
      t.match(grpcSeen, {
        'drawbridge-client-id': 'drawbridge-pwa',
        'drawbridge-scope': 'odoo.read odoo.write',
      })
      t.notOk(grpcSeen.authorization)
    })
  })
}
