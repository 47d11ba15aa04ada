/** A field of text at Odoo; `false` is its word for empty. */
export type OdooText = string | false

/** The text of a field, or null where it is empty. */
export const text = (value: OdooText): string | null =>
  value === false || value.trim() === '' ? null : value

/** Odoo's `fr_BE` as the web has it, `fr-BE`; null for what is no such name. @see BCP 47 */
export function languageOf(lang: string | null): string | null {
  // Of `sr@latin` the language alone.
  const tag = lang?.replace(/@.*$/, '').replaceAll('_', '-') ?? ''
  return /^[a-z]{2,3}(-\w+)*$/i.test(tag) ? tag : null
}
