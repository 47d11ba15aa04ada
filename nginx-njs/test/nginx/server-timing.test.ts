/** Server-Timing: where it is turned on, what it tells, and what nobody can put into it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { ENGINES, settings, startGate } from '../support/gate.ts'
import { startNeighbours } from '../support/servers.ts'
import { mint, newKey } from '../support/tokens.ts'

const TIMED = 'include /mnt/conf/server-timing.conf;'
const EXPIRED = { iat: 1_700_000_000, exp: 1_700_000_300 }

for (const engine of ENGINES) {
  t.test(`${engine.name}: Server-Timing`, async (t) => {
    const { key, bridge, upstream, pass } = await startNeighbours(t)
    const gate = await startGate(t, engine, {
      bridge,
      server: `
        location /timed { ${settings()} PROTECT ${TIMED} ${pass} }
        location /cors {
          set $drawbridge_cors_origin "https://app.example";
          ${settings()} PROTECT include /mnt/conf/cors.conf; ${TIMED} ${pass}
        }
        location /public { ${TIMED} ${pass} }
        location /usual { ${settings()} PROTECT ${pass} }
        location /hidden { ${settings()} PROTECT proxy_hide_header Server-Timing; ${pass} }
        location /accel { ${settings()} PROTECT ${TIMED} ${pass} }
      `,
      http: 'js_var $drawbridge_cors_origin;',
    })
    const token = mint(key)
    const said = 'bridge;dur=21.4, odoo;desc="read@1.0";dur=8.0'
    const answerWith = (timing: string | string[]) => {
      upstream.respond = (_request, response) => {
        response.setHeader('Server-Timing', timing)
        response.end('the data')
      }
    }
    const timingOf = async (path: string, options: Parameters<typeof gate.request>[1] = {}) =>
      (await gate.request(path, options)).headers['server-timing']

    t.test(
      'A7.2: the gate’s entry, then the upstream’s time and what it says itself',
      async (t) => {
        answerWith(said)
        const own = 'gate;desc="valid@0";dur=\\d+, upstream;dur=\\d+, '
        for (const path of ['/timed', '/cors']) {
          const timing = await timingOf(path, { token })
          t.match(timing, new RegExp(`^${own}${said.replaceAll(/[.";]/g, '\\$&')}$`), path)
        }
        t.match(
          await timingOf('/public'),
          /^gate;desc="passed_on@0";dur=\d+, upstream;dur=\d+, bridge/,
        )
        answerWith(['bridge;dur=1', 'odoo;dur=2'])
        t.match(await timingOf('/timed', { token }), /, bridge;dur=1(, odoo;dur=2)?$/)
        upstream.respond = (_request, response) => response.end('nothing to say')
        t.match(
          await timingOf('/timed', { token }),
          /^gate;desc="valid@0";dur=\d+, upstream;dur=\d+$/,
        )
      },
    )

    t.test('it counts in milliseconds', async (t) => {
      upstream.respond = (_request, response) => {
        setTimeout(() => response.end(), 60)
      }
      const timing = await timingOf('/timed', { token })
      const took = Number(/upstream;dur=(\d+)$/.exec(String(timing))?.[1])
      t.ok(took >= 55 && took < 5000, String(timing))
    })

    t.test('A8.1: a refusal has the gate’s entry alone, and not the reason', async (t) => {
      answerWith(said)
      const asked = upstream.seen.length
      const cases = [
        ['expired', { token: mint(key, EXPIRED) }],
        ['refused', {}],
        ['refused', { token: 'nonsense' }],
        ['refused', { token: mint(newKey('key-1')) }],
        ['refused', { token: mint(key, { aud: 'another' }) }],
        ['refused', { token, headers: [['Drawbridge-Sub', '2']] as [string, string][] }],
      ] as const
      for (const [word, options] of cases) {
        const timing = await timingOf('/timed', { ...options })
        t.match(timing, new RegExp(`^gate;desc="${word}@0";dur=\\d+$`), JSON.stringify(options))
      }
      t.equal(upstream.seen.length, asked)
    })

    t.test('a client puts nothing into it', async (t) => {
      answerWith(said)
      const headers: [string, string][] = [
        ['Server-Timing', 'evil;dur=1'],
        ['X-Request-Id', 'evil'],
      ]
      for (const path of ['/timed?x=evil%22,%20evil;desc=%22', '/public?evil', '/usual/evil']) {
        t.notMatch(await timingOf(path, { token, headers }), /evil/)
        t.notMatch(await timingOf(path, { headers }), /evil/)
      }
    })

    t.test('an upstream that says too much says nothing', async (t) => {
      for (const much of [`a;desc="${'x'.repeat(3000)}"`, 'caf\u00e9;dur=1']) {
        answerWith(much)
        const path = much.length > 100 ? '/timed' : '/public'
        t.match(await timingOf(path, { token }), /^gate;desc="\w+@0";dur=\d+, upstream;dur=\d+$/)
      }
    })

    t.test('what an upstream said before a refusal is not told', async (t) => {
      upstream.respond = (_request, response) => {
        response.setHeader('Server-Timing', said)
        response.setHeader('X-Accel-Redirect', '/timed')
        response.end()
      }
      // The first location lets it pass, the second asks for another audience.
      const other = await startGate(t, engine, {
        bridge,
        server: `
          location /accel { ${settings()} PROTECT ${pass} }
          location /timed { set $drawbridge "audience another; scope *;"; PROTECT ${TIMED} ${pass} }
        `,
      })
      const answer = await other.request('/accel', { token })
      t.equal(answer.status, 401)
      t.match(answer.headers['server-timing'], /^gate;desc="refused@0";dur=\d+$/)
    })

    t.test('where it is not turned on, the gate adds none', async (t) => {
      answerWith(said)
      t.equal(await timingOf('/usual', { token }), said, 'an upstream’s own is its own')
      t.equal(await timingOf('/hidden', { token }), undefined)
      for (const path of ['/usual', '/hidden']) t.equal(await timingOf(path), undefined)
      upstream.respond = (_request, response) => response.end()
      t.equal(await timingOf('/usual', { token }), undefined)
    })
  })
}

t.test('by construction it costs nothing where it is off', (t) => {
  const conf = (file: string) => readFileSync(join(import.meta.dirname, '../../conf', file), 'utf8')
  for (const file of ['protect.conf', 'protect-auth-request.conf', 'stream.conf', 'public.conf']) {
    t.notMatch(conf(file), /timing|timed/i, file)
  }
  t.end()
})
