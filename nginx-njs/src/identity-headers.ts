import { GATE_HEADERS } from '@drawbridge/bridge/contract'

// Upstreams that turn headers into variables (CGI, WSGI, PHP) make the same name of all of these.
const fold = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '-')

const OURS = Object.values(GATE_HEADERS).map(fold)

/**
 * Whether a request brings a header that only the gate may set, however it is spelt.
 * @param rawHeaders pairs of name and value
 */
export function bringsIdentityHeader(rawHeaders: readonly (readonly string[])[]): boolean {
  return rawHeaders.some((header) => OURS.includes(fold(header[0] ?? '')))
}
