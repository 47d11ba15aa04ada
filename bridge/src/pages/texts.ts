import type { ErrorCode } from '../contract/index.ts'
import { de } from './texts/de.ts'
import { en } from './texts/en.ts'
import { es } from './texts/es.ts'
import { fr } from './texts/fr.ts'

/** What the bridge's own pages say. `{}` stands for a name. */
export interface Texts {
  /** @see BCP 47 */
  lang: string
  sign_in: {
    title: string
    lead: string
    login: string
    password: string
    code: string
    code_hint: string
    shared: string
    shared_hint: string
    submit: string
    continue_with: string
    forgotten: string
  }
  consent: {
    title: string
    lead: string
    as: string
    allow: string
    deny: string
    /** By scope. */
    scopes: Record<string, string>
    /** Of a scope that has no text. */
    other: string
  }
  sign_out: { title: string; lead: string; submit: string; stay: string; done: string }
  problem: { title: string; lead: string; retry_title: string; retry: string }
  untrusted: { client: string; redirect_uri: string; logout_redirect_uri: string }
  too_late: string
  /** What a person is told of a refusal. */
  errors: Partial<Record<ErrorCode, string>>
}

/** In every language that there is. */
export const TEXTS: readonly Texts[] = [en, fr, de, es]

/**
 * @param wanted languages, the best one first (`ui_locales`, `Accept-Language`)
 * @returns the texts in the first of them that there is, English otherwise
 * @see RFC 4647 §3.4
 */
export function textsFor(wanted: readonly string[]): Texts {
  for (const tag of wanted) {
    const language = tag.toLowerCase().split('-')[0]
    const found = TEXTS.find(({ lang }) => lang === language)
    if (found) return found
  }
  return en
}
