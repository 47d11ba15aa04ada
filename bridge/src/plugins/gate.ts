import { createHash, timingSafeEqual } from 'node:crypto'
import type { FastifyRequest } from 'fastify'
import { GATE_HEADERS } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'

/** Whom the gate let in. */
export interface GateIdentity {
  sid: string
  uid: number
  clientId: string
  scope: string[]
}

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

const header = (request: FastifyRequest, name: string): string => {
  const value = request.headers[name.toLowerCase()]
  return typeof value === 'string' ? value : ''
}

/**
 * Tells the gate from everybody else who can reach the bridge's port.
 * @param issuer of this bridge: a gate may let in the users of others too
 */
export function createGate(credential: string, issuer: string) {
  const expected = digest(credential)
  // Hashed first: comparing in constant time needs equal lengths, and the length is a secret too.
  const isCredential = (presented: string) => timingSafeEqual(digest(presented), expected)

  return {
    /** A hook: the gate itself asks, with its credential as a bearer token. */
    requireGate: (request: FastifyRequest): Promise<void> => {
      const presented = /^Bearer (\S+)$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
      return isCredential(presented)
        ? Promise.resolve()
        : Promise.reject(new BridgeError('invalid_gate_credential'))
    },

    /**
     * Whom the gate let in with this request.
     * @throws BridgeError invalid_gate_credential where the request did not come through the gate,
     * or with a token of another issuer: that one's user 6 is not ours
     */
    identify: (request: FastifyRequest): GateIdentity => {
      if (!isCredential(header(request, GATE_HEADERS.credential))) {
        throw new BridgeError('invalid_gate_credential')
      }
      const sid = header(request, GATE_HEADERS.sid)
      const uid = Number(header(request, GATE_HEADERS.sub))
      const isOurs = header(request, GATE_HEADERS.iss) === issuer
      if (!isOurs || sid === '' || !Number.isSafeInteger(uid) || uid <= 0) {
        throw new BridgeError('invalid_gate_credential')
      }
      return {
        sid,
        uid,
        clientId: header(request, GATE_HEADERS.client_id),
        scope: header(request, GATE_HEADERS.scope).split(' '),
      }
    },
  }
}

export type Gate = ReturnType<typeof createGate>
