import type { RequestProofClaims } from './tokens.ts'

/** Where Odoo tells of changed users. Like all these paths, only with `ODOO_ADAPTER=addon`. */
export const ODOO_EVENTS_PATH = '/odoo/events'

/** What an administrator of Odoo may ask for, and do. */
export const ODOO_STATUS_PATH = '/odoo/status'
export const ODOO_SESSIONS_PATH = '/odoo/sessions'
export const ODOO_END_SESSIONS_PATH = '/odoo/sessions/end'

/** How often users are named in one event, and asked for in one question, at most. */
export const MOST_UIDS = 1000

/** Sessions in one answer, and in one request to end them, at most. */
export const MOST_LISTED_SESSIONS = 500

/** `typ` of what Odoo proves a request with. Never valid as anything else. */
export const ODOO_PROOF_TYP = 'drawbridge-odoo+jwt'

/** Claims of that proof. */
export interface OdooProofClaims extends RequestProofClaims {
  /** `odoo:<database.uuid>` */
  iss: string
  /** The issuer of the bridge. */
  aud: string
  /** An event's `id`. */
  jti: string
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

/** Answer of `POST /odoo/status`: what an administrator of Odoo may know. Lives are in seconds. */
export interface OdooStatus {
  issuer: string
  version: string
  /** Of the key that signs now. */
  kid: string
  access_token_ttl: number
  refresh_idle_ttl: number
  refresh_absolute_ttl: number
  /** External id of a group → role. */
  role_map: Record<string, string>
}

/** A session, as Odoo shows it. Times are seconds since 1970. */
export interface OdooSession {
  sid: string
  uid: number
  client_id: string
  client_name: string
  /** Whether it is the bridge's own PWA, and no app that was connected. */
  first_party: boolean
  /** "Firefox on Windows". */
  device: string
  ip: string
  created_at: number
  last_seen_at: number
  late_replays: number
}

/** Answer of `POST /odoo/sessions`: the live ones, the one used last first. */
export interface OdooSessions {
  sessions: OdooSession[]
  /** Whether there are others, used longer ago. */
  more: boolean
}
