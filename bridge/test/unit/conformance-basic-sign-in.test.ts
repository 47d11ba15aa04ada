/** Modules of "Basic OP" about who has to sign in, and who has signed in already. */
import { test, type Test } from 'tap'
import { startRelyingParty } from '../relying-party.ts'
import type { Change } from '../app.ts'

/** Lets time pass. */
const wait = (t: Test, seconds: number) =>
  t.intercept(Date, 'now', { value: () => new Date().getTime() + seconds * 1000 })

/** What needs somebody at the screen. @see OpenID Connect Core 1.0 §3.1.2.6 */
const NEED_A_PAGE = ['login_required', 'interaction_required', 'consent_required']

test('oidcc-prompt-login', async (t) => {
  const { flow } = await startRelyingParty(t)
  const first = await flow()
  wait(t, 1)
  const second = await flow({ prompt: 'login' }, first.browser)
  t.same(second.returned.met, ['sign-in'])
  t.ok(second.claims.auth_time > first.claims.auth_time)
})

test('oidcc-prompt-none-not-logged-in', async (t) => {
  const { ask, back, newBrowser } = await startRelyingParty(t)
  const asked = ask({ prompt: 'none', state: 'x'.repeat(128) })
  const answer = back(await newBrowser().open(asked.url), asked)
  t.ok(NEED_A_PAGE.includes(String(answer.get('error'))), String(answer.get('error')))
})

test('oidcc-max-age-1', async (t) => {
  const { flow } = await startRelyingParty(t)
  const first = await flow()
  wait(t, 2)
  const second = await flow({ max_age: '1' }, first.browser)
  t.same(second.returned.met, ['sign-in'])
  t.ok(second.claims.auth_time > first.claims.auth_time)
  t.ok(Date.now() / 1000 - second.claims.auth_time < 60)
})

/** Signs in once, and then is let in again unseen. */
async function twice(t: Test, change: Change, before: Change = {}) {
  const { flow } = await startRelyingParty(t)
  const first = await flow(before)
  t.same(first.returned.met, ['sign-in', 'consent'])
  wait(t, 2)
  const hint = change['id_token_hint'] === '' ? { id_token_hint: first.id_token } : {}
  const second = await flow({ ...change, ...hint }, first.browser)
  t.same(second.returned.met, [])
  t.equal(second.claims.auth_time, first.claims.auth_time)
  t.equal(second.claims.sub, first.claims.sub)
  t.ok(second.claims.iat > first.claims.iat)
}

test('oidcc-prompt-none-logged-in', (t) => twice(t, { prompt: 'none' }))

test('oidcc-max-age-10000', (t) => twice(t, { max_age: '10000' }, { max_age: '15000' }))

test('oidcc-id-token-hint', (t) => twice(t, { prompt: 'none', id_token_hint: '' }))
