import { configureLocalization } from '@lit/localize'
import { allLocales, sourceLocale, targetLocales } from './locale-codes.ts'

const { getLocale, setLocale } = configureLocalization({
  sourceLocale,
  targetLocales,
  loadLocale: (locale) => import(`./locales/${locale}.ts`),
})

/** Where the language is remembered on this device, for the sign-in page. Nothing else is. */
const REMEMBERED = 'drawbridge-language'

/**
 * Milliseconds that the first screen waits for its language, rather than to change it. No event
 * says that a file is slow, and English at once is better than nothing.
 */
const PATIENCE = 1000

/** The last language that was asked for. */
let wanted: string = sourceLocale

/**
 * Whose words, dates and numbers the page has, as BCP 47 has it. The region stays, so that the
 * dates of `de-CH` are the ones that Odoo shows there.
 */
export function language(): string {
  const locale = getLocale()
  return localeOf(wanted) === locale ? wanted : locale
}

/**
 * The form of a text that a count takes in the page's language; French has one for 0 and 1.
 * @param forms what the translations have too: `many`, say, of whole millions, is `other` here
 */
export const plural = (count: number, forms: { one: string; other: string }): string =>
  new Intl.PluralRules(getLocale()).select(count) === 'one' ? forms.one : forms.other

/**
 * "1,234". Below a thousand the digits stand alone in all the languages there are, and the first
 * number that a page formats takes a slow phone long.
 */
export const numberOf = (count: number): string =>
  count < 1000 ? String(count) : count.toLocaleString(language())

/**
 * Speaks the language that was remembered here, or the first of the browser's that there is.
 * @returns when it is there, or has taken too long; then it comes later
 */
export async function startLanguage(): Promise<void> {
  const first = [remembered(), ...navigator.languages].map(translated).find((tag) => tag !== null)
  const late = new Promise<void>((resolve) => setTimeout(resolve, PATIENCE))
  await Promise.race([speak(first ?? sourceLocale), late])
}

/**
 * Speaks the language of the Odoo user, from now on on this device; English where there is no
 * translation.
 * @param tag as BCP 47 has it; null, where Odoo knows none, changes nothing
 */
export async function followLanguage(tag: string | null): Promise<void> {
  if (tag === null) return
  const found = translated(tag) ?? sourceLocale
  remember(found)
  await speak(found)
}

/** A language file that cannot be had is no reason to say anything: there is English. */
async function speak(tag: string): Promise<void> {
  wanted = tag
  await setLocale(localeOf(tag)).catch(() => setLocale(sourceLocale))
  document.documentElement.lang = getLocale()
}

const localeOf = (tag: string): string => new Intl.Locale(tag).language

/** @returns null for a language without translation, and for what is none at all */
function translated(tag: string | null): string | null {
  if (tag === null) return null
  try {
    const { language, baseName } = new Intl.Locale(tag)
    return allLocales.some((locale) => locale === language) ? baseName : null
  } catch {
    return null
  }
}

// A browser may refuse the page any storage.
function remembered(): string | null {
  try {
    return localStorage.getItem(REMEMBERED)
  } catch {
    return null
  }
}

function remember(tag: string): void {
  try {
    localStorage.setItem(REMEMBERED, tag)
  } catch {
    // Then the browser's own language is next time's.
  }
}
