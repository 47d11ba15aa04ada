import { type JsonObject, jsonObject } from './json.ts'

/** A compact JWS, taken apart; nothing in it is verified yet. */
export interface Jws {
  header: JsonObject
  payload: JsonObject
  /** What the signature is over. */
  signingInput: string
  signature: Buffer
}

const BASE64URL = /^[\w-]+$/

function bytes(part: string): Buffer | undefined {
  // A single character left over encodes nothing: decoders differ in what they make of it.
  if (!BASE64URL.test(part) || part.length % 4 === 1) return undefined
  return Buffer.from(part, 'base64url')
}

function object(part: string): JsonObject | undefined {
  const encoded = bytes(part)
  if (encoded === undefined) return undefined
  try {
    // njs-types asks for an ArrayBuffer; njs takes any view of one, as the standard does.
    const view = encoded as unknown as ArrayBuffer
    return jsonObject(new TextDecoder('utf-8', { fatal: true }).decode(view))
  } catch (error) {
    return undefined
  }
}

/**
 * Takes a compact JWS apart.
 * @returns undefined when it is not one, or when its header or payload is not a JSON object
 * @see RFC 7515 §7.1, RFC 7519 §7.2
 */
export function parseJws(token: string): Jws | undefined {
  const parts = token.split('.')
  if (parts.length !== 3) return undefined
  const header = object(parts[0] as string)
  const payload = object(parts[1] as string)
  const signature = bytes(parts[2] as string)
  if (header === undefined || payload === undefined || signature === undefined) return undefined
  return { header, payload, signature, signingInput: token.slice(0, token.lastIndexOf('.')) }
}
