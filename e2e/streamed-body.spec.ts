/** A body that is a stream: Chromium sends these, and over HTTP/2 only. */
import { expect, test } from 'playwright/test'
import { PATHS, type ContactDetails } from '@drawbridge/bridge/contract'
import type { Session } from '../pwa/src/auth/index.ts'
import { readStack } from './stack/description.ts'
import { beginClient, call, leaveExpiryToTheGateIn, login } from './support/client-tabs.ts'
import { startHttpsFront, type HttpsFront } from './support/https-front.ts'
import { watch } from './support/network.ts'
import { odooSession } from './support/odoo-session.ts'
import { untilExpired } from './support/tokens.ts'

const { issuer, accounts } = readStack()

test.use({ ignoreHTTPSErrors: true })

let front: HttpsFront

test.beforeAll(async () => {
  front = await startHttpsFront(issuer)
})

test.afterAll(() => front.stop())

test('a stream that is refused in its midst is sent again from its beginning', async ({ page }) => {
  const odoo = await odooSession(accounts.admin)
  const [id] = (await odoo.call('res.partner', 'create', [[{ name: 'Streamed' }]])) as number[]
  const path = `${PATHS.contacts}/${String(id)}`
  const network = watch(page, front.origin)
  await page.goto(`${front.origin}/front`)
  await beginClient(page)
  expect(await login(page, accounts.admin)).toBe('ok')
  await leaveExpiryToTheGateIn(page)
  expect(await call(page)).toBe(200)
  await untilExpired(issuer + PATHS.protectedData, network.lastBearer())

  const refused = page.waitForResponse((response) => response.status() === 401)
  await page.exposeFunction('untilRefused', async () => {
    await refused
  })
  const contact = await page.evaluate(async (path) => {
    const { untilRefused } = globalThis as unknown as { untilRefused: () => Promise<void> }
    const body = new ReadableStream<string>({
      async start(controller) {
        controller.enqueue('{"phone":')
        // The gate does not wait for the end of what it refuses.
        await untilRefused()
        controller.enqueue('"+32 2 555 01 02"}')
        controller.close()
      },
    }).pipeThrough(new TextEncoderStream())
    const headers = { 'Content-Type': 'application/json' }
    const init = { method: 'PATCH', headers, body, duplex: 'half' }
    const { session } = globalThis as unknown as { session: Session }
    const response = await session.fetch(path, init)
    return (await response.json()) as ContactDetails
  }, path)
  expect(contact).toMatchObject({ id, phone: '+32 2 555 01 02' })
  expect(network.seen(path)).toEqual([401, 200])
  const [saved] = (await odoo.call('res.partner', 'read', [[id], ['phone']])) as object[]
  expect(saved).toMatchObject({ phone: '+32 2 555 01 02' })
})
