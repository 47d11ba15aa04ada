import { createHash, createPublicKey } from 'node:crypto'
import { createDecoder, createVerifier } from 'fast-jwt'
import { EVENT_TYP, type EventClaims } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { EventKey } from '../odoo/port.ts'

/** Seconds. */
const LONGEST_LIFE = 60
/** Seconds that the clocks of Odoo and the bridge may differ. */
const CLOCK_LEEWAY = 5

const REQUIRED_CLAIMS = ['iss', 'aud', 'iat', 'exp', 'jti', 'content_digest']

const decode = createDecoder({ complete: true })

const refused = (description: string, cause?: unknown): BridgeError =>
  new BridgeError('invalid_event', { description, cause })

function kidOf(token: string): unknown {
  try {
    return (decode(token) as { header: { kid?: unknown } }).header.kid
  } catch (cause) {
    throw refused('no JWT', cause)
  }
}

/**
 * Makes what tells whether an event comes from the paired Odoo, with its key.
 * @param odoo `iss` of its events, `odoo:<database.uuid>`
 * @param issuer of this bridge, the only audience
 */
export function createEventVerifier(key: EventKey, odoo: string, issuer: string) {
  const { kid, ...jwk } = key
  const verify = createVerifier({
    key: createPublicKey({ key: jwk, format: 'jwk' })
      .export({ format: 'pem', type: 'spki' })
      .toString(),
    algorithms: ['ES256'],
    allowedIss: odoo,
    allowedAud: issuer,
    checkTyp: EVENT_TYP,
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: CLOCK_LEEWAY * 1000,
  }) as (token: string) => EventClaims

  return {
    kid,

    /**
     * To be asked before the body is read: a stranger's stays unread.
     * @throws BridgeError invalid_event; its description is for the log
     */
    verifyProof: (token: string): EventClaims => {
      if (kidOf(token) !== kid) throw refused('signed by another key than the one that is pinned')
      let claims: EventClaims
      try {
        claims = verify(token)
      } catch (cause) {
        throw refused((cause as Error).message, cause)
      }
      const { aud, iat, exp, jti, content_digest } = claims
      const now = Date.now() / 1000
      if (
        // A list that holds the issuer is for others, too.
        typeof aud !== 'string' ||
        typeof jti !== 'string' ||
        typeof content_digest !== 'string' ||
        !Number.isSafeInteger(iat) ||
        !Number.isSafeInteger(exp) ||
        exp <= iat ||
        exp - iat > LONGEST_LIFE ||
        iat > now + CLOCK_LEEWAY
      ) {
        throw refused('a proof of another shape or life')
      }
      return claims
    },
  }
}

export type EventVerifier = ReturnType<typeof createEventVerifier>

/** @throws BridgeError invalid_event if the proof was made for another body */
export function verifyBody(claims: EventClaims, body: Buffer): void {
  const digest = createHash('sha256').update(body).digest('base64')
  if (claims.content_digest !== `sha-256=:${digest}:`) throw refused('made for another body')
}
