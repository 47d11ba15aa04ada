import { test } from 'tap'
import { ActivityLog } from '../src/activity-log.ts'
import { describe } from '../src/elements/activity/describe.ts'
import { openBrowser } from './support/browser.ts'

test('A8-A11 in words, in order, and without a secret', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  const log = new ActivityLog(tab)
  await tab.restore()
  await t.rejects(tab.login({ login: 'ann', password: 'wrong-password' }))
  await tab.login({ login: 'ann', password: "ann's" })
  browser.bridge.expireAccessTokens()
  await tab.fetch('/api/protected/data?search=Quinn')
  await tab.logout()

  const lines = log.steps.map((step) => describe(step))
  t.strictSame(
    lines.map(({ route, tone, facts }) => [route, tone, ...facts.filter((f) => !f.endsWith('ms'))]),
    [
      ['Browser → Bridge', 'plain', 'POST /auth/refresh'],
      ['Bridge → Browser', 'plain', '401'],
      ['Bridge → Browser', 'bad', 'POST /auth/login'],
      ['Bridge → Browser', 'good', 'POST /auth/login'],
      ['This page', 'plain'],
      ['Browser → Gate', 'plain', 'GET /api/protected/data'],
      ['Gate → Browser', 'bad', '401'],
      ['Browser → Bridge', 'plain', 'POST /auth/refresh'],
      ['Bridge → Browser', 'good', '200'],
      ['Browser → Gate', 'plain', 'GET /api/protected/data'],
      ['Gate → Browser', 'good', '200'],
      ['This page', 'plain'],
      ['Bridge → Browser', 'good', 'POST /auth/logout'],
    ],
  )
  t.ok(lines.every(({ text }) => text.length > 0))
  t.match(lines[6]?.text, 'Refused: The token expired.')
  const all = JSON.stringify([log.steps, lines])
  const tokens = browser.bridge.seen.map(({ authorization }) => authorization?.split(' ')[1] ?? '')
  for (const secret of ['wrong-password', "ann's", 'Quinn', ...tokens.filter(Boolean)]) {
    t.notOk(all.includes(secret), 'not in the log')
  }
})

test('the log is bounded, says when it changed and can be cleared', async (t) => {
  const tab = (await openBrowser(t)).tab()
  const log = new ActivityLog(tab)
  let changes = 0
  log.addEventListener('change', () => {
    changes++
  })
  for (let i = 0; i < 250; i++) {
    tab.dispatchEvent(new CustomEvent('signed-in', { detail: { by: 'login' } }))
  }
  t.equal(changes, 250)
  t.equal(log.steps.length, 200)
  t.equal(log.steps.at(-1)?.id, 250)
  log.clear()
  t.strictSame(log.steps, [])
})
