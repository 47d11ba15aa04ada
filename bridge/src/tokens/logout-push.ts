import { setTimeout } from 'node:timers/promises'
import type { FastifyBaseLogger } from 'fastify'
import type { Logout, LogoutQueue } from '../sessions/port.ts'
import type { Clients } from './clients.ts'
import type { IdTokens } from './id-token.ts'
import type { LogoutRequests } from './logout-request.ts'

/** Milliseconds between two looks for something new. */
const INTERVAL = 1000

/** Milliseconds: the pause doubles while the database does not answer, up to this. */
const LONGEST_PAUSE = 30_000

/** Requests under way, of one bridge. */
const AT_ONCE = 32

/** Of them to one client: a slow one leaves room for the others. */
const PER_CLIENT = 4

/** Milliseconds: far longer than a request may take, or two bridges would both send it. */
const LEASE = 30_000

/** Milliseconds to wait after each try that failed. After the last one there is none: four hours. */
const PAUSES = [1, 5, 30, 120, 600, 1800, 3600, 7200].map((seconds) => seconds * 1000)

/**
 * Milliseconds after which a sign-out is forgotten that none of the clients is to be told of. Not at
 * once: another bridge may have read a newer CLIENTS_FILE already.
 */
const FORGET_AFTER = 60_000

export interface LogoutPushOptions {
  clients: Clients
  queue: LogoutQueue
  idTokens: Pick<IdTokens, 'mintLogout'>
  requests: LogoutRequests
  log: FastifyBaseLogger
  observe: (outcome: 'told' | 'refused' | 'failed' | 'given_up') => void
  /** Other times than the usual ones, in milliseconds. */
  times?: { interval?: number; pauses?: readonly number[]; lease?: number; forgetAfter?: number }
}

/** Tells clients that their users are signed out, whichever bridge they signed out at. */
export interface LogoutPush {
  start(): void
  /** Resolves when nothing is under way any more. */
  stop(): Promise<void>
}

/**
 * Follows the sign-outs that clients are to be told of. They stand in the rows of the sessions, so
 * what ends a session need not know of this, and nothing is lost with a bridge: what it had claimed
 * is claimed by another one when the lease is over, and told then, maybe a second time.
 * @see OpenID Connect Back-Channel Logout 1.0 §2.5
 */
export function createLogoutPush(options: LogoutPushOptions): LogoutPush {
  const { clients, queue, idTokens, requests, log, observe } = options
  const {
    interval = INTERVAL,
    pauses = PAUSES,
    lease = LEASE,
    forgetAfter = FORGET_AFTER,
  } = options.times ?? {}
  /** What is under way, by client. */
  const underWay = new Map<string, Set<Promise<void>>>()
  const failing = new Set<string>()
  let stopped = false
  let waking = new AbortController()
  let following: Promise<void> | undefined
  let forgotten = 0

  const all = (): Promise<void>[] => [...underWay.values()].flatMap((own) => [...own])

  /** Whether it was told. What it answers, or why not, is for the log. */
  const send = async (
    uri: string,
    logout: Logout,
  ): Promise<{ outcome: 'told' | 'refused' | 'failed'; status?: number; err?: unknown }> => {
    try {
      const status = await requests.post(uri, await idTokens.mintLogout(logout, Date.now()))
      if (status >= 200 && status < 300) return { outcome: 'told', status }
      return { outcome: status === 400 ? 'refused' : 'failed', status }
    } catch (err) {
      return { outcome: 'failed', err }
    }
  }

  const tell = async (logout: Logout): Promise<void> => {
    const { sid, client_id, logout_tries } = logout
    // Taken out of the file since: whoever is there now knows nothing of this session.
    const uri = clients.get(client_id)?.backchannel_logout_uri
    if (uri === undefined) {
      await queue.settle(sid)
      return
    }
    const { outcome, ...answer } = await send(uri, logout)
    const facts = { sid, client_id, tries: logout_tries, ...answer }
    const pause = pauses[logout_tries - 1]
    if (outcome === 'failed' && pause !== undefined) {
      observe('failed')
      if (!failing.has(client_id)) log.warn(facts, 'a client could not be told of a sign-out')
      failing.add(client_id)
      await queue.postpone(logout, pause)
      return
    }
    if (outcome === 'failed') {
      observe('given_up')
      log.error(facts, 'a client was not told of a sign-out: given up')
    } else {
      observe(outcome)
      if (failing.delete(client_id)) log.info({ client_id }, 'a client can be told again')
      if (outcome === 'told') log.info(facts, 'a client was told of a sign-out')
      else log.warn(facts, 'a client refused to be told of a sign-out')
    }
    await queue.settle(sid)
  }

  const begin = (logout: Logout): void => {
    const { sid, client_id } = logout
    const own = underWay.get(client_id) ?? new Set()
    underWay.set(client_id, own)
    const telling = tell(logout)
      .catch((error: unknown) => {
        log.warn({ err: error, sid, client_id }, 'a sign-out is told again when the lease is over')
      })
      .finally(() => {
        own.delete(telling)
        if (own.size === 0) underWay.delete(client_id)
        // Whatever waits for this place need not wait for the next look.
        waking.abort()
      })
    own.add(telling)
  }

  const round = async (): Promise<void> => {
    const told = [...clients.values()]
      .filter(({ backchannel_logout_uri: uri }) => uri !== undefined)
      .map(({ client_id }) => client_id)
    const places = told
      .map((id) => [id, PER_CLIENT - (underWay.get(id)?.size ?? 0)] as const)
      .filter(([, free]) => free > 0)
    const most = AT_ONCE - all().length
    if (places.length > 0 && most > 0) {
      for (const logout of await queue.claim(new Map(places), most, lease)) begin(logout)
    }
    if (Date.now() - forgotten < forgetAfter) return
    await queue.forgetOthers(told, forgetAfter)
    forgotten = Date.now()
  }

  const follow = async (): Promise<void> => {
    let pause = interval
    while (!stopped) {
      waking = new AbortController()
      try {
        await round()
        pause = interval
      } catch (error) {
        if (pause === interval) log.warn({ err: error }, 'sign-outs to tell of could not be read')
        pause = Math.min(2 * pause, LONGEST_PAUSE)
      }
      const waiting = { signal: waking.signal, ref: false }
      await setTimeout(pause, undefined, waiting).catch(() => undefined)
    }
  }

  return {
    start: () => {
      following = follow()
    },
    stop: async () => {
      stopped = true
      waking.abort()
      await following
      await Promise.all(all())
      await requests.close()
    },
  }
}
