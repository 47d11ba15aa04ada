/**
 * Independent clients: libraries that others wrote by the standards alone sign somebody in, call an
 * API through the gate, refresh and sign out, each in a process of its own. The person sits at a
 * real browser.
 */
import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { PATHS } from '@drawbridge/bridge/contract'
import t, { type Test } from 'tap'
import { readStack } from '../stack/description.ts'
import { odooSession } from '../support/odoo-session.ts'
import { makePerson } from '../support/people.ts'
import { decide, follow, openBrowser, signIn } from './browser.ts'
import { settingsOf, startProgram } from './driver.ts'
import { PROGRAMS } from './programs.ts'

const stack = readStack()
const { issuer } = stack
const accessLog = join(dirname(stack.parts[0]?.logFile ?? ''), 'access.log')

const browser = await openBrowser()
t.teardown(() => browser.close())
const admin = await odooSession(stack.accounts.admin)

/** A client, and somebody at a browser of their own whom it sends to the bridge to sign in. */
async function begin(t: Test, clientId: string, more: Record<string, string> = {}) {
  const client = stack.clients.find(({ client_id }) => client_id === clientId)
  const prepare = PROGRAMS[clientId]
  if (!client || !prepare) throw new Error(`There is no client ${clientId}.`)
  const [person, program] = await Promise.all([makePerson(admin), prepare()])
  const settings = settingsOf(client, {
    issuer,
    api: issuer + PATHS.protectedData,
    nothing: issuer + nothingOf(person.uid),
  })
  const context = await browser.newContext()
  const running = startProgram(program, { ...settings, ...more })
  t.teardown(() => Promise.all([running.stop(), context.close()]))
  const page = await context.newPage()

  const goToSignIn = async (answer: 'Allow' | 'Do not allow' = 'Allow') => {
    const asked = new URL(await running.says('open'))
    const callback = await follow(page, asked.href, settings['REDIRECT_URI'] ?? '', async () => {
      await signIn(page, person)
      if (!client.first_party) await decide(page, answer)
    })
    running.callback(callback)
    return { asked: asked.searchParams, answered: new URL(callback).searchParams }
  }
  const goToSignOut = async () => {
    const asked = new URL(await running.says('open'))
    const address = client.post_logout_redirect_uris?.[0] ?? ''
    const callback = await follow(page, asked.href, address)
    running.callback(callback)
    return { asked: asked.searchParams, answered: new URL(callback).searchParams }
  }
  return { person, program: running, goToSignIn, goToSignOut }
}

/** Behind the gate there is nothing here: a 401 is the gate's own, and not what the bridge says. */
const nothingOf = (uid: number): string => `/api/nothing/${uid}`

/** Why the gate refused an address, by its log. @throws Error when it does not say so */
async function whyRefused(path: string): Promise<string> {
  const deadline = Date.now() + 10_000
  while (Date.now() < deadline) {
    const log = readFileSync(accessLog, 'utf8')
    const line = log.split('\n').find((entry) => entry.includes(`"GET ${path}" 401 `))
    const verdict = / gate=(\w+)/.exec(line ?? '')?.[1]
    if (verdict !== undefined) return verdict
    // nginx writes the line when the client has long had the answer.
    await wait(50)
  }
  throw new Error(`The gate's log knows of no refusal of ${path}.`)
}

for (const clientId of Object.keys(PROGRAMS)) {
  await t.test(clientId, async (t) => {
    const { person, program, goToSignIn, goToSignOut } = await begin(t, clientId)
    const subject = String(person.uid)

    await t.test('signs in', async (t) => {
      const { asked, answered } = await goToSignIn()
      t.equal(asked.get('code_challenge_method'), 'S256')
      t.ok(asked.get('nonce'))
      t.ok(asked.get('state'))
      t.equal(answered.get('state'), asked.get('state'))
      t.equal(answered.get('iss'), issuer, 'RFC 9207')
      const claims = await program.says('signed_in')
      t.match(claims, {
        iss: issuer,
        aud: clientId,
        sub: subject,
        nonce: asked.get('nonce'),
        amr: ['pwd'],
      })
    })

    await t.test('learns who that is', async (t) => {
      t.match(await program.says('userinfo'), { sub: subject, email: person.email })
    })

    await t.test('calls the API through the gate', async (t) => {
      t.same(await program.says('called'), { status: 200 })
    })

    await t.test('refreshes, and calls the API again', async (t) => {
      t.same(await program.says('refreshed'), { rotated: true })
      t.same(await program.says('called'), { status: 200 })
    })

    await t.test('signs out, here and at the gate', async (t) => {
      const { asked, answered } = await goToSignOut()
      t.equal(answered.get('state'), asked.get('state'))
      t.equal(await program.says('refused'), 'invalid_grant')
      t.same(await program.says('called'), { status: 401 })
      t.equal(await whyRefused(nothingOf(person.uid)), 'revoked', 'not because it expired')
      await program.ended()
    })
  })
}

/** One client for each library. */
const LIBRARIES = ['openid-client', 'oauth4webapi', 'authlib', 'go-oidc', 'nimbus']

for (const clientId of LIBRARIES) {
  await t.test(`${clientId}: a code that comes twice ends what it began`, async (t) => {
    const { program, goToSignIn } = await begin(t, clientId, { REDEEM_TWICE: 'yes' })
    await goToSignIn()
    await program.says('signed_in')
    t.equal(await program.says('failed'), 'invalid_grant')
    t.equal(await program.says('refused'), 'invalid_grant')
    await program.ended()
  })
}

const THIRD_PARTIES = stack.clients.filter(
  ({ client_id, first_party }) => client_id in PROGRAMS && !first_party,
)

for (const { client_id } of THIRD_PARTIES) {
  await t.test(`${client_id}: whoever does not allow it is not signed in`, async (t) => {
    const { program, goToSignIn } = await begin(t, client_id)
    const { asked, answered } = await goToSignIn('Do not allow')
    t.equal(answered.get('code'), null)
    t.equal(answered.get('state'), asked.get('state'))
    t.equal(await program.says('failed'), 'access_denied')
    await program.ended()
  })
}
