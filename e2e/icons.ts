/**
 * Draws the PWA's PNG icons out of icon.svg; a part of `npm run pictures -w e2e`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright'
import { chromiumProgram } from './stack/chromium.ts'
import { REPOSITORY } from './stack/paths.ts'

const FOLDER = join(REPOSITORY, 'pwa/public')
const ICON = readFileSync(join(FOLDER, 'icon.svg'), 'utf8')

const [GROUND = ''] = /#[0-9a-f]{6}/.exec(ICON) ?? []
const svg = (content: string): string =>
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 512 512">${content}</svg>`
const inside = ICON.replaceAll(/<\/?svg[^>]*>/g, '')

/**
 * With ground and water to the edges, for those who cut out a shape of their own.
 * @param share of the width that the drawing takes: what may be cut off lies outside
 */
const toTheEdges = (share: number): string => {
  const begin = (512 * (1 - share)) / 2
  const drawing = inside.replace('M0 372h512v28H0z', 'M-99 372h710v28H-99z')
  return svg(
    `<rect width="512" height="512" fill="${GROUND}" />` +
      `<g transform="translate(${begin} ${begin}) scale(${share})">${drawing}</g>`,
  )
}

/** Gate and bridge in white on nothing, with the gaps between the boards. */
const silhouette = (): string => {
  const shape = inside
    .replace(/<rect[^>]*>/, '')
    .replace(/<path[^>]*d="M0 372h512[^>]*>/, '')
    .replaceAll(/<path[^>]*stroke-dasharray[^>]*>/g, '')
    .replaceAll(/fill="#(f3ede2|e0a13c)"/g, 'fill="#fff"')
    .replace('fill="#072d36"', 'fill="none"')
    .replace('stroke="#8f5a12"', 'stroke="#000"')
  return svg(`<mask id="shape">${shape}</mask>
    <rect width="512" height="512" fill="#fff" mask="url(#shape)" />`)
}

const PICTURES: [file: string, size: number, picture: string][] = [
  ['icon-192.png', 192, ICON],
  ['icon-512.png', 512, ICON],
  // Every mask leaves a circle of four fifths of the width; the towers' tops lie within it.
  ['icon-maskable-512.png', 512, toTheEdges(0.88)],
  ['icon-monochrome-512.png', 512, silhouette()],
  // iOS rounds the corners itself, and fills what is transparent with black.
  ['apple-touch-icon.png', 180, toTheEdges(1)],
]

const browser = await chromium.launch({ executablePath: chromiumProgram() })
for (const [file, size, picture] of PICTURES) {
  const page = await browser.newPage({ viewport: { width: size, height: size } })
  await page.setContent(`<style>html,body{margin:0}svg{display:block}</style>${picture}`)
  await page.screenshot({ path: join(FOLDER, file), omitBackground: true })
  await page.close()
}
await browser.close()
