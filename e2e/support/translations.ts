/** What the PWA says in its languages, as its translators wrote it. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Page } from 'playwright/test'
import { REPOSITORY } from '../stack/paths.ts'

/** A language of the PWA's, beside English. */
export type Translated = 'de' | 'es' | 'fr'

/** A text; `{}` stands for a value. */
interface Translation {
  source: string
  target: string
}

const plain = (xml: string): string =>
  xml
    .replaceAll(/<x [^>]*\/>/g, '{}')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

function readTranslations(language: Translated): Translation[] {
  const xliff = readFileSync(join(REPOSITORY, 'pwa/xliff', `${language}.xlf`), 'utf8')
  return [...xliff.matchAll(/<source>(.*?)<\/source>\s*<target>(.*?)<\/target>/gs)].map(
    ([, source = '', target = '']) => ({ source: plain(source), target: plain(target) }),
  )
}

/** @returns gives the translation of an English text, with its values. @throws Error without one */
export function translator(language: Translated): (source: string, ...values: string[]) => string {
  const translations = new Map(
    readTranslations(language).map(({ source, target }) => [source, target]),
  )
  return (source, ...values) => {
    const target = translations.get(source)
    if (target === undefined) throw new Error(`There is no ${language} for “${source}”.`)
    return values.reduce((text, value) => text.replace('{}', value), target)
  }
}

/**
 * What a page still says in English, to the eye or to the ear, although there is a translation.
 * What other people wrote, in Odoo, is not the app's.
 */
export async function englishIn(page: Page, language: Translated): Promise<string[]> {
  const english = readTranslations(language)
    .map(({ source, target }) => ({
      target,
      pattern: source.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&').replaceAll('{}', '.+'),
    }))
    // Where a translation reads like its source, nobody can tell.
    .filter(({ target, pattern }) => !new RegExp(`^${pattern}$`).test(target))
    .map(({ pattern }) => pattern)
  return page.evaluate((sources) => {
    const said = [document.title]
    const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ALL)
    while (walker.nextNode()) {
      const node = walker.currentNode
      if (node instanceof Text) said.push(node.data)
      if (!(node instanceof Element)) continue
      for (const name of ['aria-label', 'title', 'placeholder', 'alt']) {
        said.push(node.getAttribute(name) ?? '')
      }
    }
    const known = new RegExp(`^(${sources.join('|')})( · .*)?$`)
    return said.map((text) => text.trim()).filter((text) => known.test(text))
  }, english)
}

/** What does not fit: a page that is wider than the window, a text that is cut. */
export const tooLongIn = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const { scrollWidth, clientWidth } = document.documentElement
    const wide = scrollWidth > clientWidth ? [`page: ${scrollWidth} in ${clientWidth}`] : []
    const cut = [...document.querySelectorAll('button, nav a, label, h1, h2, p, dt, .badge')]
      .filter((element) => element.checkVisibility())
      // Of what Odoo's people wrote, the end may be missing.
      .filter((element) => element.closest('.profile, .contacts') === null)
      .filter((element) => element.scrollWidth > element.clientWidth + 1)
      .filter((element) => getComputedStyle(element).display !== 'inline')
      .map((element) => `${element.className}: ${element.textContent.trim()}`)
    const tabs = document.querySelector('nav.tabs')?.getBoundingClientRect()
    const profile = document.querySelector('.profile strong')?.getBoundingClientRect()
    const covered =
      tabs && profile && tabs.top === 0 && profile.left < tabs.right ? ['profile: covered'] : []
    return [...wide, ...cut, ...covered]
  })
