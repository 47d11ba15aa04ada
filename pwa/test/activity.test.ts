import { test } from 'tap'
import { ActivityLog } from '../src/activity-log.ts'
import type { Step } from '../src/activity-log.ts'
import { asText, route } from '../src/elements/activity/as-text.ts'
import { messagesOf } from '../src/elements/activity/messages.ts'
import { outcomeOf } from '../src/elements/activity/outcome.ts'
import { storiesOf } from '../src/elements/activity/stories.ts'
import { next, openBrowser } from './support/browser.ts'

/** What is drawn, line by line: number, route, how it went. */
const linesOf = (steps: readonly Step[]): string[][] =>
  storiesOf(steps).map((story) =>
    messagesOf(story).map((message) =>
      [message.mark ?? '', route(message), message.tone].join(' ').trim(),
    ),
  )

const titlesOf = (steps: readonly Step[]): string[][] =>
  storiesOf(steps).map((story) => {
    const { title, tone, text } = outcomeOf(story)
    return [title, tone, text]
  })

test('A5–A11: stories in words, in order, and without a secret', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  const log = new ActivityLog(tab)
  await tab.restore()
  await t.rejects(tab.login({ login: 'ann', password: 'wrong-password' }))
  await tab.login({ login: 'ann', password: "ann's" })
  browser.bridge.expireAccessTokens()
  await tab.fetch('/api/protected/data?search=Quinn')
  await tab.logout()

  t.strictSame(linesOf(log.steps), [
    ['A9 Browser → Bridge plain', 'A12.1 Bridge → Browser plain'],
    ['Browser → Bridge plain', 'Bridge → Browser refused'],
    ['Browser → Bridge plain', 'A3 Bridge → Browser allowed', 'Browser plain'],
    [
      'A5 Browser → Gate plain',
      'A6.1 Gate refused',
      'A8.1 Gate → Browser refused',
      'A9 Browser → Bridge plain',
      'A11.3 Bridge → Browser allowed',
      'A11.5 Browser → Gate plain',
      'A6.1 Gate allowed',
      'A7.1 Gate → Bridge plain',
      'A7.2 Bridge → Browser allowed',
    ],
    ['Browser plain', 'Browser → Bridge plain', 'Bridge → Browser allowed'],
  ])
  t.strictSame(titlesOf(log.steps), [
    ['The page was opened', 'plain', 'nobody signed in'],
    ['Sign-in', 'refused', 'refused'],
    ['Sign-in', 'allowed', 'signed in'],
    ['The access token expired', 'allowed', '401 → 200 OK'],
    ['Sign-out', 'allowed', 'signed out'],
  ])
  const text = asText(storiesOf(log.steps))
  t.match(text, /A8\.1 +Gate → Browser +Another token is needed \(401 invalid_token, .+ ms\)/)
  t.match(text, 'Refused: The token expired')
  const all = JSON.stringify([log.steps, storiesOf(log.steps).map(messagesOf), text])
  const tokens = browser.bridge.seen.map(({ authorization }) => authorization?.split(' ')[1] ?? '')
  for (const secret of ['wrong-password', "ann's", 'Quinn', ...tokens.filter(Boolean)]) {
    t.notOk(all.includes(secret), 'not in the log')
  }
})

/** A log of steps as a test wants them. */
const stepsFrom = (events: Pick<Step, 'name' | 'detail'>[]): Step[] =>
  events.map((event, index) => ({ ...event, id: index + 1, at: index }) as Step)

const request = { method: 'GET', path: '/api/contacts' }

test('A7: what gate, bridge, Vault and Odoo tell stands between the question and its answer', (t) => {
  const timing =
    'gate;desc="valid@0";dur=2, upstream;dur=20, bridge;dur=19.0, store;desc="get@0.5";dur=0.4, ' +
    'bridge;desc="sign_access_token.vault@1.0";dur=4.0, vault;desc="export_key@1.5";dur=3.0, ' +
    'odoo;desc="search_read@6.0";dur=9.0, odoo;desc="search_count!@6.1";dur=5.0, omitted;desc="3"'
  const steps = stepsFrom([
    { name: 'call', detail: { id: 1, attempt: 1, ...request } },
    {
      name: 'answer',
      detail: { id: 1, attempt: 1, ...request, status: 200, duration: 25, timing },
    },
  ])
  t.strictSame(linesOf(steps), [
    [
      'A5 Browser → Gate plain',
      'A6.1 Gate allowed',
      'A7.1 Gate → Bridge plain',
      'Bridge plain',
      'Bridge plain',
      'Bridge ⇄ Vault plain',
      'A7.1.1 Bridge ⇄ Odoo plain',
      'A7.1.1 Bridge ⇄ Odoo lost',
      'Bridge plain',
      'A7.2 Bridge → Browser allowed',
    ],
  ])
  const messages = storiesOf(steps).flatMap(messagesOf)
  t.strictSame(
    messages.map(({ duration }) => duration),
    [undefined, 2, 19, 0.4, 4, 3, 9, 5, undefined, 25],
  )
  t.strictSame(
    messages.filter(({ overlaps }) => overlaps).map(({ term }) => term),
    ['search_count'],
  )
  t.match(messages[4]?.text, 'key from Vault')
  t.equal(new Set(messages.map(({ key }) => key)).size, messages.length, 'keys are apart')
  t.end()
})

test('A1: a key from memory is drawn with the call to Vault that brought it, however long ago', (t) => {
  const timing =
    'gate;desc="passed_on@0";dur=0, bridge;dur=9.0, vault;desc="export_key@-35000.0";dur=3.0, ' +
    'odoo;desc="sign_in@1.0";dur=4.0, bridge;desc="sign_access_token.memory@6.0";dur=0.2'
  const steps = stepsFrom([{ name: 'login', detail: { ok: true, duration: 12, timing } }])
  const messages = storiesOf(steps).flatMap(messagesOf)
  t.strictSame(linesOf(steps), [
    [
      'Browser → Bridge plain',
      'Bridge ⇄ Odoo plain',
      'Bridge ⇄ Vault plain',
      'A1 Bridge plain',
      'A3 Bridge → Browser allowed',
    ],
  ])
  t.match(messages[2]?.text, '35 s ago')
  t.end()
})

test('a word that every object knows is one that nobody knows', (t) => {
  for (const word of ['constructor', '__proto__', 'toString.memory']) {
    const timing = `gate;desc="valid@0";dur=0, bridge;dur=9, bridge;desc="${word}@1.0";dur=1`
    const steps = stepsFrom([
      { name: 'call', detail: { id: 1, attempt: 1, ...request } },
      {
        name: 'answer',
        detail: { id: 1, attempt: 1, ...request, status: 200, duration: 10, timing },
      },
    ])
    const text = asText(storiesOf(steps))
    t.match(text, 'Signs', word)
    t.notMatch(text, /object|native|function/, word)
  }
  t.end()
})

test('A8: who refused is what the gate says, where it says it', (t) => {
  const refusal = (timing: string | undefined, status = 401) =>
    linesOf(
      stepsFrom([
        { name: 'call', detail: { id: 1, attempt: 1, ...request } },
        {
          name: 'answer',
          detail: {
            id: 1,
            attempt: 1,
            ...request,
            status,
            duration: 5,
            challenge: 'The session is over',
            ...(timing === undefined ? {} : { timing }),
          },
        },
      ]),
    )
      .flat()
      .filter((line) => / (refused|allowed)$/.test(line))
  t.strictSame(refusal('gate;desc="expired@0";dur=0'), [
    'A6.1 Gate refused',
    'A8.1 Gate → Browser refused',
  ])
  t.strictSame(refusal(undefined), ['A6.1 Gate refused', 'A8.1 Gate → Browser refused'])
  t.strictSame(refusal('gate;desc="valid@0";dur=0, upstream;dur=4, bridge;dur=3.0'), [
    'A6.1 Gate allowed',
    'A8.1 Bridge → Browser refused',
  ])
  t.strictSame(refusal('gate;desc="valid@0";dur=0, upstream;dur=4, bridge;dur=3.0', 503), [
    'A6.1 Gate allowed',
  ])
  t.end()
})

test('A8: what the gate says most is said in the page’s language, the rest as it came', (t) => {
  const said = (challenge: string) => {
    const detail = { id: 1, attempt: 1 as const, ...request, status: 401, duration: 5, challenge }
    const [story] = storiesOf(stepsFrom([{ name: 'answer', detail }]))
    return story && messagesOf(story)[0]?.text
  }
  for (const [challenge, text] of [
    ['The access token expired', 'Refused: the access token expired'],
    ['The access token is invalid', 'Refused: the access token is not valid'],
    ['The access token is too old for this', 'Refused: The access token is too old for this'],
    ['', 'Refused: the access token is not valid'],
  ] as const) {
    t.equal(said(challenge), text)
  }
  t.end()
})

test('calls that share a refresh: it is drawn once, and each request goes on in its own story', (t) => {
  const answer = (id: number, attempt: 1 | 2, status: number) => ({
    name: 'answer' as const,
    detail: { id, attempt, ...request, status, duration: 1 },
  })
  const call = (id: number) => ({
    name: 'call' as const,
    detail: { id, attempt: 1 as const, ...request },
  })
  const retry = (id: number) => ({ name: 'retry' as const, detail: { id, ...request } })
  const begun = [call(1), call(2), answer(1, 1, 401)]
  const refresh = { name: 'refresh' as const, detail: { reason: 'unauthorized' as const } }
  t.strictSame(titlesOf(stepsFrom([...begun, refresh])), [
    ['The access token expired', 'waiting', 'under way'],
    ['GET /api/contacts', 'waiting', 'under way'],
  ])
  const refreshed = {
    name: 'refreshed' as const,
    detail: {
      reason: 'unauthorized' as const,
      outcome: 'renewed' as const,
      from: 'bridge' as const,
      duration: 3,
    },
  }
  const steps = stepsFrom([
    ...begun,
    refresh,
    answer(2, 1, 401),
    refreshed,
    retry(1),
    retry(2),
    answer(2, 2, 200),
    answer(1, 2, 200),
  ])
  t.strictSame(
    storiesOf(steps).map((story) => story.steps.map(({ name }) => name)),
    [
      ['call', 'answer', 'refresh', 'refreshed', 'retry', 'answer'],
      ['call', 'answer', 'retry', 'answer'],
    ],
  )
  t.end()
})

test('a token that is renewed ahead of a call belongs to it; offline and other tabs are told', (t) => {
  const steps = stepsFrom([
    { name: 'refresh', detail: { reason: 'expired' } },
    {
      name: 'refreshed',
      detail: { reason: 'expired', outcome: 'renewed', from: 'tab', duration: 3 },
    },
    { name: 'call', detail: { id: 1, attempt: 1, ...request } },
    { name: 'answer', detail: { id: 1, attempt: 1, ...request, status: 0, duration: 1 } },
    { name: 'signed-out', detail: { reason: 'logout', by: 'tab' } },
    { name: 'signed-in', detail: { by: 'tab' } },
    { name: 'user-changed', detail: { sub: '7' } },
  ])
  t.strictSame(linesOf(steps), [
    ['A9 Browser → Bridge plain', 'Browser allowed', 'A5 Browser → Gate plain', 'Browser lost'],
    ['Browser plain'],
    ['Browser plain'],
    ['Browser plain'],
  ])
  t.strictSame(titlesOf(steps)[0], ['The access token expired', 'lost', 'no answer'])
  t.strictSame(linesOf(steps.slice(0, 1)), [['A9 Browser → Bridge plain', 'Bridge waiting']])
  t.strictSame(linesOf(steps.slice(3, 4)), [['Browser lost']], 'the log forgot the beginning')
  t.end()
})

test('A12: a refused refresh ends in the sign-in page, in one story', (t) => {
  const steps = stepsFrom([
    { name: 'call', detail: { id: 1, attempt: 1, ...request } },
    { name: 'answer', detail: { id: 1, attempt: 1, ...request, status: 401, duration: 1 } },
    { name: 'refresh', detail: { reason: 'unauthorized' } },
    {
      name: 'refreshed',
      detail: {
        reason: 'unauthorized',
        outcome: 'refused',
        from: 'bridge',
        code: 'invalid_refresh_token',
        duration: 3,
      },
    },
    { name: 'signed-out', detail: { reason: 'refused', by: 'here' } },
  ])
  t.strictSame(linesOf(steps)[0]?.slice(-2), [
    'A12.1 Bridge → Browser refused',
    'A12.2 Browser plain',
  ])
  t.equal(linesOf(steps).length, 1)
  t.strictSame(titlesOf(steps), [['The access token expired', 'refused', 'signed out']])
  t.end()
})

test('who comes next does not see what the one before did', async (t) => {
  const browser = await openBrowser(t)
  const tab = browser.tab()
  const log = new ActivityLog(tab)
  const seen = () => JSON.stringify(log.steps)
  await tab.login({ login: 'ann', password: "ann's" })
  await tab.fetch('/api/contacts/4711')
  await tab.logout()
  await tab.login({ login: 'ann', password: "ann's" })
  t.match(seen(), '/api/contacts/4711', 'the same one does')
  await tab.logout()
  await tab.login({ login: 'bob', password: "bob's" })
  t.notMatch(seen(), '4711')
  t.equal(log.steps[0]?.name, 'login', 'their own sign-in is the first')
  await tab.fetch('/api/contacts/815')
  const other = browser.tab()
  const changed = next(tab, 'user-changed')
  await other.login({ login: 'ann', password: "ann's" })
  await changed
  t.notMatch(seen(), '815')
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
