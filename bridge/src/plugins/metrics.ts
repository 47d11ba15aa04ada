import { performance } from 'node:perf_hooks'
import fp from 'fastify-plugin'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'
import { BridgeError } from '../errors.ts'
import type { KeyEvents, KeyName } from '../keys/port.ts'
import {
  OdooRefused,
  OdooSessionEnded,
  OdooUnavailable,
  type IdentityProvider,
} from '../odoo/port.ts'

/** Connections to the database. */
export interface Pool {
  /** At work. */
  busy: number
  idle: number
  /** Requests that wait for one. */
  waiting: number
}

/** What the parts of the bridge tell of what they do. docs/operations.md lists what comes of it. */
export interface Metrics {
  registry: Registry
  /** How a sign-in ended. */
  signIn: (outcome: string) => void
  /** How a refresh token was answered. */
  refresh: (outcome: string) => void
  /** A change of CLIENTS_FILE was read. */
  clients: (outcome: 'ok' | 'failed') => void
  keys: KeyEvents
  /** An Odoo whose calls are timed. */
  observed: <Odoo extends IdentityProvider>(odoo: Odoo) => Odoo
  /** How an event of Odoo was answered. */
  event: (outcome: 'accepted' | 'refused') => void
  /** What comes of comparing stamps. */
  reconcile: {
    compared: (outcome: 'ok' | 'failed', seconds: number) => void
    ended: (cause: 'event' | 'comparison', sessions: number) => void
  }
  /** What Odoo was told without having asked. */
  pushes: {
    keys: (outcome: 'ok' | 'failed' | 'differs') => void
    revocations: (outcome: 'ok' | 'failed') => void
  }
  /** How telling a client of a sign-out went. */
  logout: (outcome: 'told' | 'refused' | 'failed' | 'given_up') => void
  /** Where to read the pool when somebody asks. */
  watchPool: (read: () => Pool) => void
}

/** Seconds, from a signature in memory to an Odoo that hangs. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
const SIGNING_BUCKETS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.01, 0.05, 0.25, 1]

type Outcome = 'ok' | 'refused' | 'session_ended' | 'unavailable' | 'fault'

function outcomeOf(error: unknown): Outcome {
  if (error instanceof OdooUnavailable) return 'unavailable'
  if (error instanceof OdooSessionEnded) return 'session_ended'
  if (error instanceof OdooRefused || error instanceof BridgeError) return 'refused'
  return 'fault'
}

/** The same object, whose methods that take time tell how long and how it ended. */
function timed<T extends object>(
  target: T,
  tell: (operation: string, outcome: Outcome, seconds: number) => void,
): T {
  return new Proxy(target, {
    get: (object, property) => {
      const value: unknown = Reflect.get(object, property)
      if (typeof value !== 'function') return value
      return (...parameters: unknown[]): unknown => {
        const since = performance.now()
        const told = (outcome: Outcome) => {
          tell(String(property), outcome, (performance.now() - since) / 1000)
        }
        const result: unknown = Reflect.apply(value, object, parameters)
        // What acts as a user is an Odoo of its own.
        if (property === 'asUser') return timed(result as object, tell)
        if (!(result instanceof Promise)) return result
        return result.then(
          (answer: unknown) => {
            told('ok')
            return answer
          },
          (error: unknown) => {
            told(outcomeOf(error))
            throw error
          },
        )
      }
    },
  })
}

/** All that the bridge counts, under the names that Prometheus sees. */
export function createMetrics(): Metrics {
  const registry = new Registry()
  const registers = [registry]
  collectDefaultMetrics({ register: registry })

  const counter = <Label extends string>(name: string, help: string, ...labelNames: Label[]) =>
    new Counter({ name: `drawbridge_${name}`, help, labelNames, registers })
  const histogram = <Label extends string>(
    name: string,
    help: string,
    buckets: number[],
    ...labelNames: Label[]
  ) => new Histogram({ name: `drawbridge_${name}`, help, buckets, labelNames, registers })

  const signIns = counter('sign_ins_total', 'Sign-ins with a password, by outcome.', 'outcome')
  const refreshes = counter('refreshes_total', 'Refresh tokens shown, by outcome.', 'outcome')
  const clientReloads = counter(
    'clients_reloads_total',
    'Changes of CLIENTS_FILE that were read, by outcome.',
    'outcome',
  )
  const signing = histogram(
    'signing_duration_seconds',
    'Time to make one signature.',
    SIGNING_BUCKETS,
    'key',
  )
  const signingFailures = counter(
    'signing_failures_total',
    'Signatures that could not be made.',
    'key',
  )
  // An increase is seen from a first value on alone.
  for (const key of ['signing', 'id_token'] satisfies KeyName[]) signingFailures.inc({ key }, 0)
  const fetches = counter('key_fetches_total', 'Fetches of keys from Vault.', 'key', 'outcome')
  const logins = counter('vault_logins_total', 'Logins of the bridge at Vault.', 'outcome')
  const calls = histogram(
    'odoo_call_duration_seconds',
    'Calls to Odoo.',
    BUCKETS,
    'operation',
    'outcome',
  )

  const events = counter('odoo_events_total', 'Events of Odoo, by outcome.', 'outcome')
  const endings = counter(
    'odoo_ended_sessions_total',
    'Sessions ended because Odoo says that their users changed.',
    'cause',
  )
  const comparisons = histogram(
    'odoo_comparison_duration_seconds',
    'Comparisons of the stamps of all who are signed in.',
    BUCKETS,
    'outcome',
  )

  const pushes = counter(
    'odoo_pushes_total',
    'What Odoo was told of keys and of ended sessions, by outcome.',
    'what',
    'outcome',
  )

  const logouts = counter(
    'backchannel_logouts_total',
    'Requests that tell clients of sign-outs, by outcome.',
    'outcome',
  )

  return {
    registry,
    logout: (outcome) => {
      logouts.inc({ outcome })
    },
    pushes: {
      keys: (outcome) => {
        pushes.inc({ what: 'keys', outcome })
      },
      revocations: (outcome) => {
        pushes.inc({ what: 'revocations', outcome })
      },
    },
    event: (outcome) => {
      events.inc({ outcome })
    },
    reconcile: {
      compared: (outcome, seconds) => {
        comparisons.observe({ outcome }, seconds)
      },
      ended: (cause, sessions) => {
        endings.inc({ cause }, sessions)
      },
    },
    signIn: (outcome) => {
      signIns.inc({ outcome })
    },
    refresh: (outcome) => {
      refreshes.inc({ outcome })
    },
    clients: (outcome) => {
      clientReloads.inc({ outcome })
    },
    keys: {
      signed: (key, seconds) => {
        signing.observe({ key }, seconds)
      },
      signFailed: (key) => {
        signingFailures.inc({ key })
      },
      fetched: (key) => {
        fetches.inc({ key, outcome: 'ok' })
      },
      fetchFailed: (key) => {
        fetches.inc({ key, outcome: 'failed' })
      },
      loggedIn: () => {
        logins.inc({ outcome: 'ok' })
      },
      loginFailed: () => {
        logins.inc({ outcome: 'failed' })
      },
    },
    observed: (odoo) =>
      timed(odoo, (operation, outcome, seconds) => {
        calls.observe({ operation, outcome }, seconds)
      }),
    watchPool: (read) => {
      const connections = new Gauge({
        name: 'drawbridge_database_connections',
        help: 'Connections to PostgreSQL, and requests that wait for one.',
        labelNames: ['state'],
        registers,
        collect: () => {
          for (const [state, count] of Object.entries({ ...read() }))
            connections.set({ state }, count)
        },
      })
    },
  }
}

/**
 * Times each request by its route, and serves all figures at `/metrics`. They are for whoever can
 * reach the bridge's own port: a request that any proxy passed on finds nothing here, so that a
 * gate with a location too wide gives nothing away.
 */
export const metricsEndpoint = fp<{ metrics: Metrics }>((app, { metrics: { registry } }, done) => {
  const requests = new Histogram({
    name: 'drawbridge_http_request_duration_seconds',
    help: 'Requests, by route.',
    buckets: BUCKETS,
    labelNames: ['method', 'route', 'status'],
    registers: [registry],
  })
  app.addHook('onResponse', (request, reply, next) => {
    const route = request.routeOptions.url ?? 'none'
    requests.observe(
      { method: request.method, route, status: reply.statusCode },
      reply.elapsedTime / 1000,
    )
    next()
  })

  app.get(
    '/metrics',
    {
      schema: {
        tags: ['operation'],
        summary: 'Figures for Prometheus',
        response: {
          200: {
            description: 'Figures.',
            content: { 'text/plain': { schema: { type: 'string' } } },
          },
        },
      },
    },
    async (request, reply) => {
      if (request.headers['x-forwarded-for'] !== undefined) throw new BridgeError('not_found')
      return reply.type(registry.contentType).send(await registry.metrics())
    },
  )
  done()
})
