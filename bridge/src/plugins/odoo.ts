import type { FastifyInstance, FastifyRequest } from 'fastify'
import type { OdooProofClaims } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import { requireJson } from './json-only.ts'

/** What routes for the paired Odoo are told of its proofs. */
export interface OdooProofs {
  /** @throws BridgeError invalid_odoo_proof */
  verify(token: string, method: string, path: string): OdooProofClaims
  /** @throws BridgeError invalid_odoo_proof if the proof was made for another body */
  verifyBody(claims: OdooProofClaims, body: Buffer): void
  /** @returns whether this is the first time that it was shown, to whichever bridge */
  takeOnce(claims: OdooProofClaims): Promise<boolean>
}

export interface OdooOnlyOptions {
  proofs: OdooProofs
  /** Whether one proof may come again within its life: only where that changes nothing. */
  repeatable?: boolean
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString())
  } catch (cause) {
    throw new BridgeError('invalid_request', { cause })
  }
}

/**
 * Closes all routes of `app` to everybody but the paired Odoo: nothing of a stranger's body is
 * read, and nothing of a body is parsed that was not signed.
 * @param app an encapsulated one; its JSON is read by other means from here on
 * @returns gives the claims by which a request was let in
 */
export function onlyOdoo(
  app: FastifyInstance,
  { proofs, repeatable = false }: OdooOnlyOptions,
): (request: FastifyRequest) => OdooProofClaims {
  const shown = new WeakMap<FastifyRequest, OdooProofClaims>()
  const claimsOf = (request: FastifyRequest): OdooProofClaims => {
    const claims = shown.get(request)
    if (!claims) throw new BridgeError('invalid_odoo_proof')
    return claims
  }

  // The digest is of the bytes as they came.
  app.removeContentTypeParser('application/json')
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, parsed) => {
    parsed(null, body)
  })

  app.addHook('onRequest', async (request, reply) => {
    reply.header('cache-control', 'no-store')
    const token = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
    shown.set(request, proofs.verify(token, request.method, request.routeOptions.url ?? ''))
    await requireJson(request)
  })

  // After the body was read, and before the schema of the route is asked about it.
  app.addHook('preValidation', async (request) => {
    const body = request.body
    if (!Buffer.isBuffer(body)) throw new BridgeError('invalid_request')
    const claims = claimsOf(request)
    proofs.verifyBody(claims, body)
    request.body = parse(body)
    if (!repeatable && !(await proofs.takeOnce(claims))) {
      throw new BridgeError('invalid_odoo_proof', { description: 'shown before' })
    }
  })

  return claimsOf
}
