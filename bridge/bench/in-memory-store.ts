/**
 * Preloaded into the bridge (`node --import`), puts sessions in memory where `app.ts` opens its
 * store; everything else of the bridge is what it always is. Only what measures the price of
 * durability needs this, so the bridge itself offers no such setting.
 */
import { registerHooks } from 'node:module'
import type { Database } from '../src/sessions/database.ts'
import type { Session, SessionStore } from '../src/sessions/port.ts'

const STORE = new URL('../src/sessions/store.ts', import.meta.url).href
const APP = new URL('../src/app.ts', import.meta.url).href

registerHooks({
  resolve(specifier, context, nextResolve) {
    const resolved = nextResolve(specifier, context)
    return resolved.url === STORE && context.parentURL === APP
      ? { ...resolved, url: import.meta.url }
      : resolved
  },
})

const isLive = (session: Session, now: number): boolean =>
  session.revoked_at === null && session.expires_at > now && session.absolute_expires_at > now

/**
 * Sessions in a Map for what a refresh and a validation do; the rest, which the load never asks
 * for, goes to the store proper.
 * @param database SQLite in memory
 */
export async function openStore(database: Database): Promise<SessionStore> {
  const { openStore: openProper } = await import('../src/sessions/store.ts')
  const proper = await openProper(database)
  const sessions = new Map<string, Session>()
  return {
    ...proper,
    insert: async (session) => {
      await proper.insert(session)
      sessions.set(session.sid, { ...session })
    },
    get: (sid) => Promise.resolve(sessions.get(sid)),
    rotate: ({ sid, generation, now, idleTtl, checkedAfter }) => {
      const session = sessions.get(sid)
      const isReady =
        session?.generation === generation &&
        isLive(session, now) &&
        session.odoo_checked_at > checkedAfter
      if (!isReady) return Promise.resolve(undefined)
      session.generation += 1
      session.rotated_at = now
      session.last_seen_at = now
      session.expires_at = Math.min(now + idleTtl, session.absolute_expires_at)
      return Promise.resolve({ ...session })
    },
  }
}
