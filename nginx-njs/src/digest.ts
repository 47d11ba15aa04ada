// Not WebCrypto, whose digest is a promise: the way of a token seen before has to stay synchronous.
import hashes from 'crypto'

/** SHA-256 of a text, base64url. */
export const sha256 = (text: string): string =>
  hashes.createHash('sha256').update(text).digest('base64url')
