/** What is shown of a contact in several places. */

/** The first letters of the first and the last word of a name. */
export function initials(name: string): string {
  const words = name.split(/[\s,]+/).filter((word) => /^[\p{L}\p{N}]/u.test(word))
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words
  return ends.map((word) => Array.from(word ?? '')[0]?.toLocaleUpperCase() ?? '').join('')
}

/** The address that a mail program opens. */
export const mailTo = (email: string): string =>
  `mailto:${encodeURIComponent(email).replace('%40', '@')}`

/** The address that a telephone opens. */
export const telephone = (phone: string): string => `tel:${phone.replace(/[^+\d]/g, '')}`

/** Whether a browser opens it as a page, and nothing else: people write what they like into it. */
export const isPage = (address: string): boolean => /^https?:\/\//i.test(address)
