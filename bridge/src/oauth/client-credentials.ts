import { decodeJwt } from 'jose'
import { BridgeError } from '../errors.ts'
import type { ClientAuthenticationMethod } from '../tokens/clients.ts'

/** Members of a form by which a client names and proves itself. */
export interface ClientParameters {
  client_id?: string
  client_secret?: string
  client_assertion?: string
  client_assertion_type?: string
}

/** What a request shows of its client, before anything of it is believed. */
export interface PresentedClient {
  method: ClientAuthenticationMethod
  clientId: string
  /** The secret or the assertion. */
  proof: string
}

/** @see RFC 7523 §2.2 */
export const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** Undoes `application/x-www-form-urlencoded`, which the two halves are encoded by first. */
const formDecoded = (text: string): string => decodeURIComponent(text.replaceAll('+', ' '))

/** @returns undefined if it is no Basic credential @see RFC 6749 §2.3.1, RFC 7617 §2 */
function readBasic(authorization: string): { id: string; secret: string } | undefined {
  const encoded = /^Basic +(\S+)$/i.exec(authorization)?.[1] ?? ''
  if (!BASE64.test(encoded)) return undefined
  const [, id = '', secret = ''] =
    /^([^:]*):(.*)$/s.exec(Buffer.from(encoded, 'base64').toString()) ?? []
  try {
    return { id: formDecoded(id), secret: formDecoded(secret) }
  } catch {
    return undefined
  }
}

/** Who an assertion says that it is, unproven. @returns undefined if it says nothing */
function subjectOf(assertion: string): string | undefined {
  try {
    const { sub } = decodeJwt(assertion)
    return typeof sub === 'string' ? sub : undefined
  } catch {
    return undefined
  }
}

/**
 * Reads how a client shows who it is.
 * @param authorization the header, if there is one
 * @throws BridgeError invalid_request where it does so in two ways at once, or names two clients:
 * two readers might each believe another one; invalid_client where it is no way at all
 * @see RFC 6749 §2.3, RFC 7521 §4.2
 */
export function readClientCredentials(
  authorization: string | undefined,
  parameters: ClientParameters,
): PresentedClient {
  const { client_id: named, client_secret, client_assertion, client_assertion_type } = parameters
  const isAsserted = client_assertion !== undefined || client_assertion_type !== undefined
  const ways = [authorization !== undefined, client_secret !== undefined, isAsserted]
  if (ways.filter(Boolean).length > 1) {
    throw new BridgeError('invalid_request', { description: 'two ways of client authentication' })
  }

  if (authorization !== undefined) {
    const basic = readBasic(authorization)
    if (!basic) {
      throw new BridgeError('invalid_client', { description: 'Authorization is no Basic' })
    }
    if (named !== undefined && named !== basic.id) {
      throw new BridgeError('invalid_request', { description: 'two clients are named' })
    }
    return { method: 'client_secret_basic', clientId: basic.id, proof: basic.secret }
  }
  if (isAsserted) {
    if (client_assertion === undefined || client_assertion_type !== ASSERTION_TYPE) {
      throw new BridgeError('invalid_request', { description: 'half a client assertion' })
    }
    const subject = subjectOf(client_assertion)
    if (subject === undefined || (named !== undefined && named !== subject)) {
      throw new BridgeError('invalid_client', {
        description: 'the assertion is for another client',
      })
    }
    return { method: 'private_key_jwt', clientId: subject, proof: client_assertion }
  }
  if (named === undefined) {
    throw new BridgeError('invalid_client', { description: 'no client is named' })
  }
  return client_secret === undefined
    ? { method: 'none', clientId: named, proof: '' }
    : { method: 'client_secret_post', clientId: named, proof: client_secret }
}
