/** A public key as it stands in the JWKS; `alg` follows from its type. @see RFC 7517 §4, RFC 7518 §6 */
export type PublicJwk = { kid: string; use: 'sig' } & (
  | { kty: 'EC'; crv: 'P-256'; x: string; y: string; alg: 'ES256' }
  | { kty: 'RSA'; n: string; e: string; alg: 'RS256' }
)

/** Makes and publishes the signatures of access tokens. */
export interface Signer {
  /**
   * Signs with the key whose turn it is.
   * @param typ goes into the header
   * @returns a compact JWS
   * @throws KeysUnavailable
   */
  sign(typ: string, payload: object): Promise<string>

  /**
   * Tells before something is changed that can only be answered with a signature whether one can
   * be had. It asks nobody while the last signature was made.
   * @throws KeysUnavailable
   */
  ready(): Promise<void>

  /** What verifies: next, current and previous keys. @throws KeysUnavailable */
  publicJwks(): Promise<PublicJwk[]>
}

/** One of the bridge's own secrets. It is never published. The same key is the same object. */
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
  /**
   * One that signed or sealed earlier.
   * @returns undefined if there is none of that name
   * @throws KeysUnavailable also where it may be one that this bridge could not learn of
   */
  find(kid: string): Promise<SecretKey | undefined>
}

/** All keys of a bridge, from one custody. */
export interface Keys {
  signer: Signer
  secrets: SecretKeys
  /** Ends timers and connections. */
  close: () => void
}

/** Told what happens to the keys, for counting. */
export interface KeyEvents {
  /** A signature was made. @param seconds that it took, waiting included */
  signed(seconds: number): void
  /** No signature could be made. */
  signFailed(): void
  /** Vault gave all keys. */
  fetched(): void
  /** Vault gave no keys; those at hand go on serving until their bound. */
  fetchFailed(): void
  /** Vault gave a token. */
  loggedIn(): void
  /** Vault gave no token, or the secret id could not be read. */
  loginFailed(): void
}

/** There is no key to sign or verify with, and none can be had now. */
export class KeysUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'KeysUnavailable'
  }
}
