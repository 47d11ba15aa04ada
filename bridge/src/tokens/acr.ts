/** What the `acr` of an ID token says, and what a client may ask of it. */

/** Somebody proved who they are, by one thing. */
const ONE_FACTOR = 'urn:drawbridge:one-factor'

/** By two things of different kinds: `amr` has `mfa`. @see RFC 8176 §2 */
const MULTI_FACTOR = 'urn:drawbridge:multi-factor'

/** The stronger first. */
export const ACR_VALUES: readonly string[] = [MULTI_FACTOR, ONE_FACTOR]

/** All that a sign-in reaches, the strongest first; nothing where its methods are not known. */
function reachedBy(amr: readonly string[]): readonly string[] {
  if (amr.length === 0) return []
  return amr.includes('mfa') ? ACR_VALUES : [ONE_FACTOR]
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null

/** @see OpenID Connect Core 1.0 §5.5.1 */
function requested(claims: string | null): { essential: boolean; values: unknown[] | undefined } {
  const { id_token } = JSON.parse(claims ?? '{}') as { id_token?: unknown }
  const acr = isObject(id_token) ? id_token['acr'] : undefined
  if (!isObject(acr)) return { essential: false, values: undefined }
  const { essential, value, values } = acr
  const asked = value ?? values
  return { essential: essential === true, values: asked === undefined ? undefined : [asked].flat() }
}

/**
 * The `acr` of an ID token: the one that the client asked for, or the strongest.
 * @param amr how the user signed in
 * @param claims the `claims` parameter of the client, JSON
 * @returns undefined where nobody knows how the user signed in
 * @see OpenID Connect Core 1.0 §2
 */
export function acrOf(amr: readonly string[], claims: string | null): string | undefined {
  const reached = reachedBy(amr)
  const { values = [] } = requested(claims)
  return reached.find((value) => values.includes(value)) ?? reached[0]
}

/**
 * Whether a sign-in is what a client cannot do without.
 * @see OpenID Connect Core 1.0 §5.5.1.1
 */
export function meetsAcr(amr: readonly string[], claims: string | null): boolean {
  const { essential, values } = requested(claims)
  if (!essential || values === undefined) return true
  return reachedBy(amr).some((value) => values.includes(value))
}
