import type OdooAwait from 'odoo-await'
import type { OdooRevocations } from '../contract/index.ts'

/** Somebody whom Odoo has just authenticated. */
export interface Identity {
  uid: number
  /** By the configured map from Odoo groups. */
  roles: string[]
  /**
   * External ids of Odoo groups that the user is in; of a stock Odoo only those that somebody asks
   * about.
   */
  groups: string[]
  /** How the user proved who they are. @see RFC 8176 */
  amr: string[]
  /** A session at Odoo by which the bridge acts as this user. A secret: it is stored sealed. */
  odooSession: string | null
  /** What Odoo says of the user's credentials: another stamp means that they changed. */
  odooStamp: string | null
  /** When the user did, in milliseconds since 1970; null: just now. */
  authTime: number | null
  /** Odoo's name for the session of its own pages in this browser. It opens nothing. */
  odooBrowser: string | null
}

/** Whoever types a password, and from where. */
export interface Credentials {
  login: string
  password: string
  /** The code of the second factor, as it was typed. */
  totp: string | undefined
  /** The browser's address, for Odoo's own brute-force counters and device list. */
  clientAddress: string
  /** Goes to Odoo's device list. */
  userAgent: string
}

export type SignIn =
  | { outcome: 'identity'; identity: Identity }
  /** The password is right; the code is missing. */
  | { outcome: 'second_factor_required' }
  /** The password is right; the code is wrong, was used before, or too many were tried. */
  | { outcome: 'second_factor_denied' }
  /** Wrong password, unknown login, or too many tries: Odoo tells none of these apart. */
  | { outcome: 'denied' }

/** A user who is signed in, and what lets the bridge act as them. */
export interface OdooUser {
  uid: number
  /** As `Identity` had it, or as Odoo gave it since. */
  odooSession: string | null
  odooStamp: string | null
  /** Keeps the id that Odoo gave the session in place of `odooSession`. */
  onRotated: (odooSession: string) => Promise<void>
  /** `odooSession` as it is on record by now; undefined if the session is over. */
  reload: () => Promise<string | undefined>
  /** An access token of this user for Odoo itself, good for one minute. */
  accessToken: () => Promise<string>
}

/** Odoo, with the rights of one user: what the routes use of odoo-await. */
export type OdooClient = Pick<OdooAwait, 'searchRead' | 'read' | 'execute_kw'>

/** Who people are, and their own access to their data. */
export interface IdentityProvider {
  /** @throws OdooUnavailable */
  signIn(credentials: Credentials): Promise<SignIn>
  /** Its calls throw OdooUnavailable, OdooSessionEnded or OdooRefused. */
  asUser(user: OdooUser): OdooClient
  /**
   * Whether the user may go on, and with what.
   * @throws OdooSessionEnded if the user is gone, archived or changed the password
   * @throws OdooUnavailable
   */
  check(user: OdooUser): Promise<Pick<Identity, 'roles' | 'groups'>>
  /**
   * Ends the session at Odoo by which the bridge acted, and that of Odoo's own pages in a browser,
   * whichever is given. One that is over already is none of its concern.
   * @throws OdooUnavailable
   */
  signOut(user: {
    uid: number
    odooSession: string | null
    odooBrowser: string | null
  }): Promise<void>
  /**
   * Whether Odoo counts failed sign-ins by the address of who made them, which takes `proxy_mode`
   * in its configuration; undefined if that cannot be seen from outside.
   * @throws OdooUnavailable
   */
  believesForwardedAddress(): Promise<boolean | undefined>
  /** Throws OdooUnavailable if Odoo does not answer, or could sign nobody in. */
  ping(): Promise<void>
  close(): Promise<void>
}

/** The public half of the key that an Odoo with the addon signs its requests with. */
export interface EventKey {
  kty: 'EC'
  crv: 'P-256'
  x: string
  y: string
  /** The thumbprint. @see RFC 7638 */
  kid: string
}

/** How to find a user: by the login, or by the account at a provider that Odoo itself knows. */
export type Lookup =
  | { login: string }
  /** `provider` is the id of Odoo's record (auth.oauth.provider), `uid` is `sub` there. */
  | { oauth: { provider: number; uid: string } }

/** Somebody who may sign in. */
export interface LookedUpUser {
  /** Without `amr`: nobody has proven anything. */
  identity: Identity
  /** Whether Odoo asks this user for a second factor. */
  secondFactor: boolean
}

/** An Odoo that knows this bridge, and tells of all its users at once. */
export interface PairedOdoo extends IdentityProvider {
  /** @throws OdooUnavailable */
  eventKey(): Promise<EventKey>
  /**
   * @param uids 1000 at most
   * @returns the stamp of each who may sign in; whoever is missing may not
   * @throws OdooUnavailable
   */
  stamps(uids: readonly number[]): Promise<Map<number, string>>
  /**
   * Asks for whom Odoo made the code that a browser brought from there.
   * @returns undefined if it is none, was used, or is for another verifier (RFC 7636)
   * @throws OdooUnavailable
   */
  redeem(code: string, codeVerifier: string): Promise<Identity | undefined>
  /**
   * Who that is, without any proof: for machines that act as a user, and for whom another provider
   * stands for.
   * @returns undefined if there is nobody, or nobody who may sign in
   * @throws OdooUnavailable
   */
  lookup(by: Lookup): Promise<LookedUpUser | undefined>
  /**
   * @param browsers 1000 at most, as `Identity` has them
   * @returns those that were signed out of Odoo
   * @throws OdooUnavailable
   */
  signedOut(browsers: readonly string[]): Promise<string[]>
  /**
   * Has Odoo fetch the bridge's keys now.
   * @returns the kids that Odoo takes from then on
   * @throws OdooUnavailable
   */
  fetchKeys(): Promise<string[]>
  /**
   * Has Odoo refuse tokens from now on; what it was told before stays.
   * @param revocations 1000 at most
   * @throws OdooUnavailable
   */
  refuse(revocations: OdooRevocations): Promise<void>
}

/** Odoo cannot be reached, is overloaded, or answers something that is no answer. */
export class OdooUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OdooUnavailable'
  }
}

/** Odoo does not know the user's session any more, or not the user as they were at sign-in. */
export class OdooSessionEnded extends Error {
  constructor() {
    super('The session at Odoo is over.')
    this.name = 'OdooSessionEnded'
  }
}

/** Odoo understood the call and turned it down. `odooError` is Odoo's name for the reason. */
export class OdooRefused extends Error {
  readonly odooError: string

  constructor(odooError: string, message: string) {
    super(message)
    this.name = 'OdooRefused'
    this.odooError = odooError
  }
}
