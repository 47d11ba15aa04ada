/** A public key as it stands in the JWKS. @see RFC 7517 §4 */
export interface PublicJwk {
  kty: string
  crv: string
  x: string
  y: string
  kid: string
  alg: 'ES256'
  use: 'sig'
}

/** Makes and publishes the signatures of access tokens. */
export interface Signer {
  /**
   * Signs with the key whose turn it is.
   * @param typ goes into the header
   * @returns a compact JWS
   * @throws KeysUnavailable
   */
  sign(typ: string, payload: object): Promise<string>

  /** What verifies: next, current and previous keys. @throws KeysUnavailable */
  publicJwks(): Promise<PublicJwk[]>
}

/** One of the bridge's own secrets. It is never published. */
export interface SecretKey {
  /** Goes into the header of what it signs. */
  kid: string
  /** At least 32 bytes. */
  secret: Buffer
}

/** The bridge's own secrets: they sign refresh tokens and seal what is stored. */
export interface SecretKeys {
  /** The one to sign and seal with. @throws KeysUnavailable */
  current(): Promise<SecretKey>
  /** One that signed or sealed earlier; undefined if there is none of that name. @throws KeysUnavailable */
  find(kid: string): Promise<SecretKey | undefined>
}

/** All keys of a bridge, from one custody. */
export interface Keys {
  signer: Signer
  secrets: SecretKeys
  /** Ends timers and connections. */
  close: () => void
}

/** There is no key to sign or verify with, and none can be had now. */
export class KeysUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KeysUnavailable'
  }
}
