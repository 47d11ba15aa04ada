/** What is kept of contacts on a device is wiped by whatever ends it, and stays wiped. */
import { test } from 'tap'
import type { Test } from 'tap'
import { Keeper, LONGEST } from '../../src/offline/keeper.ts'
import { KeptContacts } from '../../src/offline/kept-contacts.ts'
import { gate } from '../support/bridge.ts'
import { next } from '../support/browser.ts'
import { ALL, details, firstPage, MemoryStorage, never, openDevice } from '../support/device.ts'
import type { Device, Tab } from '../support/device.ts'

const DAY = 86_400_000
const DATA = '/api/protected/data'

/** A device with somebody signed in, and their first contacts kept. */
async function keeping(t: Test): Promise<{ device: Device; tab: Tab }> {
  const device = await openDevice(t)
  const tab = await device.signedIn()
  await tab.reader.list(ALL, never)
  await tab.reader.contact({ id: 1, company: null }, never)
  await settled(tab)
  t.strictSame(Object.keys(await device.rows()), ['contacts', 'lists', 'owner'])
  return { device, tab }
}

/** What was begun at the database of this tab is done. */
const settled = async ({ keeper, session }: Tab): Promise<void> => {
  await keeper.write(session.current?.sid ?? 'nobody', () => Promise.resolve())
  await keeper.settle()
}

/** The same, while the list is asked for again: the answer waits for `answered`. */
async function reading(
  t: Test,
): Promise<{ device: Device; tab: Tab; answered: () => Promise<void> }> {
  const { device, tab } = await keeping(t)
  const { bridge } = device.browser
  const held = gate()
  bridge.holdCall = held.opened
  const listed = tab.reader.list(ALL, never)
  await bridge.arrived(DATA, 2)
  return {
    device,
    tab,
    answered: async () => {
      held.open()
      await listed
      await settled(tab)
    },
  }
}

/** What there is, besides which sessions are over. */
const contents = async (device: Device): Promise<string[]> =>
  Object.keys(await device.rows()).filter((name) => name !== 'ended')

/** Nothing of it is on the device, and nobody is shown anything. */
async function gone(t: Test, { device }: { device: Device }): Promise<void> {
  const later = device.tab()
  t.equal(await later.keeper.open(), null)
  t.equal(await later.kept.list(null, ''), null)
  t.equal(await later.kept.contact({ id: 1, company: null }), null)
  await later.keeper.settle()
  t.strictSame(await contents(device), [])
}

test('what was read last is there without a network', async (t) => {
  const { device } = await keeping(t)
  device.browser.offline = true
  const later = device.tab()
  await t.rejects(later.session.restore(), { code: 'unreachable' })
  t.match(await later.keeper.open(), { sub: 'ann', profile: firstPage().user })
  t.match(await later.kept.list(null, ''), { contacts: firstPage().contacts })
})

test('of a token, a cookie, or what else the page did, there is nothing', async (t) => {
  const { device, tab } = await keeping(t)
  const tokens = device.browser.bridge.seen.flatMap(({ authorization }) => authorization ?? [])
  t.not(tokens.length, 0)
  const stored = Array.from({ length: device.storage.length }, (_, index) => {
    const key = device.storage.key(index) ?? ''
    return [key, device.storage.getItem(key)]
  })
  const all = JSON.stringify([await device.rows(), stored])
  for (const token of tokens) t.notMatch(all, token.replace('Bearer ', ''))
  t.notMatch(all, device.browser.cookie)
  t.strictSame(stored, [['drawbridge-offline', tab.session.current?.sid]])
})

test('signing out wipes it, at once', async (t) => {
  const { device, tab } = await keeping(t)
  const done = tab.session.logout()
  t.equal(tab.wiped(), 1)
  t.equal(await tab.kept.list(null, ''), null, 'before the bridge or the database has answered')
  await done
  await settled(tab)
  await gone(t, { device })
})

test('and so it does where the bridge cannot be told', async (t) => {
  const { device, tab } = await keeping(t)
  device.browser.offline = true
  await t.rejects(tab.session.logout(), { code: 'unreachable' })
  await settled(tab)
  await gone(t, { device })
})

test('and without a token, as the app is after it was opened offline', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  device.browser.offline = true
  const later = device.tab()
  t.ok(await later.keeper.open())
  const wiped = later.keeper.wipe('session')
  t.equal(later.wiped(), 1)
  await wiped
  await gone(t, { device })
})

test('signing out in another tab wipes it', async (t) => {
  const { device, tab } = await keeping(t)
  const other = device.tab()
  await other.session.restore()
  const heard = next(tab.session, 'signed-out')
  await other.session.logout()
  await heard
  await settled(tab)
  await settled(other)
  await gone(t, { device })
})

test('a session that is refused wipes it', async (t) => {
  const { device, tab } = await keeping(t)
  device.browser.bridge.endSessions()
  device.browser.bridge.expireAccessTokens()
  t.equal(await tab.reader.list(ALL, never), null)
  await settled(tab)
  await gone(t, { device })
})

test('one that was ended elsewhere does so when the app is opened again', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  device.browser.bridge.endSessions()
  const later = device.tab()
  t.equal(await later.session.restore(), false)
  await settled(later)
  await gone(t, { device })
})

test('a bridge that cannot answer ends nothing', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  for (const error of ['server_error', 'keys_unavailable', 'database_unavailable'] as const) {
    device.browser.bridge.refreshFails = { status: 503, error }
    const later = device.tab()
    await t.rejects(later.session.restore())
    t.ok(await later.keeper.open(), error)
    later.close()
  }
})

test('another user gets nothing of it, and has their own', async (t) => {
  const { device, tab } = await keeping(t)
  const changed = next(tab.session, 'user-changed')
  await tab.session.login({ login: 'bob', password: "bob's" })
  await changed
  await settled(tab)
  t.equal(await tab.kept.list(null, ''), null)
  t.match(await tab.keeper.open(), { sub: 'bob', profile: null })
  await tab.reader.list(ALL, never)
  await settled(tab)
  t.ok(await tab.kept.list(null, ''))
  t.equal((await device.rows())['lists']?.length, 1)
  t.equal((await device.rows())['contacts'], undefined)
})

test('another user who finds the app closed does not either', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  const other = await device.signedIn('bob')
  t.equal(await other.kept.list(null, ''), null)
  await settled(other)
  t.match(await other.keeper.open(), { sub: 'bob', profile: null })
  t.strictSame(await contents(device), ['owner'])
})

test('the same user in a new session begins anew', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  const again = await device.signedIn('ann')
  await settled(again)
  t.equal(await again.kept.list(null, ''), null)
})

test('its time is up', async (t) => {
  for (const [name, days] of [
    ['as long as the session lives', 6],
    ['a week', 30],
  ] as const) {
    const { device, tab } = await keeping(t)
    device.browser.bridge.sessionLifetime = days * 86_400
    device.browser.bridge.expireAccessTokens()
    await tab.reader.list(ALL, never)
    await settled(tab)
    tab.close()
    const until = Math.min(days * DAY, LONGEST)
    device.browser.clock += until - 60_000
    const before = device.tab()
    t.ok(await before.keeper.open(), name)
    before.close()
    device.browser.clock += 60_000
    const later = device.tab()
    const wiped = new Promise((resolve) => {
      later.keeper.addEventListener('wiped', resolve)
    })
    t.equal(await later.keeper.open(), null)
    await wiped
    await later.keeper.wipe('time')
    await gone(t, { device })
  }
})

test('a clock that was put back shows nothing either', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  device.browser.clock -= DAY - 1
  t.ok(await device.tab().keeper.open(), 'that may be a time zone')
  device.browser.clock -= 2
  t.equal(await device.tab().keeper.open(), null)
})

test('who does not want it has nothing kept, until they want it again', async (t) => {
  const { device, tab } = await keeping(t)
  await tab.keeper.want(false)
  t.equal(tab.wiped(), 1)
  await gone(t, { device })
  await tab.reader.list(ALL, never)
  await settled(tab)
  await gone(t, { device })
  t.equal(device.tab().keeper.isWanted, false, 'also after a reload')
  await tab.keeper.want(true)
  await tab.reader.list(ALL, never)
  await settled(tab)
  t.ok(await tab.kept.list(null, ''))
})

test('at a shared computer nothing is kept, and what others left is wiped', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  const shared = await device.signedIn('bob', { persistent: false })
  await shared.reader.list(ALL, never)
  await shared.reader.contact({ id: 1, company: null }, never)
  await settled(shared)
  t.equal(device.storage.length, 0)
  await gone(t, { device })

  const reloaded = device.tab()
  await reloaded.session.restore()
  await reloaded.reader.list(ALL, never)
  await settled(reloaded)
  await gone(t, { device })
})

test('where it never was otherwise there is not even a database', async (t) => {
  const device = await openDevice(t)
  const shared = await device.signedIn('bob', { persistent: false })
  await shared.reader.list(ALL, never)
  await settled(shared)
  await shared.session.logout()
  t.strictSame(await indexedDB.databases(), [])
})

test('a wipe that was interrupted: nothing is shown, and the next start finishes it', async (t) => {
  const { device, tab } = await keeping(t)
  // As it is with a tab that is closed in the midst of it, or that another one keeps waiting.
  const broken = t.intercept(IDBDatabase.prototype, 'transaction', { value: raise })
  const done = tab.session.logout()
  t.equal(device.storage.getItem('drawbridge-offline'), 'wiping', 'marked first')
  await done
  await settled(tab)
  broken.restore()
  tab.close()

  const later = device.tab()
  t.equal(await later.keeper.open(), null)
  t.equal(await later.kept.list(null, ''), null)
  t.not((await device.rows())['lists'], undefined, 'it is still there')
  await later.keeper.settle()
  t.equal(device.storage.getItem('drawbridge-offline'), null)
  await gone(t, { device })
})

test('the next to sign in finishes it, too', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  device.storage.setItem('drawbridge-offline', 'wiping')
  const other = await device.signedIn('bob')
  await settled(other)
  t.equal(await other.kept.list(null, ''), null)
  t.strictSame(Object.keys(await device.rows()), ['owner'])
})

test('what lies there without the mark is not shown to anybody', async (t) => {
  const { device, tab } = await keeping(t)
  tab.close()
  for (const mark of [null, 'sid-of-another', '', 'wiping']) {
    if (mark === null) device.storage.removeItem('drawbridge-offline')
    else device.storage.setItem('drawbridge-offline', mark)
    t.equal(await device.tab().keeper.open(), null)
    t.equal(await device.tab().kept.list(null, ''), null)
  }
})

test('without room even for the mark: nothing is shown', async (t) => {
  const { device, tab } = await keeping(t)
  device.storage.isFull = true
  await tab.session.logout()
  t.equal(device.storage.length, 0)
  await gone(t, { device })
})

test('an answer that comes after the sign-out is not kept', async (t) => {
  const { device, tab, answered } = await reading(t)
  await tab.session.logout()
  await answered()
  await gone(t, { device })
})

test('nor is one that another tab gets, which has not heard of it yet', async (t) => {
  const { device, tab } = await keeping(t)
  const sid = tab.session.current?.sid ?? ''
  // It believes that it is signed in: no message reaches it.
  const deaf = device.tab()
  await deaf.session.restore()
  await settled(deaf)
  deaf.session.dispatchEvent = () => true
  await tab.session.logout()
  await settled(tab)
  Object.defineProperty(deaf.session, 'current', {
    value: { sid, sub: 'ann', persistent: true, sessionExpiresAt: device.browser.clock + DAY },
  })
  await deaf.keeper.begin()
  await deaf.kept.keepFirst(sid, null, firstPage())
  await deaf.kept.keepContact(sid, null, details(1))
  await gone(t, { device })
})

test('a tab that still sees the mark of before keeps nothing beside what is another’s', async (t) => {
  const { device, tab } = await keeping(t)
  const sid = tab.session.current?.sid ?? ''
  // Browsers tell tabs of each other's storage when they get round to it.
  const lagging = new MemoryStorage()
  lagging.setItem('drawbridge-offline', sid)
  const late = new Keeper(tab.session, { storage: lagging, now: () => device.browser.clock })
  const current = tab.session.current
  tab.close()
  const bob = await device.signedIn('bob')
  await settled(bob)
  Object.defineProperty(tab.session, 'current', { value: current })
  await new KeptContacts(late).keepFirst(sid, null, firstPage())
  t.strictSame(await contents(device), ['owner'])
})

test('what one session read is not kept for the next', async (t) => {
  const { tab } = await keeping(t)
  const before = tab.session.current?.sid ?? ''
  await tab.session.login({ login: 'ann', password: "ann's" })
  await tab.keeper.begin()
  await tab.kept.keepFirst(before, null, firstPage())
  t.equal(await tab.kept.list(null, ''), null)
})

test('nor a session’s answer for the user who signed in while it came', async (t) => {
  const { tab, answered } = await reading(t)
  await tab.session.login({ login: 'bob', password: "bob's" })
  await answered()
  t.match(await tab.keeper.open(), { sub: 'bob', profile: null })
  t.equal(await tab.kept.list(null, ''), null)
})

test('a browser without a database, or without storage: the app works, and says nothing', async (t) => {
  const device = await openDevice(t)
  const broken: [string, () => void][] = [
    ['it throws', () => (indexedDB.open = raise)],
    ['there is none', () => Reflect.deleteProperty(globalThis, 'indexedDB')],
    ['there is no room', () => (device.storage.isFull = true)],
  ]
  for (const [name, breakIt] of broken) {
    breakIt()
    const tab = await device.signedIn()
    t.match(await tab.reader.list(ALL, never), { outage: null, total: 4 }, name)
    t.match(await tab.reader.contact({ id: 1, company: null }, never), { outage: null }, name)
    await settled(tab)
    t.equal(await tab.kept.list(null, ''), null, name)
    await tab.session.logout()
    await tab.keeper.settle()
    tab.close()
  }
})

const raise = (): never => {
  throw new Error('SecurityError')
}
