import { type JsonObject, jsonObject } from './json.ts'

/** A compact JWS, taken apart; nothing in it is verified yet. */
export interface CompactJws {
  header: JsonObject
  payload: Buffer
  /** What the signature is over. */
  signingInput: Buffer
  signature: Buffer
}

/** A compact JWS whose payload is a JSON object, as a JWT's is. */
export interface Jws extends Omit<CompactJws, 'payload'> {
  payload: JsonObject
}

const UTF8 = new TextDecoder('utf-8', { fatal: true })

/**
 * Decodes base64url. Each sequence of bytes has one spelling here, so that a token has only one
 * too: no padding, no other alphabet, no white space, nothing in the bits left over. njs decodes
 * whatever it gets, but what it encodes is exact.
 * @see RFC 7515 §2, RFC 4648 §3.5
 */
function bytes(part: string): Buffer | undefined {
  const decoded = Buffer.from(part, 'base64url')
  return decoded.length > 0 && decoded.toString('base64url') === part ? decoded : undefined
}

function object(encoded: Buffer): JsonObject | undefined {
  try {
    // njs-types asks for an ArrayBuffer; njs takes any view of one, as the standard does.
    return jsonObject(UTF8.decode(encoded as unknown as ArrayBuffer))
  } catch (error) {
    return undefined
  }
}

// All tokens that one key signs begin alike: where the engine keeps a context, the last header is
// read once. Nobody may change it.
let last: { part: string; header: JsonObject } | undefined

function headerOf(part: string): JsonObject | undefined {
  if (last !== undefined && last.part === part) return last.header
  const encoded = bytes(part)
  const header = encoded === undefined ? undefined : object(encoded)
  if (header !== undefined) last = { part, header }
  return header
}

/**
 * Takes a compact JWS apart.
 * @returns undefined when it is not one, when its header is not a JSON object, or when its payload
 *   is empty
 * @see RFC 7515 §7.1
 */
export function parseCompactJws(token: string): CompactJws | undefined {
  // A dot between these two would not pass as base64url.
  const first = token.indexOf('.')
  const second = token.lastIndexOf('.')
  if (first === second) return undefined
  const header = headerOf(token.slice(0, first))
  if (header === undefined) return undefined
  const payload = bytes(token.slice(first + 1, second))
  const signature = bytes(token.slice(second + 1))
  if (payload === undefined || signature === undefined) return undefined
  return { header, payload, signature, signingInput: Buffer.from(token.slice(0, second)) }
}

/**
 * Takes a JWT apart.
 * @returns undefined when it is not a compact JWS, or when its payload is not a JSON object
 * @see RFC 7519 §7.2
 */
export function parseJws(token: string): Jws | undefined {
  const jws = parseCompactJws(token)
  if (jws === undefined) return undefined
  const payload = object(jws.payload)
  if (payload === undefined) return undefined
  return {
    header: jws.header,
    payload,
    signingInput: jws.signingInput,
    signature: jws.signature,
  }
}
