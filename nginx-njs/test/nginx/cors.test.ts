/** Pages of other origins, in front of the same gate. Flow B1, B4, B6. */
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { startNeighbours } from '../support/servers.ts'
import { mint } from '../support/tokens.ts'

const SETTINGS = settings()

for (const engine of ENGINES) {
  t.test(`${engine.name}: pages of other origins`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    upstream.respond = (_request, response) => {
      response.setHeader('Access-Control-Allow-Origin', '*')
      response.setHeader('Access-Control-Allow-Credentials', 'true')
      response.end('the data')
    }
    const app = 'https://app.example.com'
    const gate = await startGate(t, engine, {
      bridge,
      http: `map $http_origin $drawbridge_cors_origin { default ""; ${app} $http_origin; }`,
      server: `
        location / {
          ${SETTINGS} PROTECT
          include /mnt/conf/cors.conf;
          ${pass}
        }
        location /same-origin { ${SETTINGS} PROTECT ${pass} }
      `,
    })
    const token = mint(key)
    const origin = (value: string): [string, string] => ['Origin', value]
    const preflight: [string, string] = ['Access-Control-Request-Method', 'PATCH']

    t.test('B1: a preflight is answered without a token', async (t) => {
      const options = { method: 'OPTIONS', headers: [origin(app), preflight] }
      const answer = await gate.request('/', options)
      t.equal(answer.status, 204)
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.match(answer.headers['access-control-allow-methods'], 'PATCH')
      t.match(answer.headers['access-control-allow-headers'], 'Authorization')
      t.equal(answer.headers.vary, 'Origin')
      t.notOk(answer.headers['access-control-allow-credentials'])
      t.equal((await gate.request('/same-origin', options)).status, 401)
    })

    t.test('B1: what is no preflight, or of another origin, needs a token', async (t) => {
      const evil = origin('https://app.example.com.evil.example')
      for (const headers of [[evil, preflight], [preflight], [origin(app)], []]) {
        t.equal((await gate.request('/', { method: 'OPTIONS', headers })).status, 401)
      }
      const answer = await gate.request('/', { headers: [evil] })
      t.notOk(answer.headers['access-control-allow-origin'])
    })

    t.test('B1, B6: a page can read the 401 and its challenge', async (t) => {
      const answer = await gate.request('/', { headers: [origin(app)] })
      t.equal(answer.status, 401)
      t.ok(answer.headers['www-authenticate'])
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.equal(answer.headers['access-control-expose-headers'], 'WWW-Authenticate')
      t.equal(answer.headers.vary, 'Origin')
    })

    t.test('B4: a page can read the data; the gate alone answers for CORS', async (t) => {
      const answer = await gate.request('/', { token, headers: [origin(app)] })
      t.equal(answer.status, 200)
      t.equal(answer.headers['access-control-allow-origin'], app)
      t.notOk(answer.headers['access-control-allow-credentials'])
      const same = await gate.request('/', { token })
      t.equal(same.status, 200)
      t.notOk(same.headers['access-control-allow-origin'])
      t.equal(same.headers.vary, 'Origin')
    })
  })
}
