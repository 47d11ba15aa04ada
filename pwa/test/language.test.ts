import { msg } from '@lit/localize'
import { test } from 'tap'
import type { Test } from 'tap'
import { followLanguage, language, numberOf, plural, startLanguage } from '../src/language.ts'

/** What the module needs of a browser. */
function openPage(t: Test, { languages = ['en-US'], stored }: Partial<Page> = {}) {
  const storage = new Map(stored === undefined ? [] : [['drawbridge-language', stored]])
  const html = { lang: 'en' }
  const globals: Record<string, unknown> = {
    window: new EventTarget(),
    document: { documentElement: html },
    navigator: { languages },
    localStorage: {
      getItem: (name: string) => storage.get(name) ?? null,
      setItem: (name: string, value: string) => storage.set(name, value),
    },
  }
  for (const [name, value] of Object.entries(globals)) {
    t.intercept(globalThis, name as keyof typeof globalThis, { value, configurable: true })
  }
  return { html, storage }
}

interface Page {
  languages: string[]
  stored: string
}

test('before anybody has signed in, the first of the browser’s languages that there is', async (t) => {
  const { html, storage } = openPage(t, { languages: ['it-IT', 'de-CH', 'fr'] })
  await startLanguage()
  t.equal(html.lang, 'de')
  t.equal(language(), 'de-CH')
  t.equal(msg('Sign in'), 'Anmelden')
  t.equal(numberOf(1234), (1234).toLocaleString('de-CH'), 'the region’s own')
  t.equal(storage.size, 0, 'nobody has chosen it')
})

test('English, where there is none of them', async (t) => {
  const { html } = openPage(t, { languages: ['it-IT', 'pt'] })
  await startLanguage()
  t.equal(html.lang, 'en')
  t.equal(msg('Sign in'), 'Sign in')
})

test('then the Odoo user’s, which is remembered, and nothing else', async (t) => {
  const { html, storage } = openPage(t, { languages: ['de'] })
  await startLanguage()
  for (const [tag, locale, kept] of [
    ['fr-CA', 'fr', 'fr-CA'],
    ['es-MX', 'es', 'es-MX'],
    ['es-419', 'es', 'es-419'],
    ['de-CH', 'de', 'de-CH'],
    ['en-GB', 'en', 'en-GB'],
    ['fr', 'fr', 'fr'],
    ['nl-BE', 'en', 'en'],
    ['sr-latin', 'en', 'en'],
  ] as const) {
    await followLanguage(tag)
    t.equal(html.lang, locale, tag)
    t.equal(language(), kept, tag)
    t.same([...storage], [['drawbridge-language', kept]])
  }
  await followLanguage('es')
  await followLanguage(null)
  t.equal(html.lang, 'es', 'none at Odoo changes nothing')
})

test('what is remembered comes before the browser’s', async (t) => {
  const { html } = openPage(t, { languages: ['de'], stored: 'fr-BE' })
  await startLanguage()
  t.equal(html.lang, 'fr')
  t.equal(language(), 'fr-BE')
})

test('what somebody else has put there is no language', async (t) => {
  for (const stored of ['', 'x', '../../evil', 'constructor', '__proto__', 'de_DE', '<script>']) {
    const { html } = openPage(t, { languages: ['es'], stored })
    await startLanguage()
    t.equal(html.lang, 'es', stored)
  }
})

test('a browser that refuses storage has its own language, and follows Odoo’s', async (t) => {
  const { html } = openPage(t, { languages: ['de'] })
  const refuse = () => {
    throw new DOMException('refused', 'SecurityError')
  }
  t.intercept(globalThis, 'localStorage', { get: refuse, configurable: true })
  await startLanguage()
  t.equal(html.lang, 'de')
  await followLanguage('fr-FR')
  t.equal(html.lang, 'fr')
})

test('the last language that was asked for is the one', async (t) => {
  const { html } = openPage(t, { languages: ['en'] })
  await startLanguage()
  await Promise.all(['de', 'fr', 'es'].map(followLanguage))
  t.equal(html.lang, 'es')
  t.equal(msg('Sign in'), 'Iniciar sesión')
})

test('a count has the form that the language gives it', async (t) => {
  openPage(t)
  const forms = { one: 'one', other: 'other' }
  const each = (tag: string) =>
    followLanguage(tag).then(() => [0, 1, 2, 1_000_000].map((count) => plural(count, forms)))
  t.same(await each('en'), ['other', 'one', 'other', 'other'])
  t.same(await each('de'), ['other', 'one', 'other', 'other'])
  t.same(await each('es'), ['other', 'one', 'other', 'other'])
  t.same(await each('fr'), ['one', 'one', 'other', 'other'])
})
