/** A public key as it stands in the JWKS; `alg` follows from its type. @see RFC 7517 §4, RFC 7518 §6 */
export type PublicJwk = {
  kid: string
  use: 'sig'
  /**
   * Of a key for ID tokens alone: the gate and Odoo do not take it. Others do not know this member,
   * and pass over it.
   */
  drawbridge_signs?: 'id_token'
} & (
  | { kty: 'EC'; crv: 'P-256'; x: string; y: string; alg: 'ES256' }
  | { kty: 'RSA'; n: string; e: string; alg: 'RS256' }
)

/** Makes signatures by one key, and publishes what verifies them. */
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
  /** For access tokens, and for all else that no other key is there for. */
  signer: Signer
  /** RS256, for what clients verify that ask for it; undefined where no such key is configured. */
  idTokenSigner: Signer | undefined
  secrets: SecretKeys
  /** Ends timers and connections. */
  close: () => void
}

/** The keys that sign, as figures and the log name them. */
export type KeyName = 'signing' | 'id_token'

/** Told what happens to the keys, for counting. */
export interface KeyEvents {
  /** A signature was made. @param seconds that it took, waiting included */
  signed(key: KeyName, seconds: number): void
  /** No signature could be made. */
  signFailed(key: KeyName): void
  /** Vault gave all versions of a key; with the signing key, the bridge's own, too. */
  fetched(key: KeyName): void
  /** Vault did not give them; those at hand go on serving until their bound. */
  fetchFailed(key: KeyName): void
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
