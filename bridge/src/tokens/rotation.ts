import type { Session, SessionStore } from '../sessions/port.ts'

/** Milliseconds; where it says so, a count. */
export interface RotationRules {
  /** Within this time a repeated refresh is a lost answer or a second tab. */
  grace: number
  /** A session that is not used for this long is over. */
  idleTtl: number
  /** How many answers may be lost and noticed after the grace period, */
  lateBudget: number
  /** in this time. */
  lateWindow: number
  /** A session does not move on if Odoo was asked about it longer ago than this. */
  tolerance: number
}

export type RotationOutcome =
  /** The session moved on. */
  | { outcome: 'rotated'; session: Session }
  /** The answer was lost or two tabs asked: a token of the same generation once more, no fork. */
  | { outcome: 'repeated'; session: Session }
  /** The same, noticed late; counted, because it may be a thief. */
  | { outcome: 'repeated_late'; session: Session }
  /** The row was older than the token: a restored database. */
  | { outcome: 'moved_forward'; session: Session }
  /** Odoo has to be asked first. Nothing was moved or counted: whoever waits loses nothing. */
  | { outcome: 'unchecked'; session: Session }
  /** An older token was shown again: the session is over now. */
  | { outcome: 'reuse'; session: Session }
  /** There is no live session. */
  | { outcome: 'ended' }

/** Whether a session may act at `now`, in milliseconds since 1970. */
export const isLive = (session: Session, now: number): boolean =>
  session.revoked_at === null && session.expires_at > now && session.absolute_expires_at > now

/**
 * Rotates a session for a refresh token that was verified.
 * @param generation the token's
 * @param now milliseconds since 1970
 * @see RFC 9700 §4.14.2
 */
export async function rotate(
  store: SessionStore,
  rules: RotationRules,
  sid: string,
  generation: number,
  now: number,
): Promise<RotationOutcome> {
  const { idleTtl } = rules
  const checkedAfter = now - rules.tolerance
  const rotated = await store.rotate({ sid, generation, now, idleTtl, checkedAfter })
  if (rotated) return { outcome: 'rotated', session: rotated }

  const session = await store.get(sid)
  if (!session || !isLive(session, now)) return { outcome: 'ended' }

  const isOld = generation < session.generation - 1
  if (!isOld && session.odoo_checked_at <= checkedAfter) return { outcome: 'unchecked', session }

  if (generation >= session.generation) {
    const moved = await store.moveForward(sid, generation, now, rules.idleTtl)
    // Somebody else moved it first: what is shown is now a predecessor like any other.
    return moved
      ? { outcome: 'moved_forward', session: moved }
      : rotate(store, rules, sid, generation, now)
  }

  if (!isOld) {
    if (now - session.rotated_at <= rules.grace) return { outcome: 'repeated', session }
    const since = now - rules.lateWindow
    const granted = await store.grantLateReplay(
      sid,
      session.generation,
      rules.lateBudget,
      now,
      since,
    )
    if (granted) return { outcome: 'repeated_late', session: granted }
  }

  await store.end(sid, 'reuse')
  return { outcome: 'reuse', session }
}
