/** The shape of the files in `test/vectors/`. */

/** `valid`, `invalid` or `acceptable`. */
type Result = string

export type SignatureVectors = {
  jwk: Record<string, unknown>
  /** Message and signature in hex. */
  tests: { id: number; comment: string; message: string; signature: string; result: Result }[]
}[]

export type TokenVectors = {
  jwks: { keys: Record<string, unknown>[] }
  tests: { id: number; comment: string; jws: string; result: Result }[]
}[]
