/** The language of `$drawbridge` and `$drawbridge_issuers`: `name value value;`, as in nginx itself. */

/** One statement, taken apart. */
export interface Statement {
  name: string
  values: string[]
}

// Made once: the old engine keeps no context, and would compile them for each statement.
const PRINTABLE = /^[\x20-\x7e\t\r\n]*$/
const WORD = /[\x21-\x7e]+/g

/**
 * Takes statements apart. Words are separated by white space, which may be line breaks; a value
 * has no way to hold a space or a semicolon, and needs none.
 * @returns what is wrong, in words, when the text is not made of statements
 */
export function readStatements(text: string): Statement[] | string {
  if (!PRINTABLE.test(text)) return 'a character that is not ASCII'
  const parts = text.split(';')
  if ((parts.pop() as string).trim() !== '') return 'a statement does not end with ";"'
  const statements: Statement[] = []
  for (let i = 0; i < parts.length; i++) {
    const words = (parts[i] as string).match(WORD)
    if (words === null) return 'an empty statement'
    statements.push({ name: words[0], values: words.slice(1) })
  }
  return statements
}
