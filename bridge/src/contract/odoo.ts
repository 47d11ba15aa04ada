/** Where Odoo tells of changed users; only with `ODOO_ADAPTER=addon`. */
export const ODOO_EVENTS_PATH = '/odoo/events'

/** How often users are named in one event, and asked for in one question, at most. */
export const MOST_UIDS = 1000

/** `typ` of what Odoo proves an event with. Never valid as anything else. */
export const EVENT_TYP = 'drawbridge-event+jwt'

/** Claims of that proof: it is good for one body. Times are seconds since 1970. */
export interface EventClaims {
  /** `odoo:<database.uuid>` */
  iss: string
  /** The issuer of the bridge. */
  aud: string
  iat: number
  exp: number
  /** The event's `id`. */
  jti: string
  /** @see RFC 9530 §2 */
  content_digest: string
}

/** Body of an event: whose sessions are worth a look. At least one of them is there. */
export interface OdooEvent {
  id: string
  uids?: number[]
  /** Too many to name. */
  all?: true
  /** Browsers that were signed out of Odoo, by Odoo's name for the session there. */
  browsers?: string[]
}

/** Entries in one list of revocations for Odoo, at most. */
export const MOST_REVOCATIONS = 1000

/** What Odoo is told to refuse although it has not expired. Times are whole seconds since 1970. */
export interface OdooRevocations {
  /** Ended sessions, and until when their tokens could be valid. */
  sessions: { sid: string; until: number }[]
  /** Users whose tokens with `iat` up to the cut-off are refused. */
  users: { uid: number; cutoff: number; until: number }[]
}
