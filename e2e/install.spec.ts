/** Whether browsers would install the PWA, and what people see of it then. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'playwright/test'
import { readStack } from './stack/description.ts'

interface Picture {
  src: string
  type: string
  sizes: string
  purpose?: string
}

interface Manifest extends Record<string, unknown> {
  icons: Picture[]
  screenshots: (Picture & { form_factor: string; label: string })[]
  shortcuts: { name: string; url: string; icons: Picture[] }[]
}

const { issuer } = readStack()

/** As CSS has it; both themes. */
const GROUNDS = [
  ...readFileSync(join(import.meta.dirname, '../pwa/src/shell.css'), 'utf8').matchAll(
    /--ground: (#\w+);/g,
  ),
].map(([, colour]) => colour)

for (const base of ['/', '/app/']) {
  test(`${base} can be installed, as an app of its own`, async ({ page, context }) => {
    const devtools = await context.newCDPSession(page)
    await page.goto(base)
    await page.evaluate(() => navigator.serviceWorker.ready.then(() => undefined))
    const { installabilityErrors } = await devtools.send('Page.getInstallabilityErrors')
    // Playwright's contexts are incognito windows, where nothing can be installed.
    const other = installabilityErrors.filter(({ errorId }) => errorId !== 'in-incognito')
    expect(other).toEqual([])
    const { url, errors, manifest } = await devtools.send('Page.getAppManifest')
    expect(errors).toEqual([])
    expect(url).toBe(`${issuer}${base}manifest.webmanifest`)
    expect(manifest).toMatchObject({
      startUrl: issuer + base,
      scope: issuer + base,
      id: issuer + base,
    })
    const { appId } = await devtools.send('Page.getAppId')
    expect(appId).toBe(issuer + base)
  })
}

test('the manifest says all that there is to say', async ({ request }) => {
  const answer = await request.get('/manifest.webmanifest')
  expect(answer.headers()['content-type']).toMatch(/^application\/manifest\+json/)
  const manifest = (await answer.json()) as Manifest
  expect(manifest).toMatchObject({
    name: 'Drawbridge',
    short_name: 'Drawbridge',
    description: expect.stringMatching(/.{20}/),
    lang: 'en',
    dir: 'ltr',
    categories: ['business', 'productivity'],
    start_url: './',
    scope: './',
    display: 'standalone',
    display_override: ['standalone', 'minimal-ui'],
  })
  // It would be resolved against the origin, and be the same for every install there.
  expect(manifest).not.toHaveProperty('id')
  expect(manifest).not.toHaveProperty('orientation')
  expect(manifest.icons.map(({ purpose = 'any', sizes }) => `${purpose} ${sizes}`)).toEqual([
    ...['any any', 'any 192x192', 'any 512x512', 'maskable 512x512', 'monochrome 512x512'],
  ])
  const icon = await (await request.get('/icon.svg')).text()
  for (const name of ['theme_color', 'background_color']) {
    expect(icon, 'the splash screen merges with the icon').toContain(
      `fill="${String(manifest[name])}"`,
    )
  }
  const html = await (await request.get('/')).text()
  expect(GROUNDS).toHaveLength(2)
  for (const [index, scheme] of ['light', 'dark'].entries()) {
    expect(html).toContain(
      `<meta name="theme-color" content="${GROUNDS[index]}" media="(prefers-color-scheme: ${scheme})"`,
    )
  }
  for (const { url } of manifest.shortcuts) {
    const page = await request.get(`/app/${url}`, { headers: { Accept: 'text/html' } })
    expect(page.status(), url).toBe(200)
  }
})

test('each picture is there, is what it says, and has the size it says', async ({
  page,
  request,
}) => {
  const { icons, screenshots, shortcuts } = (await (
    await request.get('/app/manifest.webmanifest')
  ).json()) as Manifest
  await page.goto('/app/')
  const linked = await page
    .locator('link[rel="icon"], link[rel="apple-touch-icon"]')
    .evaluateAll((links) =>
      (links as HTMLLinkElement[]).map((link) => ({
        src: link.getAttribute('href') ?? '',
        sizes: link.sizes.value,
        type: link.type === '' ? 'image/png' : link.type,
      })),
    )
  expect(linked).toHaveLength(3)
  const all = [...icons, ...screenshots, ...shortcuts.flatMap((each) => each.icons), ...linked]
  for (const { src, type, sizes } of all) {
    const address = new URL(src, `${issuer}/app/`).pathname
    expect(address).toMatch(/^\/app\//)
    const answer = await request.get(address)
    expect(answer.headers()['content-type'], src).toBe(type)
    const size = await page.evaluate(async (path) => {
      const image = new Image()
      image.src = path
      await image.decode()
      return `${image.naturalWidth}x${image.naturalHeight}`
    }, address)
    if (sizes !== 'any') expect(size, src).toBe(sizes)
    expect((await answer.body()).length, src).toBeLessThan(120_000)
  }
  expect(screenshots.map(({ form_factor }) => form_factor)).toEqual(['narrow', 'wide'])
})

test('an icon that is cut out has nothing but ground at its edges, one of one colour has no ground', async ({
  page,
}) => {
  await page.goto('/')
  /** The alpha of corner and middle, and how many pixels outside the circle differ from the corner. */
  const look = (path: string) =>
    page.evaluate(async (address) => {
      const image = new Image()
      image.src = address
      await image.decode()
      const size = image.naturalWidth
      const canvas = new OffscreenCanvas(size, size)
      const context = canvas.getContext('2d')
      context?.drawImage(image, 0, 0)
      const data = context?.getImageData(0, 0, size, size).data ?? new Uint8ClampedArray()
      const at = (x: number, y: number) => [
        ...data.slice((y * size + x) * 4, (y * size + x) * 4 + 4),
      ]
      const colours = new Set<string>()
      for (let y = 0; y < size; y++) {
        for (let x = 0; x < size; x++) {
          const [red, green, blue, alpha] = at(x, y)
          if (alpha === 255) colours.add(String([red, green, blue]))
        }
      }
      const edge = [0, size - 1].flatMap((y) => [0, size / 2, size - 1].map((x) => at(x, y)))
      return { corner: at(0, 0), edge, opaque: colours.size }
    }, path)
  for (const path of ['/icon-maskable-512.png', '/apple-touch-icon.png']) {
    const { corner, edge } = await look(path)
    expect(corner, path).toEqual([14, 74, 86, 255])
    for (const pixel of edge) expect(pixel, path).toEqual(corner)
  }
  const monochrome = await look('/icon-monochrome-512.png')
  expect(monochrome.corner[3]).toBe(0)
  expect(monochrome.opaque).toBe(1)
})
