import type OdooAwait from 'odoo-await'

/** Somebody whom Odoo has just authenticated. */
export interface Identity {
  uid: number
  /** By the configured map from Odoo groups. */
  roles: string[]
  /** How the user proved who they are. @see RFC 8176 */
  amr: string[]
  /** What lets the bridge act as this user later. A secret: it is stored sealed. */
  odooSession: string
}

/** Whoever types a password, and from where. */
export interface Credentials {
  login: string
  password: string
  /** The browser's address, for Odoo's own brute-force counters and device list. */
  clientAddress: string
  /** Goes to Odoo's device list. */
  userAgent: string
}

export type SignIn =
  | { outcome: 'identity'; identity: Identity }
  | { outcome: 'second_factor_required' }
  | { outcome: 'denied' }

/** A user at Odoo, and what to do when Odoo gives the session another id. */
export interface OdooUser {
  uid: number
  odooSession: string
  onRotated: (odooSession: string) => Promise<void>
}

/** Odoo, with the rights of one user: what the routes use of odoo-await. */
export type OdooClient = Pick<OdooAwait, 'searchRead' | 'read' | 'execute_kw'>

/** Who people are, and their own access to their data. */
export interface IdentityProvider {
  /** @throws OdooUnavailable */
  signIn(credentials: Credentials): Promise<SignIn>
  /** Its calls throw OdooUnavailable, OdooSessionEnded or OdooRefused. */
  asUser(user: OdooUser): OdooClient
  /** Ends the user's session at Odoo; one that is over already is none of its concern. @throws OdooUnavailable */
  signOut(user: Pick<OdooUser, 'uid' | 'odooSession'>): Promise<void>
  /** Throws OdooUnavailable if Odoo does not answer. */
  ping(): Promise<void>
}

/** Odoo cannot be reached, is overloaded, or answers something that is no answer. */
export class OdooUnavailable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options)
    this.name = 'OdooUnavailable'
  }
}

/** Odoo does not know the user's session any more. */
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
