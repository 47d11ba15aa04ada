import { performance } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import type { FastifyRequest } from 'fastify'
import { Type } from 'typebox'
import type { ErrorCode } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { Credentials, Identity, IdentityProvider, SignIn as OdooSignIn } from '../odoo/port.ts'
import type { Limiter } from '../plugins/limiter.ts'
import type { Device } from '../tokens/session-starts.ts'

/** A login as Odoo can look it up: no control characters, no half of a surrogate pair. */
export const Login = Type.String({
  minLength: 1,
  maxLength: 200,
  pattern: '^[^\\p{Cc}\\p{Cs}]+$',
})

/** A password as Odoo can hash it. */
export const Password = Type.String({
  minLength: 1,
  maxLength: 1000,
  pattern: '^[^\\u0000\\p{Cs}]+$',
})

/** A code of the second factor, as people type it: what it looks like is for Odoo to judge. */
export const Totp = Type.String({ minLength: 1, maxLength: 20, pattern: '^[^\\p{Cc}\\p{Cs}]+$' })

/** What somebody typed. */
export type Typed = Pick<Credentials, 'login' | 'password'> & Partial<Pick<Credentials, 'totp'>>

/** How an attempt ended: in Odoo's words, or before Odoo, or in a fault. */
export type SignInOutcome = OdooSignIn['outcome'] | 'too_many_attempts' | 'fault'

/** What a person is told of what Odoo said. */
const REFUSALS = {
  denied: 'invalid_credentials',
  second_factor_required: 'mfa_required',
  second_factor_denied: 'invalid_totp',
} as const satisfies Record<Exclude<OdooSignIn['outcome'], 'identity'>, ErrorCode>

/** Time, so that a test can stand in for it. Milliseconds. */
export interface Clock {
  now(): number
  wait(milliseconds: number): Promise<unknown>
}

export interface SignInOptions {
  odoo: IdentityProvider
  limiter: Limiter
  /** Seconds. A failure is answered a whole multiple of this after the request came. */
  floor: number
  /** Told how each attempt ended. */
  observe?: (outcome: SignInOutcome) => void
  clock?: Clock
}

/**
 * Asks Odoo who somebody is.
 * @throws BridgeError invalid_credentials, mfa_required, invalid_totp, too_many_attempts,
 * database_unavailable
 * @throws OdooUnavailable
 */
export type SignIn = (request: FastifyRequest, typed: Typed) => Promise<Identity>

/** Where a request comes from, as the gate tells. */
export const deviceOf = (request: FastifyRequest): Device => ({
  userAgent: request.headers['user-agent'] ?? '',
  address: request.ip,
})

/** The one door of every sign-in with a password. */
export function createSignIn(options: SignInOptions): SignIn {
  const { odoo, limiter, observe = () => undefined } = options
  const clock = options.clock ?? { now: () => performance.now(), wait }
  const floor = options.floor * 1000

  // Odoo hashes a password only where the login exists, and the time tells. A multiple rather than
  // one floor: an Odoo under load takes longer than any floor.
  const untilNextStep = (since: number): Promise<unknown> => {
    const elapsed = clock.now() - since
    return clock.wait(Math.ceil(elapsed / floor) * floor - elapsed)
  }

  /** What was learned must not get lost because it cannot be written down: that costs one place. */
  const orLog = (request: FastifyRequest, work: Promise<void>): Promise<void> =>
    work.catch((error: unknown) => {
      request.log.warn({ err: error }, 'a sign-in could not be taken off the failures')
    })

  return async (request, typed) => {
    const since = clock.now()
    const { login, password, totp } = typed
    const { userAgent, address } = deviceOf(request)
    let outcome: SignInOutcome = 'fault'
    try {
      const attempt = await limiter.begin(login, address)
      const result = await odoo
        .signIn({ login, password, totp, clientAddress: address, userAgent })
        .catch(async (error: unknown) => {
          await orLog(request, attempt.uncounted())
          throw error
        })
      outcome = result.outcome
      if (result.outcome === 'identity') {
        await orLog(request, attempt.succeeded())
        return result.identity
      }
      // The password was right, and the answer says so: there is nothing to count or to hide.
      if (result.outcome === 'second_factor_required') await orLog(request, attempt.uncounted())
      else await untilNextStep(since)
      throw new BridgeError(REFUSALS[result.outcome])
    } catch (error) {
      if (error instanceof BridgeError && error.code === 'too_many_attempts') outcome = error.code
      throw error
    } finally {
      observe(outcome)
    }
  }
}
