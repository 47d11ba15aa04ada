import { createHash } from 'node:crypto'
import ipaddr from 'ipaddr.js'
import { RateLimiterPostgres, RateLimiterRes } from 'rate-limiter-flexible'
import { BridgeError } from '../errors.ts'

/** What the limiter needs of a database: statements with PostgreSQL's placeholders. */
export interface AttemptDatabase {
  query<Row>(sql: string, parameters?: readonly (string | number | null)[]): Promise<Row[]>
}

/** One attempt to sign in. It counts as failed until one of these says otherwise. */
export interface Attempt {
  /** It was who they said. From this address strangers cannot lock them out any more. */
  succeeded(): Promise<void>
  /** Neither right nor wrong: nothing is counted. */
  uncounted(): Promise<void>
}

/** Bounds the guessing of passwords before Odoo is asked. */
export interface Limiter {
  /**
   * @param login as it was typed
   * @param address of the client
   * @throws BridgeError too_many_attempts; database_unavailable, because who cannot count must not
   * let guess, and no session could be stored anyway
   */
  begin(login: string, address: string): Promise<Attempt>
}

const MINUTE = 60
const DAY = 86_400

/** Failures of one login from one address. */
const PAIR = { points: 5, duration: 10 * MINUTE }
/** Failures of one login from all the addresses that it never signed in from. */
const LOGIN = { points: 20, duration: 60 * MINUTE }
/** How long a login is known at an address after it signed in there. */
const KNOWN = { points: 1, duration: 90 * DAY }

/** One person for whom logins are compared: as databases, keyboards and LDAP take them for the same. */
const normalisedLogin = (login: string): string => login.normalize('NFKC').trim().toLowerCase()

/** An IPv6 client owns its whole /64, so that is what is counted. */
export function normalisedAddress(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed instanceof ipaddr.IPv4) return parsed.toString()
  return parsed.parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')
}

/** Hashed, because people type their password into the wrong field; and of one length. */
const keyOf = (...parts: string[]): string =>
  createHash('sha256').update(parts.join('\0')).digest('base64url')

/**
 * A limiter that counts in the bridge's own database: bridges share it, and a restart forgets
 * nothing. It is built for guesses that come many at a time: each takes its place before Odoo is
 * asked and gives it back if it was none.
 * @param perAddress failures of all logins together from one address in ten minutes
 */
export function createLimiter(database: AttemptDatabase, perAddress: number): Limiter {
  const storeClient = {
    query: async ({ text, values }: { text: string; values: (string | number | null)[] }) => {
      const rows = await database.query(text, values)
      return { rows, rowCount: rows.length }
    },
  }
  const counter = (keyPrefix: string, rule: { points: number; duration: number }) =>
    new RateLimiterPostgres({
      storeClient,
      // It asks its client for `query` alone, so SQLite answers as well as PostgreSQL.
      storeType: 'client',
      tableName: 'sign_in_attempts',
      tableCreated: true,
      // One of the four sweeps the table for all of them.
      clearExpiredByTimeout: keyPrefix === 'known',
      keyPrefix,
      ...rule,
    })
  const byAddress = counter('address', { points: perAddress, duration: 10 * MINUTE })
  const byPair = counter('pair', PAIR)
  const byLogin = counter('login', LOGIN)
  const known = counter('known', KNOWN)

  const counting = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work()
    } catch (cause) {
      throw cause instanceof BridgeError
        ? cause
        : new BridgeError('database_unavailable', { cause })
    }
  }

  const refuse = (milliseconds: number): never => {
    throw new BridgeError('too_many_attempts', { retryAfter: Math.ceil(milliseconds / 1000) })
  }

  return {
    begin: (login, address) =>
      counting(async () => {
        const [who, from] = [normalisedLogin(login), normalisedAddress(address)]
        const pair = keyOf(who, from)
        const places = [
          { limiter: byPair, key: pair },
          // Where somebody has signed in before, only their own failures from there count: neither
          // strangers who know the login nor a neighbour behind the same address lock them out.
          ...((await known.get(pair))
            ? []
            : [
                { limiter: byAddress, key: keyOf(from) },
                { limiter: byLogin, key: keyOf(who) },
              ]),
        ]
        const giveBack = async () => {
          await Promise.all(places.map(({ limiter, key }) => limiter.reward(key)))
        }

        // A look first: whoever is refused already costs no write.
        const counts = await Promise.all(places.map(({ limiter, key }) => limiter.get(key)))
        const waits = counts.flatMap((count, index) =>
          count && count.consumedPoints >= (places[index]?.limiter.points ?? 0)
            ? [count.msBeforeNext]
            : [],
        )
        if (waits.length > 0) refuse(Math.max(...waits))

        const taken = await Promise.allSettled(
          places.map(({ limiter, key }) => limiter.consume(key)),
        )
        const refused = taken.flatMap((place) =>
          place.status === 'rejected' ? [place.reason as unknown] : [],
        )
        if (refused.length > 0) {
          // Who was turned away has not guessed.
          await giveBack()
          const fault = refused.find((reason) => !(reason instanceof RateLimiterRes))
          if (fault !== undefined) throw fault as Error
          refuse(Math.max(...(refused as RateLimiterRes[]).map(({ msBeforeNext }) => msBeforeNext)))
        }

        return {
          succeeded: () =>
            counting(async () => {
              await giveBack()
              await Promise.all([
                byPair.delete(pair),
                known.set(pair, KNOWN.points, KNOWN.duration),
              ])
            }),
          uncounted: () => counting(giveBack),
        }
      }),
  }
}
