import { test } from 'tap'
import { readServerTiming } from '../src/elements/activity/server-timing.ts'
import { openBrowser } from './support/browser.ts'

const GATE = 'gate;desc="valid@0";dur=1'

test('what gate and bridge tell is read, in the order in which it began', (t) => {
  t.strictSame(
    readServerTiming(
      `${GATE}, upstream;dur=20, bridge;dur=19.5, odoo;desc="read!@6.0";dur=9.1, ` +
        'bridge;desc="sign_access_token.memory@1.0";dur=0.2, omitted;desc="7"',
    ),
    {
      gate: { verdict: 'valid', duration: 1 },
      bridge: 19.5,
      steps: [
        {
          party: 'bridge',
          word: 'sign_access_token.memory',
          failed: false,
          offset: 1,
          duration: 0.2,
        },
        { party: 'odoo', word: 'read', failed: true, offset: 6, duration: 9.1 },
      ],
      omitted: 7,
    },
  )
  for (const verdict of ['valid', 'expired', 'refused', 'passed_on']) {
    t.equal(readServerTiming(`gate;desc="${verdict}@0";dur=3`)?.gate?.verdict, verdict)
  }
  t.end()
})

test('what is not of that form tells nothing', (t) => {
  for (const header of [
    undefined,
    '',
    'cache;desc="HIT"',
    'gate',
    'gate;desc="<b>"',
    'gate;desc="valid\u0000@0"',
    'gate;dur=1;desc="valid@0"',
    'GATE;desc="valid@0";dur=1',
    'bridge;desc="read@-1";dur=1',
    `x;dur=1, ${GATE}`,
    ','.repeat(4000),
    `${GATE}, ${'a'.repeat(4096)}`,
  ]) {
    t.equal(readServerTiming(header), null, String(header).slice(0, 40))
  }
  t.end()
})

test('a gate, or a whole, that comes a second time is an upstream’s invention', (t) => {
  const read = readServerTiming(`gate;desc="refused@0";dur=1, ${GATE}, bridge;dur=1, bridge;dur=99`)
  t.equal(read?.gate?.verdict, 'refused')
  t.equal(read?.bridge, 1)
  t.end()
})

test('hostile entries are passed over, and honest ones beside them are read', (t) => {
  for (const evil of [
    'odoo;desc="<img src=x onerror=alert(1)>@1";dur=1',
    'odoo;desc="read@1e9";dur=1',
    'odoo;desc="read@1";dur=Infinity',
    'odoo;desc="read@1";dur=-5',
    'odoo;desc="read@9999999999";dur=1',
    'odoo;desc="\\"@1";dur=1',
    'odoo;desc="read@1',
    'odoo;desc="read";dur=1',
    `odoo;desc="${'r'.repeat(31)}@1";dur=1`,
    'evil;desc="read@1";dur=1',
    '__proto__;desc="read@1";dur=1',
    'constructor;desc="read@1";dur=1',
  ]) {
    const read = readServerTiming(`${GATE}, ${evil}, odoo;desc="write@2";dur=1`)
    t.strictSame(
      read?.steps.map(({ word }) => word),
      ['write'],
      evil,
    )
  }
  t.end()
})

test('very many entries cost little, and few are taken', (t) => {
  const many = `${GATE}, ${'odoo;desc="a@1", '.repeat(230)}`
  t.ok(many.length < 4096)
  const begun = performance.now()
  for (let i = 0; i < 100; i++) readServerTiming(many)
  t.ok(performance.now() - begun < 2000)
  t.equal(readServerTiming(many)?.steps.length, 63)
  const slow = `${'a'.repeat(12)};desc="${'a.'.repeat(2000)}`.slice(0, 4096)
  t.equal(readServerTiming(slow), null)
  t.end()
})

test('the events of a session carry what the answers tell, whatever it is, and nothing otherwise', async (t) => {
  const browser = await openBrowser(t)
  const told: (string | undefined)[] = []
  const listen = (timing: string | undefined) => {
    browser.bridge.timing = timing
    const tab = browser.tab()
    for (const name of ['login', 'answer', 'refreshed', 'logout'] as const) {
      tab.addEventListener(name, ({ detail }) => {
        told.push('timing' in detail ? `${name} ${detail.timing ?? ''}` : name)
      })
    }
    return tab
  }
  for (const timing of [GATE, undefined]) {
    const tab = listen(timing)
    await t.rejects(tab.login({ login: 'ann', password: 'wrong' }))
    await tab.login({ login: 'ann', password: "ann's" })
    browser.bridge.expireAccessTokens()
    await tab.fetch('/api/protected/data')
    await tab.logout()
    tab.close()
  }
  const names = ['login', 'login', 'answer', 'refreshed', 'answer', 'logout']
  t.strictSame(told, [...names.map((name) => `${name} ${GATE}`), ...names])
})
