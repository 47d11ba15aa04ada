/** Contacts are read from the bridge, and from the device where nobody answers. */
import { test } from 'tap'
import type { Test } from 'tap'
import { LARGEST_PHOTO, MOST_LISTED, MOST_OPENED } from '../../src/offline/kept-contacts.ts'
import { gate } from '../support/bridge.ts'
import { ALL, details, firstPage, never, openDevice, row } from '../support/device.ts'
import type { Device, Tab } from '../support/device.ts'

const names = (listed: { contacts: readonly { id: number }[] } | null): number[] | undefined =>
  listed?.contacts.map(({ id }) => id)

async function signedIn(t: Test): Promise<{ device: Device; tab: Tab; sid: string }> {
  const device = await openDevice(t)
  const tab = await device.signedIn()
  return { device, tab, sid: tab.session.current?.sid ?? '' }
}

/** All that was to be kept is. */
const settled = ({ keeper, session }: Tab): Promise<void> =>
  keeper.write(session.current?.sid ?? '', () => Promise.resolve())

/** A tab that was opened without a network, and shows what another one had kept. */
async function openedOffline(t: Test): Promise<{ device: Device; later: Tab }> {
  const { device, tab } = await signedIn(t)
  await tab.reader.list(ALL, never)
  await settled(tab)
  tab.close()
  device.browser.offline = true
  const later = device.tab()
  t.match(await later.reader.list(ALL, never), { outage: { code: 'unreachable' } })
  return { device, later }
}

const ids = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1)

/** A list of which the first were shown, page after page. @param size of a page */
async function shownList(t: Test, length: number, { size = 2, all = 12 } = {}) {
  const { device, tab } = await signedIn(t)
  const { bridge } = device.browser
  bridge.answer = (path) => {
    const { pathname, searchParams } = new URL(path, 'http://bridge')
    const from = Number(searchParams.get('after') ?? 0)
    const end = Math.min(from + size, all)
    const contacts = ids(end)
      .slice(from)
      .map((id) => row(id))
    const page = { contacts, after: end < all ? String(end) : null }
    const isFirst = pathname === '/api/protected/data'
    return { status: 200, json: isFirst ? { ...firstPage(), ...page, total: all } : page }
  }
  let shown = await tab.reader.list(ALL, never)
  while (shown && shown.contacts.length < length) {
    const page = await tab.reader.list({ ...ALL, after: shown.after }, never)
    if (page) shown = { ...page, contacts: [...shown.contacts, ...page.contacts] }
  }
  await settled(tab)
  const asked = () => bridge.seen.filter(({ path }) => path.startsWith('/api/')).length
  return { device, tab, shown, asked }
}

test('what was loaded of the list, what was opened and nothing else is there offline', async (t) => {
  const { device, tab } = await signedIn(t)
  t.match(await tab.reader.list(ALL, never), { outage: null, total: 4, user: { name: 'Ann' } })
  await tab.reader.list({ ...ALL, after: 'two' }, never)
  await tab.reader.list({ ...ALL, search: 'nine' }, never)
  await tab.reader.contact({ id: 4, company: null }, never)
  await tab.reader.contact({ id: 7, company: null }, never)
  await settled(tab)

  device.browser.offline = true
  const listed = await tab.reader.list(ALL, never)
  t.match(listed, { after: null, total: null, outage: { code: 'unreachable' } })
  t.strictSame(names(listed), [1, 2, 3, 4, 7], 'found, but not opened: 9 is not kept')
  t.strictSame(names(await tab.reader.list({ ...ALL, search: ' 0003 @example' }, never)), [3])
  t.strictSame(names(await tab.reader.list({ ...ALL, search: '%' }, never)), [])

  const opened = await tab.reader.contact({ id: 4, company: null }, never)
  t.match(opened, { isPartial: false, contact: { job: 'Baker', may_edit: false } })
  const other = await tab.reader.contact({ id: 2, company: null }, never)
  t.match(other, { isPartial: true, contact: { ...row(2), job: null, may_edit: false } })
  await t.rejects(tab.reader.contact({ id: 9, company: null }, never), { code: 'unreachable' })
  await t.rejects(tab.reader.list({ ...ALL, company: 1 }, never), { code: 'unreachable' })
  await t.rejects(tab.reader.list({ ...ALL, after: 'two' }, never), { code: 'unreachable' })
})

test('as it was, until somebody answers again', async (t) => {
  const { device, tab } = await signedIn(t)
  const { bridge } = device.browser
  await tab.reader.list(ALL, never)
  await settled(tab)
  const { answer } = bridge
  bridge.answer = () => ({ status: 503, json: { error: 'odoo_unavailable' } })
  device.browser.clock += 60_000
  const asked = bridge.count('/api/protected/data')
  t.match(await tab.reader.list(ALL, never), {
    outage: { code: 'odoo_unavailable', readAt: device.browser.clock - 60_000 },
  })
  t.match(await tab.reader.list(ALL, never), { outage: { code: 'odoo_unavailable' } })
  t.equal(bridge.count('/api/protected/data'), asked + 1, 'nobody waits twice')
  t.match(await tab.reader.list(ALL, never, true), { outage: { code: 'odoo_unavailable' } })
  bridge.answer = answer
  t.match(await tab.reader.list(ALL, never, true), { outage: null })
  t.match(await tab.reader.list(ALL, never), { outage: null })
})

test('a refusal is no outage: it is said, and what is gone is forgotten', async (t) => {
  const { device, tab } = await signedIn(t)
  const { bridge } = device.browser
  await tab.reader.list(ALL, never)
  await tab.reader.contact({ id: 1, company: null }, never)
  await settled(tab)
  bridge.answer = () => ({ status: 404, json: { error: 'not_found' } })
  await t.rejects(tab.reader.contact({ id: 1, company: null }, never), { code: 'not_found' })
  await settled(tab)
  t.equal(await tab.kept.contact({ id: 1, company: null }), null)
  t.strictSame(names(await tab.kept.list(null, '')), [2])
  bridge.answer = () => ({ status: 403, json: { error: 'insufficient_scope' } })
  await t.rejects(tab.reader.list(ALL, never), { code: 'insufficient_scope' })
})

test('opened without a network, it goes on by itself when there is one', async (t) => {
  const { device, later } = await openedOffline(t)
  t.equal(later.session.current, null)
  device.browser.offline = false
  t.match(await later.reader.list(ALL, never, true), { outage: null })
  t.match(later.session.current, { sub: 'ann' })
})

test('opened without a network, it ends when the bridge says so', async (t) => {
  const { device, later } = await openedOffline(t)
  device.browser.offline = false
  device.browser.bridge.endSessions()
  t.equal(await later.reader.list(ALL, never, true), null)
  t.equal(later.wiped(), 1)
  t.equal(await later.kept.list(null, ''), null)
})

test('begun before anybody shows it, it is asked for once, and is for that one alone', async (t) => {
  const { device, tab } = await signedIn(t)
  const asked = () => device.browser.bridge.seen.filter(({ path }) => path.startsWith('/api/'))
  tab.reader.begin()
  t.match(await tab.reader.list(ALL, never), { total: 4, user: { name: 'Ann' } })
  t.equal(asked().length, 1)
  await tab.reader.list(ALL, never)
  t.equal(asked().length, 2, 'the next one is as it is then')

  for (const [query, anew, shown] of [
    [{ ...ALL, search: 'nine' }, false, 0],
    [{ ...ALL, company: 1 }, false, 0],
    [ALL, true, 0],
    [ALL, false, 50],
  ] as const) {
    const before = asked().length
    tab.reader.begin()
    await tab.reader.list(query, never, anew, shown)
    t.ok(asked().length >= before + 2, JSON.stringify([query, anew, shown]))
  }

  const given = new AbortController()
  tab.reader.begin()
  const aborted = tab.reader.list(ALL, given.signal)
  given.abort()
  t.equal(await aborted, null)
})

test('what was begun for one user is not shown to the next', async (t) => {
  const { device, tab } = await signedIn(t)
  tab.reader.begin()
  await tab.session.logout()
  await tab.session.login({ login: 'bob', password: "bob's" })
  const before = device.browser.bridge.seen.length
  await tab.reader.list(ALL, never)
  t.equal(device.browser.bridge.seen.length, before + 1)
})

test('what was begun and asked for is shown to nobody once its user has left', async (t) => {
  const { device, tab } = await signedIn(t)
  const { bridge } = device.browser
  const held = gate()
  bridge.holdCall = held.opened
  tab.reader.begin()
  const listed = tab.reader.list(ALL, never)
  await bridge.arrived('/api/protected/data', 1)
  await tab.session.logout()
  await tab.session.login({ login: 'bob', password: "bob's" })
  held.open()
  t.equal(await listed, null)
})

test('what was begun in vain is told to whoever asks', async (t) => {
  const { device, tab } = await signedIn(t)
  device.browser.offline = true
  tab.reader.begin()
  await t.rejects(tab.reader.list(ALL, never), { code: 'unreachable' })
  device.browser.offline = false
  t.match(await tab.reader.list(ALL, never), { outage: null })
})

test('read again, it is as long as it was shown, and so is what is kept', async (t) => {
  const { tab, shown, asked } = await shownList(t, 10)
  t.strictSame(names(shown), ids(10))
  for (const [length, expected] of [
    [10, 10],
    [5, 6],
    [2, 2],
    [0, 2],
    [1000, 12],
  ] as const) {
    const before = asked()
    const again = await tab.reader.list(ALL, never, true, length)
    t.strictSame(names(again), ids(expected), `shown: ${length}`)
    t.match(again, { total: 12, user: { name: 'Ann' }, outage: null })
    t.equal(again?.after, expected === 12 ? null : String(expected))
    t.equal(asked() - before, expected / 2)
    await settled(tab)
    t.strictSame(names(await tab.kept.list(null, '')), ids(expected))
  }
})

test('so is what was found, of which nothing is kept', async (t) => {
  const { tab } = await shownList(t, 4)
  t.strictSame(names(await tab.reader.list({ ...ALL, search: 'x' }, never, true, 6)), ids(6))
  await settled(tab)
  t.strictSame(names(await tab.kept.list(null, '')), ids(4))
})

test('what fails in its midst leaves what was kept as it was', async (t) => {
  const { device, tab } = await shownList(t, 10)
  const { bridge } = device.browser
  const { answer } = bridge
  const failAt = (page: string, failure: { status: number; json: unknown }) => {
    bridge.answer = (path) => (path.includes(`after=${page}`) ? failure : (answer?.(path) ?? null))
  }
  failAt('6', { status: 503, json: { error: 'odoo_unavailable' } })
  const again = await tab.reader.list(ALL, never, true, 10)
  t.match(again, { outage: { code: 'odoo_unavailable' }, after: null })
  t.strictSame(names(again), ids(10))
  await t.rejects(tab.reader.list({ ...ALL, company: 1 }, never, true, 10), {
    code: 'odoo_unavailable',
  })
  failAt('6', { status: 403, json: { error: 'insufficient_scope' } })
  await t.rejects(tab.reader.list(ALL, never, true, 10), { code: 'insufficient_scope' })
  await settled(tab)
  t.strictSame(names(await tab.kept.list(null, '')), ids(10))
})

test('pages of two users never come together', async (t) => {
  const { tab } = await shownList(t, 4)
  const fetch = tab.session.fetch.bind(tab.session)
  let calls = 0
  tab.session.fetch = async (...request) => {
    const response = await fetch(...request)
    // The first page is Ann's still, and whoever asks for the second is Bob.
    if (++calls === 1) await tab.session.login({ login: 'bob', password: "bob's" })
    return response
  }
  t.equal(await tab.reader.list(ALL, never, true, 4), null)
  t.equal(calls, 2)
  await settled(tab)
  t.equal(await tab.kept.list(null, ''), null)
})

test('who was renamed meanwhile is there once, and pages that lead nowhere end', async (t) => {
  const { device, tab } = await shownList(t, 10)
  const { bridge } = device.browser
  const { answer } = bridge
  const renamed = row(1, { name: 'Zoe' })
  bridge.answer = (path) =>
    path.endsWith('after=4')
      ? { status: 200, json: { contacts: [renamed, row(5)], after: '6' } }
      : (answer?.(path) ?? null)
  const again = await tab.reader.list(ALL, never, true, 6)
  t.strictSame(names(again), [2, 3, 4, 1, 5, 7, 8])
  t.equal(again?.contacts.find(({ id }) => id === 1)?.name, 'Zoe')

  for (const contacts of [[], [row(3), row(4)]]) {
    bridge.answer = (path) =>
      path.endsWith('after=4')
        ? { status: 200, json: { contacts, after: '4' } }
        : (answer?.(path) ?? null)
    const ended = await tab.reader.list(ALL, never, true, 10)
    t.strictSame(names(ended), ids(4))
    t.equal(ended?.after, '4', 'to go on from, by whoever wants to')
  }
})

test('what was changed is kept as Odoo has it now', async (t) => {
  const { device, tab } = await signedIn(t)
  await tab.reader.list(ALL, never)
  await tab.reader.contact({ id: 1, company: null }, never)
  device.browser.bridge.answer = () => ({ status: 200, json: details(1, { phone: '+1' }) })
  await tab.reader.change({ id: 1, company: null }, { phone: '+1' }, never)
  await settled(tab)
  t.match(await tab.kept.contact({ id: 1, company: null }), { contact: { phone: '+1' } })
  const list = await tab.kept.list(null, '')
  t.strictSame(list?.contacts[0], row(1, { phone: '+1' }), 'a row, and no more than that')
})

test('companies are kept apart', async (t) => {
  const { tab, sid } = await signedIn(t)
  await tab.kept.keepFirst(sid, 1, firstPage({ contacts: [row(1)] }))
  await tab.kept.keepFirst(sid, 11, firstPage({ contacts: [row(2)] }))
  await tab.kept.keepContact(sid, 1, details(5))
  t.strictSame(names(await tab.kept.list(1, '')), [1, 5])
  t.strictSame(names(await tab.kept.list(11, '')), [2])
  t.equal(await tab.kept.list(null, ''), null)
  t.equal(await tab.kept.contact({ id: 5, company: 11 }), null)
})

test('there are bounds', async (t) => {
  const { device, tab, sid } = await signedIn(t)
  const page = (from: number, count: number) =>
    Array.from({ length: count }, (_, index) => row(from + index))
  await tab.kept.keepFirst(sid, null, firstPage({ contacts: page(1, 990), after: 'a' }))
  await tab.kept.keepPage(sid, null, 'b', { contacts: page(5000, 50), after: 'c' })
  t.equal((await tab.kept.list(null, ''))?.contacts.length, 990, 'a page that does not fit')
  await tab.kept.keepPage(sid, null, 'a', { contacts: page(991, 50), after: 'b' })
  await tab.kept.keepPage(sid, null, 'b', { contacts: page(1041, 50), after: 'c' })
  t.equal((await tab.kept.list(null, ''))?.contacts.length, MOST_LISTED)
  await tab.kept.keepFirst(sid, null, firstPage({ contacts: page(1, MOST_LISTED + 1) }))
  t.equal((await tab.kept.list(null, ''))?.contacts.length, MOST_LISTED)

  for (let id = 1; id <= MOST_OPENED + 2; id++) {
    device.browser.clock += 1
    await tab.kept.keepContact(sid, null, details(id))
  }
  t.equal((await device.rows())['contacts']?.length, MOST_OPENED)
  t.match(await tab.kept.contact({ id: 2, company: null }), { isWhole: false })
  t.match(await tab.kept.contact({ id: 3, company: null }), { isWhole: true })
})

test('of thousands that are shown, as many are read again as are kept', async (t) => {
  const { tab, asked } = await shownList(t, 2, { size: 50, all: 3000 })
  const before = asked()
  const again = await tab.reader.list(ALL, never, true, 3000)
  t.strictSame(names(again), ids(MOST_LISTED))
  t.equal(again?.after, String(MOST_LISTED))
  t.equal(asked() - before, MOST_LISTED / 50)
})

test('a photo is kept with its contact, if it is a small one', async (t) => {
  const { tab, sid } = await signedIn(t)
  const address = { id: 1, company: null }
  await tab.kept.keepPhoto(sid, address, 'data:image/png;base64,AA')
  t.equal(await tab.kept.contact(address), null, 'without it there is nothing')
  await tab.kept.keepContact(sid, null, details(1, { photo: true }))
  await tab.kept.keepPhoto(sid, address, 'x'.repeat(LARGEST_PHOTO + 1))
  t.match(await tab.kept.contact(address), { photo: null })
  await tab.kept.keepPhoto(sid, address, 'data:image/png;base64,AA')
  await tab.kept.keepContact(sid, null, details(1, { photo: true }))
  t.match(await tab.kept.contact(address), { photo: 'data:image/png;base64,AA' })
  await tab.kept.keepContact(sid, null, details(1, { photo: false }))
  t.match(await tab.kept.contact(address), { photo: null }, 'Odoo has none any more')
})
