import { createHash, createPublicKey } from 'node:crypto'
import { createDecoder, createVerifier } from 'fast-jwt'
import { ODOO_PROOF_TYP, type OdooProofClaims } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { EventKey } from '../odoo/port.ts'
import type { PairingStore } from '../sessions/port.ts'

/** Seconds. */
const LONGEST_LIFE = 60
/** Seconds that the clocks of Odoo and the bridge may differ. */
const CLOCK_LEEWAY = 5

const REQUIRED_CLAIMS = ['iss', 'aud', 'iat', 'exp', 'jti', 'htm', 'htu', 'content_digest']

const decode = createDecoder({ complete: true })

const refused = (description: string, cause?: unknown): BridgeError =>
  new BridgeError('invalid_odoo_proof', { description, cause })

function kidOf(token: string): unknown {
  try {
    return (decode(token) as { header: { kid?: unknown } }).header.kid
  } catch (cause) {
    throw refused('no JWT', cause)
  }
}

/**
 * Makes what tells whether a request comes from the paired Odoo, with its key.
 * @param odoo `iss` of its proofs, `odoo:<database.uuid>`
 * @param issuer of this bridge, the only audience
 */
export function createOdooProofVerifier(key: EventKey, odoo: string, issuer: string) {
  const { kid, ...jwk } = key
  const verify = createVerifier({
    key: createPublicKey({ key: jwk, format: 'jwk' })
      .export({ format: 'pem', type: 'spki' })
      .toString(),
    algorithms: ['ES256'],
    allowedIss: odoo,
    allowedAud: issuer,
    checkTyp: ODOO_PROOF_TYP,
    requiredClaims: REQUIRED_CLAIMS,
    clockTolerance: CLOCK_LEEWAY * 1000,
  }) as (token: string) => OdooProofClaims

  return {
    kid,

    /**
     * To be asked before the body is read: a stranger's stays unread.
     * @param path of the bridge's route: Odoo may know the bridge by other addresses than others
     * @throws BridgeError invalid_odoo_proof; its description is for the log
     */
    verify: (token: string, method: string, path: string): OdooProofClaims => {
      if (kidOf(token) !== kid) throw refused('signed by another key than the one that is pinned')
      let claims: OdooProofClaims
      try {
        claims = verify(token)
      } catch (cause) {
        throw refused((cause as Error).message, cause)
      }
      const { aud, iat, exp, jti, htm, htu, content_digest } = claims
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
      if (htm !== method || htu !== path) throw refused('made for another route')
      return claims
    },
  }
}

export type OdooProofVerifier = ReturnType<typeof createOdooProofVerifier>

/** @throws BridgeError invalid_odoo_proof if the proof was made for another body */
export function verifyBody(claims: OdooProofClaims, body: Buffer): void {
  const digest = createHash('sha256').update(body).digest('base64')
  if (claims.content_digest !== `sha-256=:${digest}:`) throw refused('made for another body')
}

/** Milliseconds that clocks of bridges and database may differ without a proof being forgotten early. */
const MEMORY = 600_000

export interface OdooProofsOptions {
  /** Undefined until Odoo was asked for its key. */
  verifier: () => OdooProofVerifier | undefined
  pairings: Pick<PairingStore, 'takeProof'>
}

/** The proofs of the paired Odoo, as routes check them. */
export function createOdooProofs({ verifier, pairings }: OdooProofsOptions) {
  return {
    /** @throws BridgeError invalid_odoo_proof; its description is for the log */
    verify: (token: string, method: string, path: string): OdooProofClaims => {
      const current = verifier()
      if (!current) throw refused('no key is pinned yet')
      return current.verify(token, method, path)
    },

    verifyBody,

    /** Takes a proof once, among all bridges on one database. @returns whether it was the first time */
    takeOnce: ({ iss, jti, exp }: OdooProofClaims): Promise<boolean> =>
      pairings.takeProof(iss, jti, exp * 1000 + MEMORY),
  }
}
