import type { GateClaims } from './claims.ts'
import type { RefusalReason } from './refusals.ts'

/** The claims of a token that may pass, or why the request is refused. */
export type Decision = GateClaims | RefusalReason
