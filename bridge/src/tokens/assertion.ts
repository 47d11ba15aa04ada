import { createHash, randomUUID } from 'node:crypto'
import { ASSERTION_TYP, type AssertionClaims } from '../contract/index.ts'
import type { Signer } from '../keys/port.ts'

/** Seconds. */
const LIFE = 60

/** A request that is to be proven the bridge's own. */
export interface AssertedRequest {
  method: string
  path: string
  body: string
}

/**
 * Proves to one audience that requests come from this bridge.
 * @returns makes an assertion for a request; throws KeysUnavailable
 */
export const createAssertions =
  (signer: Signer, issuer: string, audience: string) =>
  ({ method, path, body }: AssertedRequest): Promise<string> => {
    const iat = Math.floor(Date.now() / 1000)
    const claims: AssertionClaims = {
      iss: issuer,
      aud: audience,
      iat,
      exp: iat + LIFE,
      jti: randomUUID(),
      htm: method,
      htu: path,
      content_digest: `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    }
    return signer.sign(ASSERTION_TYP, claims)
  }
