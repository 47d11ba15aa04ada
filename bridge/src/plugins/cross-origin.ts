import cors, { type FastifyCorsOptions } from '@fastify/cors'
import type { FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { PATHS } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'

/** What this plugin has to know of a registered client. */
interface CrossOriginClient {
  /** Origins of its pages. */
  origins: readonly string[]
}

export interface CrossOriginOptions {
  clients: { values(): Iterable<CrossOriginClient> }
}

/**
 * What pages of any origin may read: public documents, the same for everybody. Whoever wants one
 * has it fetched by a server anyway; a list of origins would only keep honest apps out.
 */
const OPEN: readonly string[] = [
  PATHS.jwks,
  PATHS.authorizationServerMetadata,
  PATHS.openidConfiguration,
  PATHS.protectedResourceMetadata,
]

/** What pages of registered clients may call. No cookie counts there. */
const OF_CLIENTS: readonly string[] = [PATHS.token, PATHS.revoke, PATHS.userinfo]

/** Seconds for which a browser need not ask again. */
const PREFLIGHT_MAX_AGE = 600

/** Cross-origin rules for the whole bridge: open where it says so, shut everywhere else. */
export const crossOrigin = fp<CrossOriginOptions>(async (app, { clients }) => {
  const rulesFor = ({ url, headers: { origin } }: FastifyRequest): FastifyCorsOptions => {
    const path = url.split('?')[0] ?? ''
    const common = { methods: ['GET', 'POST'], maxAge: PREFLIGHT_MAX_AGE }
    if (OPEN.includes(path)) return { ...common, origin: '*' }
    if (!OF_CLIENTS.includes(path)) return { origin: false }
    // A preflight does not say which client will ask; the request itself does, and is looked at then.
    const isSomeones = [...clients.values()].some(({ origins }) => origins.includes(origin ?? ''))
    return { ...common, origin: isSomeones && origin !== undefined ? [origin] : [] }
  }
  await app.register(cors, {
    hook: 'onRequest',
    delegator: (
      request: FastifyRequest,
      decide: (error: Error | null, options?: FastifyCorsOptions) => void,
    ) => {
      decide(null, rulesFor(request))
    },
  })
})

/**
 * Refuses a page that is not one of the client in whose name it calls. Who sends no `Origin` is no
 * page: there is no browser to be careful for.
 * @throws BridgeError origin_refused
 */
export function requireOriginOf(client: CrossOriginClient, request: FastifyRequest): void {
  const { origin } = request.headers
  if (origin !== undefined && !client.origins.includes(origin)) {
    throw new BridgeError('origin_refused', { description: 'not an origin of this client' })
  }
}
