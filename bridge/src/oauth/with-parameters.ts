/**
 * An address with parameters behind its own. What is registered comes out letter by letter: a parser
 * would write paths, escapes and the query anew.
 * @param address registered: no fragment, nothing but printable ASCII
 * @param parameters undefined leaves one out
 * @see RFC 6749 §3.1.2, which has the query of the address stay
 */
export function withParameters(
  address: string,
  parameters: Record<string, string | undefined>,
): string {
  const given = Object.entries(parameters).filter(
    (each): each is [string, string] => each[1] !== undefined,
  )
  if (given.length === 0) return address
  const added = new URLSearchParams(given).toString()
  if (!address.includes('?')) return `${address}?${added}`
  return /[?&]$/.test(address) ? address + added : `${address}&${added}`
}
