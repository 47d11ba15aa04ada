/**
 * Headers that the gate gives to the upstream once a token was found valid.
 * A request that brings one of them itself is refused.
 */
export const GATE_HEADERS = {
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
