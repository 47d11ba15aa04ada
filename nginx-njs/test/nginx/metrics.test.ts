/** The gate's own figures, as Prometheus reads them. */
import { setTimeout as pause } from 'node:timers/promises'
import t from 'tap'
import { REFUSALS } from '../../src/refusals.ts'
import { ENGINES, startGate } from '../support/gate.ts'
import { revocationList } from '../support/revocation-list.ts'
import { noLeaks } from '../support/secrets.ts'
import { startBridge } from '../support/servers.ts'
import { AUDIENCE, goodHeader, handmade, ISSUER, mint, newKey, now } from '../support/tokens.ts'

const NAME = '[a-zA-Z_:][a-zA-Z0-9_:]*'
const LABEL = '[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\\\\n]|\\\\["\\\\n])*"'
const SAMPLE = new RegExp(
  `^(${NAME})(\\{${LABEL}(?:,${LABEL})*\\})? (-?\\d+(?:\\.\\d+)?(?:e[+-]?\\d+)?)$`,
)

/**
 * Reads the text format, strictly.
 * @returns each sample's value, by name and labels
 * @throws Error at what Prometheus would not take, or at a name that it would not give
 * @see https://prometheus.io/docs/instrumenting/exposition_formats/
 */
function read(text: string): Map<string, number> {
  const samples = new Map<string, number>()
  const families = new Set<string>()
  let family = ''
  let typed = false
  const must = (condition: boolean, line: string): void => {
    if (!condition) throw new Error(`Not in the text format: ${JSON.stringify(line)}`)
  }
  must(text.endsWith('\n'), text.slice(-20))
  for (const line of text.slice(0, -1).split('\n')) {
    const help = /^# HELP (\S+) \S.*$/.exec(line)
    const type = /^# TYPE (\S+) (counter|gauge)$/.exec(line)
    if (help !== null) {
      family = help[1] as string
      must(!families.has(family), line)
      families.add(family)
      typed = false
    } else if (type !== null) {
      must(type[1] === family && !typed, line)
      must(family.endsWith('_total') === (type[2] === 'counter'), line)
      typed = true
    } else {
      const sample = SAMPLE.exec(line)
      must(sample?.[1] === family && typed, line)
      const id = `${family}${sample?.[2] ?? ''}`
      must(!samples.has(id), line)
      samples.set(id, Number(sample?.[3]))
    }
  }
  return samples
}

for (const engine of ENGINES) {
  t.test(engine.name, async (t) => {
    const key = newKey('key-1')
    const list = revocationList([{ sid: 'gone' }])
    const bridge = await startBridge(t, [key.publicJwk])
    bridge.revocations = list.page
    const second = 'https://second.example'
    const gate = await startGate(t, engine, {
      bridge,
      issuers: `issuer ${second}; jwks http://127.0.0.1:1/jwks; revocations off;`,
      server: `
        ${'' /* without periodic.conf: nothing is fetched but for a request */}
        location /metrics { include /mnt/conf/metrics.conf; }
        location /wrong { set $drawbridge "audience ${AUDIENCE};"; PROTECT empty_gif; }
        location /none { set $drawbridge_issuers "issuer;"; include /mnt/conf/metrics.conf; }
        location /api {
          set $drawbridge "audience ${AUDIENCE}; scope odoo.read; role sales; max_age 600;
            issuer ${ISSUER};";
          PROTECT
          empty_gif;
        }
        location /second {
          set $drawbridge "audience ${AUDIENCE}; scope *; issuer ${second};";
          PROTECT
          empty_gif;
        }`,
    })
    noLeaks(t, gate, bridge.credential)
    const figures = async () => {
      const answer = await gate.request('/metrics')
      return { samples: read(answer.body), text: answer.body, answer }
    }
    /** Some of the figures are added up once a second: asks, and looks, until they are there. */
    const figuresWith = async (isThere: (samples: Map<string, number>) => boolean) => {
      const token = mint(key)
      for (;;) {
        await gate.request('/api', { token })
        const { samples } = await figures()
        if (isThere(samples)) return samples
        await pause(20)
      }
    }
    const verdict = (name: string) => `drawbridge_gate_verdicts_total{verdict="${name}"}`
    const found = (name: string) => `drawbridge_gate_signatures_total{found="${name}"}`
    const failures = (of: string) => `drawbridge_gate_fetch_failures_total{of="${of}"}`
    const keysAge = (iss: string) => `drawbridge_gate_keys_age_seconds{issuer="${iss}"}`
    const listAge = (iss: string) => `drawbridge_gate_revocations_age_seconds{issuer="${iss}"}`

    t.test('at first everything is there, and 0', async (t) => {
      const { samples, answer } = await figures()
      t.equal(answer.status, 200)
      t.equal(answer.headers['content-type'], 'text/plain; version=0.0.4')
      for (const name of ['valid', ...Object.keys(REFUSALS)]) t.equal(samples.get(verdict(name)), 0)
      for (const name of ['pass', 'memo', 'verified']) t.equal(samples.get(found(name)), 0)
      for (const name of ['keys', 'revocations', 'verdict']) t.equal(samples.get(failures(name)), 0)
      t.notOk(samples.has(keysAge(ISSUER)), 'there is no age of what was never fetched')
      t.notOk(samples.has(listAge(ISSUER)))
    })

    t.test('verdicts by reason', async (t) => {
      const requests: [reason: string, token: string | undefined, path?: string][] = [
        ['valid', mint(key)],
        ['no_token', undefined],
        ['malformed', 'x.y.z'],
        ['wrong_type', mint(key, {}, 'JWT')],
        ['unknown_key', mint(newKey('key-2'))],
        ['bad_signature', mint(newKey('key-1'))],
        ['wrong_issuer', mint(key, { iss: 'https://evil.example' })],
        ['wrong_audience', mint(key, { aud: 'x' })],
        ['too_long_lived', mint(key, { exp: now() + 9000 })],
        ['not_yet_valid', mint(key, { iat: now() + 60 })],
        ['revoked', mint(key, { sid: 'gone' })],
        ['too_old', mint(key, { iat: now() - 700 })],
        ['expired', mint(key, { iat: now() - 600, exp: now() - 60 })],
        ['insufficient_scope', mint(key, { scope: 'x' })],
        ['insufficient_role', mint(key, { roles: ['x'] })],
        ['keys_unavailable', mint(key, { iss: second }), '/second'],
        ['misconfigured', mint(key), '/wrong'],
      ]
      for (const [, token, path] of requests) {
        await gate.request(path ?? '/api', token === undefined ? {} : { token })
      }
      await gate.request('/api', { headers: [['Drawbridge-Sub', '2']] })
      const expected = [...requests.map(([reason]) => reason), 'identity_header']
      const samples = await figuresWith((samples) =>
        expected.every((name) => samples.get(verdict(name)) !== 0),
      )
      for (const name of Object.keys(REFUSALS)) {
        t.equal(samples.get(verdict(name)), expected.includes(name) ? 1 : 0, name)
      }
      t.equal(samples.get(failures('keys')), 1)
      t.equal(samples.get(failures('revocations')), 0)
      for (const age of [keysAge(ISSUER), listAge(ISSUER)]) {
        const value = samples.get(age) ?? -1
        t.ok(value >= 0 && value < 30, `${age}: ${String(value)}`)
      }
      t.notOk(samples.has(keysAge(second)))
      t.notOk(samples.has(listAge(second)), 'it has no list')
    })

    t.test('how signatures were known', async (t) => {
      // The fast lane is QuickJS's alone.
      const ways = ['verified', engine.root === 'stack' ? 'pass' : 'memo']
      const samples = await figuresWith((samples) =>
        ways.every((way) => samples.get(found(way)) !== 0),
      )
      if (engine.root === 'stable') t.equal(samples.get(found('pass')), 0)
      t.ok((samples.get(verdict('valid')) ?? 0) >= (samples.get(found(ways[1] as string)) ?? NaN))
    })

    t.test('it tells of nobody', async (t) => {
      const { text } = await figures()
      for (const word of ['eyJ', 'session-1', 'gone', 'drawbridge-pwa', bridge.credential]) {
        t.notMatch(text, word)
      }
      t.notMatch(text, bridge.jwksUrl)
    })

    t.test('without issuers there is nothing to tell', async (t) => {
      t.equal((await gate.request('/none')).status, 500)
      t.match(gate.errorLog(), 'drawbridge: "issuer" in $drawbridge_issuers has no value')
    })

    t.test('an algorithm of its own is no label', async () => {
      const header = { ...goodHeader(key), alg: 'evil"} 1\nx{y="' }
      const token = handmade(key, header, { iss: 'evil"} 1\nx{y="' })
      await gate.request('/api', { token })
      await figures()
    })
  })
}
