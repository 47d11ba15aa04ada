/** Pages that somebody could be made to press a button of, unseen. RFC 9700 §4.16. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'

const { issuer, clients } = readStack()
const [client] = clients
if (client === undefined) throw new Error('The stack has no client.')

const request = new URLSearchParams({
  response_type: 'code',
  client_id: client.client_id,
  redirect_uri: client.redirect_uris[0] ?? '',
  code_challenge: 'x'.repeat(43),
  code_challenge_method: 'S256',
})
const FORM = `${issuer}${PATHS.authorize}?${request.toString()}`

/** In the words of Chromium and of Firefox. */
const BLOCKED = /^(net::ERR_BLOCKED_BY_RESPONSE|NS_ERROR_CSP_FRAME_ANCESTOR_VIOLATION)$/

test('neither the sign-in page nor the PWA shows in a frame of another site', async ({ page }) => {
  const urls = [FORM, `${issuer}${PATHS.endSession}`, `${issuer}/`]
  const frames = urls.map((url) => `<iframe src="${url.replaceAll('&', '&amp;')}"></iframe>`)
  // A real server: browsers keep made-up sites from this machine, frames or not.
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/html').end(frames.join(''))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const failed = new Map<string, string | undefined>()
  page.on('requestfailed', (each) => failed.set(each.url(), each.failure()?.errorText))
  try {
    await page.goto(FORM)
    await expect(page.getByLabel('Password')).toBeVisible()
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`)
    for (const url of urls) {
      await expect.poll(() => failed.get(url), { message: url }).toMatch(BLOCKED)
    }
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
