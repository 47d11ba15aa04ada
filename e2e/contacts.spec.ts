import { randomUUID } from 'node:crypto'
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { odooSession } from './support/odoo-session.ts'
import { makePerson, type Person } from './support/people.ts'
import { contacts, openSignedIn, signInAtPwa } from './support/pwa.ts'

// The list of contacts in the PWA: searched, and endless.

const stack = readStack()
// Letters alone: its digits would be found where numbers are searched for.
const mark = randomUUID()
  .slice(0, 8)
  .replaceAll(/\d/g, (digit) => 'ghijklmnop'.charAt(+digit))
const MANY = 130

let person: Person

test.beforeAll(async () => {
  // Odoo loads what makes contacts when it is asked first.
  test.slow()
  const admin = await odooSession(stack.accounts.admin)
  const many = Array.from({ length: MANY }, (_, n) => ({
    name: `Quinn ${String(n).padStart(3, '0')}`,
    email: `${n}@${mark}.example`,
    phone: `+32 2 555 ${n}`,
  }))
  await admin.call('res.partner', 'create', [many])
  person = await makePerson(admin)
})

test.beforeEach(({ page }) => openSignedIn(page, stack.accounts.demo))

const search = (page: Page, words: string) =>
  page.getByRole('searchbox', { name: 'Search contacts' }).fill(words)
const status = (page: Page) =>
  page.getByRole('region', { name: 'Contacts', exact: true }).getByRole('status')

test('the end of the list brings more, until there is no more', async ({ page }) => {
  await search(page, `quinn ${mark}`)
  await expect(status(page)).toContainText('more found')
  await expect(async () => {
    await contacts(page).last().scrollIntoViewIfNeeded()
    await expect(status(page)).toContainText(`${MANY} found`, { timeout: 500 })
  }).toPass()
  await expect(contacts(page)).toHaveCount(MANY)
  await expect(contacts(page).last()).toContainText('Quinn 129')
  const names = await contacts(page).locator('strong').allTextContents()
  expect(new Set(names).size).toBe(MANY)
  await expect(page.getByRole('button', { name: 'Show more' })).toHaveCount(0)
})

test('what is typed is searched for, and the answer to the last word counts', async ({ page }) => {
  let slow = true
  await page.route(`**${PATHS.contacts}?*`, async (route) => {
    // The first answer comes last.
    const answer = route.fetch()
    if (slow) {
      slow = false
      await page.waitForRequest((request) => request.url().includes(`search=${mark}+129`))
    }
    await route.fulfill({ response: await answer }).catch(() => undefined)
  })
  const first = page.waitForRequest((request) => request.url().includes(`search=${mark}+12`))
  await search(page, `${mark} 12`)
  await first
  await search(page, `${mark} 129`)
  await expect(contacts(page)).toHaveCount(1)
  await expect(contacts(page)).toContainText('Quinn 129')
  await expect(status(page)).toContainText('1 found')

  await search(page, `${mark} nobody`)
  await expect(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible()
  await search(page, '')
  await expect(status(page)).toContainText('in all')
})

test('a page that cannot be had is said, and what is there stays', async ({ page }) => {
  await page.route(`**${PATHS.contacts}?*after=*`, (route) => route.abort())
  await search(page, mark)
  await expect(status(page)).toContainText('more found')
  await contacts(page).last().scrollIntoViewIfNeeded()
  const alert = page.getByRole('region', { name: 'Contacts', exact: true }).getByRole('alert')
  await expect(alert).toContainText('The server does not answer.')
  await expect(contacts(page)).toHaveCount(50)
  await page.unroute(`**${PATHS.contacts}?*after=*`)
  await alert.getByRole('button', { name: 'Try again' }).click()
  await expect(alert).toHaveCount(0)
})

test('read again, the list stays where its reader is', async ({ page, context }) => {
  await expect(async () => {
    await contacts(page).last().scrollIntoViewIfNeeded()
    expect(await contacts(page).count()).toBeGreaterThan(120)
  }).toPass()
  const link = contacts(page).nth(100).getByRole('link').first()
  await link.focus()
  await expect(page.locator('drawbridge-contacts .card')).toHaveAttribute('aria-busy', 'false')
  await expect(async () => {
    expect(await keptOnes(page)).toBe(await contacts(page).count())
  }).toPass()
  const shown = await contacts(page).count()
  const address = (await link.getAttribute('href')) ?? ''
  const row = contacts(page).locator(`.who a[href="${address}"]`)
  const top = async () => Math.round((await row.boundingBox())?.y ?? -1)
  const before = await top()
  const stays = async () => {
    await expect(row).toBeFocused()
    expect(Math.abs((await top()) - before)).toBeLessThanOrEqual(1)
    expect(await contacts(page).count()).toBeGreaterThanOrEqual(shown)
  }

  // Those that come first push all others down.
  const admin = await odooSession(stack.accounts.admin)
  const two = [{ name: `0 ${mark} A` }, { name: `0 ${mark} B` }]
  const made = await admin.call('res.partner', 'create', [two])
  const firstTwo = contacts(page).getByRole('link', { name: `0 ${mark}` })
  const notice = page.getByText(/^You are offline\. As of \d/)
  await context.setOffline(true)
  await expect(notice).toBeAttached()
  await stays()
  await context.setOffline(false)
  await expect(notice).not.toBeAttached()
  await expect(firstTwo).toHaveCount(2)
  await stays()

  await admin.call('res.partner', 'unlink', [made])
  // Not all browsers hold on to what is seen by themselves.
  await page.evaluate(() => {
    document.documentElement.style.setProperty('overflow-anchor', 'none')
  })
  await readAgain(page)
  await expect(firstTwo).toHaveCount(0)
  await stays()
})

test('read again in another order, the focus stays with its contact', async ({ page }) => {
  const second = contacts(page).nth(1)
  const link = contacts(page).nth(2).getByRole('link').first()
  await link.focus()
  const address = (await link.getAttribute('href')) ?? ''
  await page.route(`**${PATHS.protectedData}*`, async (route) => {
    const response = await route.fetch()
    const data = (await response.json()) as { contacts: unknown[] }
    await route.fulfill({ response, json: { ...data, contacts: data.contacts.toReversed() } })
  })
  const before = (await second.locator('strong').textContent()) ?? ''
  await readAgain(page)
  await expect(second.locator('strong')).not.toHaveText(before)
  await expect(contacts(page).locator(`.who a[href="${address}"]`)).toBeFocused()
})

/** As the button does; a click on it would scroll there first. */
const readAgain = (page: Page) =>
  page.getByRole('button', { name: 'Reload' }).dispatchEvent('click')

/** How many contacts of the list this browser has kept. */
const keptOnes = (page: Page) =>
  page.evaluate(async () => {
    const asked = indexedDB.open('drawbridge-offline')
    await new Promise((resolve) => (asked.onsuccess = resolve))
    const lists = asked.result.transaction('lists').objectStore('lists').getAll()
    await new Promise((resolve) => (lists.onsuccess = resolve))
    asked.result.close()
    return (lists.result as { contacts: unknown[] }[])[0]?.contacts.length
  })

const sheet = (page: Page) => page.getByRole('dialog')

test('a contact is opened, changed in Odoo, and closed where it was opened', async ({ page }) => {
  await search(page, `${mark} 007`)
  await expect(contacts(page)).toHaveCount(1)
  await page.getByRole('link', { name: 'Quinn 007' }).click()
  await expect(sheet(page).getByRole('heading', { name: 'Quinn 007' })).toBeVisible()
  await expect(sheet(page).getByRole('link', { name: 'Call' })).toHaveAttribute(
    'href',
    /^tel:\+322/,
  )
  const address = page.url()
  expect(new URL(address).search).toMatch(/^\?contact=\d+$/)
  expect(await obstaclesIn(page)).toEqual([])

  await sheet(page).getByRole('button', { name: 'Edit' }).click()
  await expect(sheet(page).getByLabel('Phone')).toBeFocused()
  expect(await obstaclesIn(page)).toEqual([])
  await sheet(page).getByLabel('Phone').fill('+32 2 999 00 07')
  await sheet(page).getByRole('button', { name: 'Save' }).click()
  await expect(sheet(page).getByRole('status')).toHaveText('Saved in Odoo.')
  await sheet(page).getByRole('button', { name: 'Close' }).click()
  await expect(sheet(page)).toHaveCount(0)
  await expect(page).toHaveURL('/')
  await expect(contacts(page)).toContainText('+32 2 999 00 07')

  await page.goto(address)
  await expect(sheet(page).getByText('+32 2 999 00 07')).toBeVisible()
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL('/')
})

test('what Odoo says against a change is shown as it is', async ({ page }) => {
  await search(page, `${mark} 008`)
  await expect(contacts(page)).toHaveCount(1)
  await page.getByRole('link', { name: 'Quinn 008' }).click()
  await page.route(`**${PATHS.contacts}/*`, async (route) => {
    if (route.request().method() !== 'PATCH') return route.fallback()
    const odoo_message = 'Only buyers change this number.'
    const json = { error: 'odoo_forbidden', error_description: '', odoo_message }
    return route.fulfill({ status: 403, json })
  })
  await sheet(page).getByRole('button', { name: 'Edit' }).click()
  await sheet(page).getByLabel('Phone').fill('1')
  await sheet(page).getByRole('button', { name: 'Save' }).click()
  await expect(sheet(page).getByRole('alert')).toContainText('Only buyers change this number.')
  await expect(sheet(page).getByLabel('Phone')).toHaveValue('1')
})

test('who may not change contacts in Odoo is not asked to', async ({ page }) => {
  await page.getByRole('button', { name: 'Sign out' }).click()
  await signInAtPwa(page, person)
  await search(page, `${mark} 009`)
  await expect(contacts(page)).toHaveCount(1)
  await page.getByRole('link', { name: 'Quinn 009' }).click()
  await expect(sheet(page).getByText(`9@${mark}.example`)).toBeVisible()
  await expect(sheet(page).getByRole('button', { name: 'Edit' })).toHaveCount(0)
})

test('what is not there says so, and leads back', async ({ page }) => {
  await page.goto('/?contact=999999999')
  await expect(sheet(page).getByRole('alert')).toContainText('This contact is not there')
  await page.keyboard.press('Escape')
  await expect(page).toHaveURL('/')
})

test('who works in several companies chooses one, and sees what it keeps for itself', async ({
  page,
}) => {
  // Odoo makes a company with all that belongs to one.
  test.slow()
  const admin = await odooSession(stack.accounts.admin)
  const name = `Branch ${randomUUID().slice(0, 8)}`
  const [branch] = (await admin.call('res.company', 'create', [[{ name }]])) as number[]
  const own = { name: 'Kept by the branch', email: `kept@${mark}.example`, company_id: branch }
  await admin.call('res.partner', 'create', [[own]])
  const several = await makePerson(admin)
  await admin.call('res.users', 'write', [[several.uid], { company_ids: [[4, branch]] }])

  await page.getByRole('button', { name: 'Sign out' }).click()
  await signInAtPwa(page, several)
  const choice = page.getByRole('combobox', { name: 'Company to work in' })
  await expect(choice.getByRole('option')).toHaveText(['All companies', /./, name])
  await choice.selectOption({ index: 1 })
  await expect(status(page)).toContainText('in all')
  await search(page, `kept@${mark}`)
  await expect(page.getByRole('heading', { name: 'Nothing found' })).toBeVisible()
  await choice.selectOption(name)
  await expect(status(page)).toContainText('in all')
  await search(page, `kept@${mark}`)
  await page.getByRole('link', { name: 'Kept by the branch' }).click()
  await expect(sheet(page).getByText(`kept@${mark}.example`)).toBeVisible()
})

for (const colorScheme of ['light', 'dark'] as const) {
  test(`everybody can use it: ${colorScheme}`, async ({ page }) => {
    await page.emulateMedia({ colorScheme })
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 800 })
      expect(await obstaclesIn(page)).toEqual([])
    }
  })
}
