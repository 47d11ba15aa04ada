/**
 * `npm run pictures -w e2e`: takes the pictures of the addon's screens in Odoo, from a stack of its
 * own whose bridge is paired with it.
 */
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright'
import { PATHS } from '@drawbridge/bridge/contract'
import { chromiumProgram } from './stack/chromium.ts'
import type { Account } from './stack/description.ts'
import { installStack } from './stack/install.ts'
import { showProgress } from './stack/progress.ts'
import { startStack } from './stack/stack.ts'
import { odooSession } from './support/odoo-session.ts'

const FOLDER = join(import.meta.dirname, '../docs/images')

/** Of the addon's own page, which has some of them, too. */
const ADDON_FOLDER = join(import.meta.dirname, '../odoo-addon/auth_drawbridge/static/description')

/** What the people of the pictures have signed in with. */
const BROWSERS = {
  firefox: 'Mozilla/5.0 (X11; Linux x86_64; rv:153.0) Gecko/20100101 Firefox/153.0',
  chrome:
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36',
  safari:
    'Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 Mobile/15E148 Safari/604.1',
}

const CALLBACK = 'http://127.0.0.1:8090/callback'
const VERIFIER = 'a-verifier-that-everybody-may-know-in-a-picture'

// What is taken is what the tree has now.
await installStack(showProgress(process.stderr))
const stack = await startStack({
  name: 'odoo-pictures',
  ephemeral: true,
  clients: ({ api }) => [
    {
      client_id: 'orders',
      client_name: 'Orders',
      first_party: true,
      redirect_uris: [CALLBACK],
      scope: 'odoo.read',
      resources: [api],
    },
  ],
})
const { issuer, odooUrl, accounts, inside } = stack.description

async function signIn({ login, password }: Account, userAgent: string): Promise<void> {
  const response = await fetch(issuer + PATHS.login, {
    method: 'POST',
    headers: {
      'Content-Type': 'application/json',
      'Sec-Fetch-Site': 'same-origin',
      'User-Agent': userAgent,
    },
    body: JSON.stringify({ login, password }),
  })
  if (!response.ok) throw new Error(`The bridge answered ${response.status} to a sign-in.`)
}

/** Signs in to the other app: by its form, and no further than its code. */
async function signInToOrders({ login, password }: Account, userAgent: string): Promise<void> {
  const challenge = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(VERIFIER))
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: 'orders',
    redirect_uri: CALLBACK,
    scope: 'odoo.read',
    state: 'a picture',
    code_challenge: Buffer.from(challenge).toString('base64url'),
    code_challenge_method: 'S256',
  })
  const browser = await chromium.launch({ executablePath: chromiumProgram() })
  const page = await browser.newPage({ userAgent })
  await page.route(`${CALLBACK}**`, (route) => route.fulfill({ body: 'signed in' }))
  await page.goto(`${issuer}${PATHS.authorize}?${query.toString()}`)
  await page.getByLabel('Login').fill(login)
  await page.getByLabel('Password', { exact: true }).fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await page.waitForURL(`${CALLBACK}**`)
  const code = new URL(page.url()).searchParams.get('code') ?? ''
  await browser.close()
  const response = await fetch(issuer + PATHS.token, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      client_id: 'orders',
      redirect_uri: CALLBACK,
      code,
      code_verifier: VERIFIER,
    }),
  })
  if (!response.ok) throw new Error(`The bridge answered ${response.status} to a code.`)
}

/** Odoo's web client, with somebody signed in. */
async function openOdoo(page: Page, { login, password }: Account): Promise<void> {
  await page.goto(`${odooUrl}/web/login`)
  await page.getByLabel('Email').fill(login)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Log in', exact: true }).click()
  await page.locator('.o_main_navbar').waitFor()
}

async function takeOfAdministrator(page: Page): Promise<void> {
  await openOdoo(page, accounts.admin)
  // Tall enough for all of the block.
  await page.setViewportSize({ width: 1280, height: 1400 })
  await page.goto(`${odooUrl}/odoo/settings`)
  const block = page
    .locator('.o_settings_container')
    .filter({ has: page.getByRole('button', { name: 'Test connection' }) })
  await block.getByRole('button', { name: 'Test connection' }).click()
  await block.getByText('Everything is right').waitFor()
  await page.mouse.move(0, 0)
  await block.screenshot({ ...picture('odoo-settings.png') })

  await block.getByRole('button', { name: 'Roles of groups' }).click()
  await page.getByText('orders.admin').waitFor()
  await page.screenshot({ ...picture('odoo-roles.png'), clip: top(page, 260) })

  await page.goto(`${odooUrl}/odoo/settings`)
  await page.getByRole('button', { name: 'Users & Companies' }).click()
  await page.getByRole('menuitem', { name: 'Drawbridge Sessions' }).click()
  await page.getByText('Orders').first().waitFor()
  await page.getByRole('checkbox').nth(1).check()
  await page.getByRole('button', { name: 'End all of this user' }).waitFor()
  await page.screenshot({ ...picture('odoo-sessions.png'), clip: top(page, 420) })
}

async function takeOfUser(page: Page): Promise<void> {
  await openOdoo(page, accounts.demo)
  await page.locator('.o_user_menu button').click()
  await page.getByRole('menuitem', { name: /Preferences/ }).click()
  await page.getByRole('tab', { name: 'Security' }).click()
  await page.getByText('Signed-in Apps').waitFor()
  await page.screenshot({ ...picture('odoo-preferences.png') })
  await page.getByRole('button', { name: 'Show and end' }).click()
  await page.getByText('Orders').first().waitFor()
  await page.screenshot({ ...picture('odoo-signed-in-apps.png'), clip: top(page, 300) })
}

/** Whatever moves is where it comes to rest. */
const picture = (name: string) => ({ path: join(FOLDER, name), animations: 'disabled' }) as const

const top = (page: Page, height: number) => ({
  x: 0,
  y: 0,
  width: page.viewportSize()?.width ?? 0,
  height,
})

try {
  await signIn(accounts.admin, BROWSERS.firefox)
  await signIn(accounts.portal, BROWSERS.safari)
  await signIn(accounts.demo, BROWSERS.chrome)
  await signIn(accounts.demo, BROWSERS.safari)
  await signInToOrders(accounts.demo, BROWSERS.chrome)
  const admin = await odooSession(accounts.admin, {
    url: inside.odooUrl,
    database: inside.odooDatabase,
  })
  for (const [name, role] of Object.entries({
    group_user: 'staff',
    group_system: 'orders.admin',
  })) {
    const domain = [
      ['module', '=', 'base'],
      ['name', '=', name],
    ]
    const [data] = (await admin.call('ir.model.data', 'search_read', [domain, ['res_id']])) as {
      res_id: number
    }[]
    await admin.call('drawbridge.role', 'create', [[{ group_id: data?.res_id, role }]])
  }
  const browser = await chromium.launch({ executablePath: chromiumProgram() })
  for (const take of [takeOfAdministrator, takeOfUser]) {
    const context = await browser.newContext({
      viewport: { width: 1280, height: 800 },
      timezoneId: 'Europe/Brussels',
    })
    await take(await context.newPage())
    await context.close()
  }
  await browser.close()
  for (const name of ['settings', 'preferences', 'sessions']) {
    await copyFile(join(FOLDER, `odoo-${name}.png`), join(ADDON_FOLDER, `${name}.png`))
  }
} finally {
  await stack.stop()
}
