/** Connections that outlive their request: WebSockets, server-sent events, long downloads. */
import type { Policy } from './decide.ts'
import type { GateRequest } from './request.ts'
import { isListed } from './revocations.ts'
import { issuerOf } from './settings.ts'
import type { VerifiedToken } from './verified-token.ts'

/** What is needed to look at an open connection's token again. Times are seconds. */
interface Watch {
  /** Where revocations come from; '' for nowhere. */
  revocations: string
  sid: string
  sub: string
  iat: number
  /** Since 1970; leeway included. */
  end: number
  every: number
}

/** Leaves word for {@link watch}. */
export function noteWatch(v: GateRequest['variables'], token: VerifiedToken, policy: Policy): void {
  if (typeof policy === 'string' || 'problem' in policy || policy.watch === 0) return
  const issuer = issuerOf(token.profile.iss, policy)
  const note: Watch = {
    revocations: issuer === undefined ? '' : issuer.revocations,
    sid: token.sid,
    sub: token.sub,
    iat: token.iat,
    end: token.exp + policy.leeway,
    every: policy.watch,
  }
  v.drawbridge_watch = JSON.stringify(note)
}

function isOver(note: Watch): boolean {
  if (Date.now() >= note.end * 1000) return true
  return note.revocations !== '' && isListed(note, note.revocations)
}

function lookLater(note: Watch): void {
  const untilEnd = note.end * 1000 - Date.now()
  setTimeout(
    () => {
      // An error in a timer is the one way in which njs ends a connection that is being answered.
      if (isOver(note)) throw new Error('drawbridge: the token of an open connection is over')
      lookLater(note)
    },
    Math.max(0, Math.min(note.every * 1000, untilEnd)),
  )
}

/**
 * `js_header_filter`: from the answer's headers on, looks at the token again and again, and ends the
 * connection when it expired or was revoked.
 */
export function watch(r: Pick<GateRequest, 'variables'>): void {
  const note = r.variables.drawbridge_watch ?? ''
  if (note !== '') lookLater(JSON.parse(note) as Watch)
}
