import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { watch } from './support/network.ts'
import { odooSession, type OdooSession } from './support/odoo-session.ts'
import { callAndConfirm, makePerson, recordOf, type Person } from './support/people.ts'
import {
  contacts,
  leaveExpiryToTheGate,
  openSignInPage,
  refreshCookie,
  reload,
  signInPage,
  signInToContacts,
} from './support/pwa.ts'
import { payloadOf, signIn, untilRefused } from './support/tokens.ts'

const stack = readStack()

/** Milliseconds from Odoo's write until the gate refuses: a second is what the gate may sleep. */
const AT_ONCE = 2000

interface Change {
  admin: OdooSession
  /** Their own session at Odoo. */
  own: OdooSession
  person: Person
}

const WAYS: Record<string, (change: Change) => Promise<unknown>> = {
  'an administrator archives them': ({ admin, person }) =>
    admin.call('res.users', 'write', [[person.uid], { active: false }]),
  'they change their password': ({ own, person }) =>
    own.call('res.users', 'change_password', [person.password, 'another password']),
  'they log out from all devices': ({ own, person }) =>
    callAndConfirm(own, person.password, 'res.users', 'action_revoke_all_devices', [person.uid]),
}

test.beforeEach(({ page }) => openSignInPage(page))

for (const [what, change] of Object.entries(WAYS)) {
  test(`out at once: in Odoo ${what}`, async ({ page }) => {
    const admin = await odooSession(stack.accounts.admin)
    const person = await makePerson(admin)
    const own = await odooSession(person)
    const network = watch(page, stack.issuer)
    await signInToContacts(page, person)
    await leaveExpiryToTheGate(page)
    // A second device of theirs, whose token is so young that it cannot expire meanwhile.
    const elsewhere = await signIn(person)
    const bystander = await signIn(stack.accounts.demo)

    await change({ admin, own, person })
    expect(await untilRefused(elsewhere.accessToken)).toBeLessThan(AT_ONCE)

    await reload(page)
    await expect(signInPage(page)).toBeVisible()
    await expect(page.getByText('Your session is over.')).toBeVisible()
    expect(network.seen(PATHS.protectedData)).toEqual([200, 401])
    expect(network.seen(PATHS.refresh)).toEqual([401])
    expect(await refreshCookie(page), 'cleared').toBe('')
    const others = await fetch(stack.issuer + PATHS.protectedData, {
      headers: { Authorization: `Bearer ${bystander.accessToken}` },
    })
    expect(others.status, 'nobody else is out').toBe(200)
  })
}

test('other groups in Odoo are other roles at the next refresh', async ({ page }) => {
  const admin = await odooSession(stack.accounts.admin)
  const person = await makePerson(admin)
  const network = watch(page, stack.issuer)
  await signInToContacts(page, person)
  const roles = () => payloadOf(network.lastBearer())['roles']
  expect(roles()).toEqual(['internal'])

  const system = await recordOf(admin, 'base.group_system')
  await admin.call('res.groups', 'write', [[system], { user_ids: [[4, person.uid]] }])
  // The page refreshes as soon as its token is too old.
  const next = async () => {
    await reload(page)
    return roles()
  }
  await expect.poll(next, { timeout: 3000 * stack.accessTokenTtl }).toContain('admin')
  await expect(contacts(page).first()).toBeVisible()
  expect(network.seen(PATHS.refresh)).not.toContain(401)
})
