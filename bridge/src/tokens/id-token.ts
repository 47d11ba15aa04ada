import { createHash, createPublicKey, randomUUID } from 'node:crypto'
import { createDecoder, createVerifier, TokenError } from 'fast-jwt'
import {
  LOGOUT_EVENT,
  LOGOUT_TOKEN_TYP,
  type IdTokenClaims,
  type LogoutTokenClaims,
} from '../contract/index.ts'
import type { Session } from '../sessions/port.ts'
import { acrOf } from './acr.ts'
import type { ClientSigner } from './client-signer.ts'

/** `typ` of an ID token: no access token and no logout token passes as one. */
const TYP = 'JWT'

/** Seconds: a client looks at it once, when it gets it. */
export const ID_TOKEN_TTL = 600

/** Seconds: it is minted for one request, and worth nothing to whoever finds it later. */
const LOGOUT_TTL = 120

const decode = createDecoder({ complete: true })

/** @see OpenID Connect Core 1.0 §3.1.3.6; both algorithms here hash with SHA-256 */
const leftHalf = (token: string): string =>
  createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')

/** Mints ID tokens and the logout tokens that go with them, and reads ID tokens that come back. */
export interface IdTokens {
  /**
   * Tells before something is changed whether this client could be given one.
   * @throws KeysUnavailable
   */
  ready(clientId: string): Promise<void>
  /**
   * @param accessToken that it comes with
   * @param nonce of the request; a refresh has none
   * @param now milliseconds since 1970
   * @throws KeysUnavailable
   */
  mint(session: Session, accessToken: string, nonce: string | null, now: number): Promise<string>
  /**
   * What tells a client that its user is signed out; signed as its ID tokens are.
   * @param now milliseconds since 1970
   * @throws KeysUnavailable
   * @see OpenID Connect Back-Channel Logout 1.0 §2.4
   */
  mintLogout(session: Pick<Session, 'sid' | 'uid' | 'client_id'>, now: number): Promise<string>
  /**
   * Whom an ID token was about; it may have expired.
   * @returns undefined for whatever is none of this bridge, or signed by a key that is not published any more
   * @throws KeysUnavailable
   * @see OpenID Connect RP-Initiated Logout 1.0 §2
   */
  readHint(token: string): Promise<Pick<IdTokenClaims, 'sub' | 'aud' | 'sid'> | undefined>
}

export function createIdTokens(signer: ClientSigner, issuer: string): IdTokens {
  return {
    ready: (clientId) => signer.ready(clientId),

    mint: (session, accessToken, nonce, now) => {
      const iat = Math.floor(now / 1000)
      const amr = session.amr === '' ? [] : session.amr.split(' ')
      const acr = acrOf(amr, session.claims)
      const claims: IdTokenClaims = {
        iss: issuer,
        sub: String(session.uid),
        aud: session.client_id,
        iat,
        exp: iat + ID_TOKEN_TTL,
        auth_time: Math.floor(session.auth_time / 1000),
        at_hash: leftHalf(accessToken),
        sid: session.sid,
        ...(amr.length === 0 ? {} : { amr }),
        ...(acr === undefined ? {} : { acr }),
        ...(nonce === null ? {} : { nonce }),
      }
      return signer.sign(session.client_id, TYP, claims)
    },

    mintLogout: ({ sid, uid, client_id }, now) => {
      const iat = Math.floor(now / 1000)
      const claims: LogoutTokenClaims = {
        iss: issuer,
        sub: String(uid),
        aud: client_id,
        iat,
        exp: iat + LOGOUT_TTL,
        jti: randomUUID(),
        sid,
        events: { [LOGOUT_EVENT]: {} },
      }
      return signer.sign(client_id, LOGOUT_TOKEN_TYP, claims)
    },

    readHint: async (token) => {
      try {
        const { header } = decode(token) as { header: { kid?: unknown } }
        const jwk = (await signer.publicJwks()).find(({ kid }) => kid === header.kid)
        if (!jwk) return undefined
        const key = createPublicKey({ key: { ...jwk }, format: 'jwk' })
        const verify = createVerifier({
          key: key.export({ format: 'pem', type: 'spki' }).toString(),
          algorithms: [jwk.alg],
          allowedIss: issuer,
          checkTyp: TYP,
          requiredClaims: ['iss', 'aud', 'sub', 'sid'],
          ignoreExpiration: true,
        })
        const { sub, aud, sid } = verify(token) as IdTokenClaims
        return { sub, aud, sid }
      } catch (error) {
        if (error instanceof TokenError) return undefined
        throw error
      }
    },
  }
}
