/** Where a person goes whose page was refused: to sign in, and from there back to the page. */
import type { RefusalReason } from './refusals.ts'
import type { GateRequest } from './request.ts'

// What a new sign-in mends. Whatever else is wrong with a token may be wrong with the next one too,
// and the browser would go round in circles.
const MENDED = ['no_token', 'expired', 'too_old', 'revoked', 'refused_by_bridge']

// Characters of the whole address. It has to fit into a request line, together with what the
// sign-in makes of it.
const LONGEST = 4096

// To a browser "//host" and "/\host" are other hosts, and who signs people in may believe us.
const OWN_PATH = /^\/(?![/\\])[\x21-\x7e]*$/

/**
 * Whether a browser asked for a page, to show it in place of the one before. It has to say so in so
 * many words: nginx joins a header that comes twice, and that is none of them.
 *
 * A frame could not show the sign-in, and what is fetched ahead must not begin one.
 * @see https://www.w3.org/TR/fetch-metadata/
 */
const isPage = (v: GateRequest['variables']): boolean =>
  v.request_method === 'GET' &&
  v.http_sec_fetch_mode === 'navigate' &&
  v.http_sec_fetch_dest === 'document' &&
  (v.http_sec_purpose ?? '') === '' &&
  (v.http_upgrade ?? '') === ''

/**
 * The address of the sign-in for a request that was refused, with what it asked for as path and
 * query: nothing of its headers is in there.
 * @param signIn the location's setting; '' for none
 * @returns '' where the request is answered with the refusal itself
 */
export function signInFor(
  r: Pick<GateRequest, 'variables' | 'error'>,
  reason: RefusalReason,
  signIn: string,
): string {
  const v = r.variables
  if (signIn === '' || !MENDED.includes(reason) || !isPage(v)) return ''
  const asked = v.request_uri ?? ''
  if (!OWN_PATH.test(asked)) return ''
  const page = signIn.slice(0, signIn.indexOf('?'))
  const path = asked.split('?')[0] as string
  if (path === page || `https://${v.http_host ?? ''}${path}` === page) {
    r.error('drawbridge: the sign-in page asks for a token itself')
    return ''
  }
  const address = signIn + encodeURIComponent(asked)
  return address.length > LONGEST ? '' : address
}
