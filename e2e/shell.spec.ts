/** How the PWA arrives: small, painted at once, without moving, under a policy that is kept. */
import { expect, test, type Page } from 'playwright/test'
import { PATHS } from '@drawbridge/bridge/contract'
import { readStack } from './stack/description.ts'
import { obstaclesIn } from './support/obstacles.ts'
import { contacts, openSignedIn, openSignInPage, signInPage } from './support/pwa.ts'
import { LOOKS, tour } from './support/tour.ts'
import { codeBytes, collectVitals, countLoaded, vitalsOf } from './support/vitals.ts'

const { issuer, accounts } = readStack()

/** Bytes. */
const FIRST_LOAD = 40_000

/** A file of the app's, once it was loaded. */
const filesOf = (page: Page): Promise<string[]> =>
  page.evaluate(() => performance.getEntriesByType('resource').map(({ name }) => name))

test('the first load is small, packed on the wire, and kept where its name tells its content', async ({
  page,
  context,
}) => {
  const loaded = await countLoaded(await context.newCDPSession(page))
  await openSignInPage(page)
  expect(codeBytes(loaded())).toBeLessThanOrEqual(FIRST_LOAD)
  expect(codeBytes(loaded()), 'is what was counted').toBeGreaterThan(25_000)
  expect(new Set(loaded().map(({ type }) => type))).toContain('Stylesheet')

  const assets = (await filesOf(page)).filter((name) => name.includes('/assets/'))
  const others = ['/', '/sw.js', '/icon.svg', '/scene.svg', '/manifest.webmanifest']
  expect(assets.length).toBeGreaterThanOrEqual(2)
  for (const url of [...assets, ...others.map((path) => issuer + path)]) {
    const { headers } = await fetch(url, { headers: { 'Accept-Encoding': 'gzip' } })
    expect(headers.get('content-encoding'), url).toBe('gzip')
    expect(headers.get('vary'), url).toBe('Accept-Encoding')
    const isAsset = assets.includes(url)
    const kept = isAsset ? 'public, max-age=31536000, immutable' : 'no-cache'
    expect(headers.get('cache-control'), url).toBe(kept)
  }
  const missing = await fetch(`${issuer}/assets/not-there-yet.js`)
  expect([missing.status, missing.headers.get('cache-control')]).toEqual([404, 'no-cache'])
})

test('whatever answers under /auth and /api is never packed: secrets stay unguessable', async () => {
  for (const path of [PATHS.methods, PATHS.protectedData, PATHS.refresh]) {
    const { headers } = await fetch(issuer + path, { headers: { 'Accept-Encoding': 'gzip' } })
    expect(headers.get('content-encoding'), path).toBeNull()
  }
})

for (const look of LOOKS) {
  const { colorScheme, viewport } = look
  test.describe(`${colorScheme}, ${viewport.width} pixels wide`, () => {
    test.use(look)

    test('the page is painted from its HTML alone, and the app takes over without a trace', async ({
      browser,
      page,
      context,
    }) => {
      await collectVitals(context)
      const refresh = Promise.withResolvers<undefined>()
      await page.route(`**${PATHS.refresh}`, async (route) => {
        await refresh.promise
        await route.continue()
      })
      const bare = await (await browser.newContext({ baseURL: issuer, ...look })).newPage()
      await bare.route('**/assets/*', (route) => route.abort())
      await bare.goto('/')
      await page.goto('/')
      await expect(page.locator('drawbridge-app .splash')).toBeVisible()

      const parts = ['.splash', '.splash .mark', '.splash h1'] as const
      for (const part of parts) {
        const place = await page.locator(part).boundingBox()
        expect(place, part).not.toBeNull()
        expect(await bare.locator(part).boundingBox(), part).toEqual(place)
      }
      // The words below the name come with the app.
      const name = await page.locator('.splash h1').boundingBox()
      const height = Math.floor((name?.y ?? 0) + (name?.height ?? 0))
      const clip = { x: 0, y: 0, width: viewport.width, height }
      expect((await bare.screenshot({ clip })).equals(await page.screenshot({ clip }))).toBe(true)
      expect((await bare.locator('body').innerText()).trim()).toBe('Drawbridge')
      expect(await obstaclesIn(bare)).toEqual([])

      refresh.resolve(undefined)
      await expect(signInPage(page)).toBeVisible()
      await expect(page.locator('.sign-in a.button').first()).toBeVisible()
      expect(await vitalsOf(page)).toMatchObject({ violations: [], shifts: 0 })
      await bare.context().close()
    })

    test('nothing moves for somebody who is signed in already', async ({ page, context }) => {
      await openSignedIn(page, accounts.demo)
      await collectVitals(context)
      await page.reload()
      await expect(contacts(page).first()).toBeVisible()
      const { shifts, violations } = await vitalsOf(page)
      expect(shifts).toBeLessThanOrEqual(0.02)
      expect(violations).toEqual([])
      // The style sheet is the app's: what it takes its place from is there.
      await expect(page.locator('.bar')).toHaveCSS('height', '64px')
    })

    test('no screen does what the policy refuses', async ({ page, context }) => {
      // A dozen screens.
      test.slow()
      await collectVitals(context)
      const seen: string[] = []
      await tour(page, '/', accounts.demo, async (name) => {
        seen.push(name)
        expect.soft((await vitalsOf(page)).violations, name).toEqual([])
      })
      expect(seen.length).toBeGreaterThanOrEqual(11)
    })
  })
}

test('the policy is in the header, names no exception, and lets in nothing from elsewhere', async ({
  page,
  context,
}) => {
  for (const path of ['/', '/app/', '/sw.js', '/icon.svg', '/account']) {
    const { headers } = await fetch(issuer + path, { headers: { Accept: 'text/html' } })
    const policy = headers.get('content-security-policy') ?? ''
    expect(policy, path).not.toContain('unsafe')
    expect(policy, path).toMatch(
      /^default-src 'none'; script-src 'self'; style-src 'self' 'sha256-/,
    )
    expect(policy, path).toContain("require-trusted-types-for 'script'")
    expect(policy, path).toContain('trusted-types lit-html drawbridge-worker')
    expect(policy, path).toContain("frame-ancestors 'none'")
  }

  await collectVitals(context)
  await openSignInPage(page)
  const attempts = await page.evaluate(async () => {
    const attempt = (act: () => unknown): string => {
      try {
        act()
        return 'done'
      } catch (error) {
        return (error as Error).name
      }
    }
    const { trustedTypes } = globalThis as unknown as {
      trustedTypes: { createPolicy(name: string, rules: object): unknown }
    }
    const added = (element: HTMLElement): void => {
      document.body.append(element)
    }
    const script = document.createElement('script')
    const inline = attempt(() => {
      // What a browser without trusted types would have taken.
      script.append('globalThis.wasRun = true')
      added(script)
    })
    const foreign = document.createElement('img')
    foreign.src = 'https://elsewhere.example/picture.png'
    added(foreign)
    const style = document.createElement('style')
    style.textContent = 'body { display: none }'
    added(style)
    return {
      inline,
      ran: 'wasRun' in globalThis,
      styled: getComputedStyle(document.body).display === 'none',
      innerHTML: attempt(() => {
        document.createElement('p').innerHTML = '<img src=x onerror=alert(1)>'
      }),
      handler: attempt(() => {
        document.createElement('p').setAttribute('onclick', 'alert(1)')
      }),
      source: attempt(() => {
        script.src = '/elsewhere.js'
      }),
      sameWorker: await navigator.serviceWorker.register('/sw.js').then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      ),
      policies: ['default', 'lit-html', 'drawbridge-worker', 'another'].map((name) =>
        attempt(() => trustedTypes.createPolicy(name, {})),
      ),
      fetch: await fetch('https://elsewhere.example/').then(
        () => 'done',
        (error: unknown) => (error as Error).name,
      ),
    }
  })
  expect(attempts).toEqual({
    inline: 'done',
    ran: false,
    styled: false,
    innerHTML: 'TypeError',
    handler: 'TypeError',
    source: 'TypeError',
    sameWorker: 'TypeError',
    policies: ['TypeError', 'TypeError', 'TypeError', 'TypeError'],
    fetch: 'TypeError',
  })
  const { violations } = await vitalsOf(page)
  for (const directive of [
    'trusted-types',
    'style-src',
    'img-src',
    'connect-src',
    'require-trusted',
  ]) {
    expect(violations.join('\n')).toMatch(new RegExp(`^${directive}`, 'm'))
  }
})

test('a style or a script that the build did not put into the page is refused', async ({
  page,
  context,
}) => {
  await collectVitals(context)
  await page.route('/', async (route) => {
    const answer = await route.fetch()
    const injected = '<script>globalThis.wasRun = true</script></head>'
    const body = (await answer.text())
      .replace('--ground:#f5f3ee', '--ground:#f5f3ef')
      .replace('</head>', injected)
    await route.fulfill({ response: answer, body })
  })
  await openSignInPage(page)
  const { violations } = await vitalsOf(page)
  expect(violations.sort()).toEqual(['script-src-elem inline', 'style-src-elem inline'])
  expect(await page.evaluate(() => 'wasRun' in globalThis)).toBe(false)
  // Without it the page still has its colours, a moment later.
  await expect(page.locator('body')).toHaveCSS('background-color', 'rgb(245, 243, 238)')
})
