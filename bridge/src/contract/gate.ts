/**
 * Headers that the gate gives to the upstream once a token was found valid.
 * A request that brings one of them itself is refused.
 */
export const GATE_HEADERS = {
  /** A `sub` means nothing without it: two issuers may both have a user 6. */
  iss: 'Drawbridge-Iss',
  sub: 'Drawbridge-Sub',
  sid: 'Drawbridge-Sid',
  client_id: 'Drawbridge-Client-Id',
  scope: 'Drawbridge-Scope',
  roles: 'Drawbridge-Roles',
  /** Proves to the bridge that the request came through its gate. Sent to the bridge alone. */
  credential: 'Drawbridge-Gate-Credential',
} as const

/** What the bridge answers to the gate's explicit question. */
export type ValidationStatus = 'Valid' | 'Invalid' | 'Expired'

/**
 * One page of what a gate must refuse although it has not expired. The gate asks again and again:
 * `GET /gate/revocations?epochs=…&after=…`, with its credential as a bearer token.
 */
export interface RevocationsPage {
  /**
   * Names this run of this bridge. A gate that does not list it in `epochs` (comma separated, at
   * most 2,000 characters: let go of the oldest) gets the whole list from its beginning, whatever
   * it says in `after`.
   */
  epoch: string
  /** Whether this page is the first of the whole list. What the gate holds stays refused anyway. */
  all: boolean
  /** Ended sessions, and until when (seconds since 1970) their tokens could be valid. */
  sessions: [sid: string, until: number][]
  /**
   * Users whose tokens with `iat` up to the cut-off are refused, and until when such tokens could
   * be valid. Both in seconds since 1970. A cut-off never moves back: the last one read counts.
   */
  users: [sub: string, cutoff: number, until: number][]
  /** Opaque: to be sent as `after` in the next question, at any bridge of the same issuer. */
  after: string
  /** Whether there may be more right now: then the next question comes at once. */
  more: boolean
}
