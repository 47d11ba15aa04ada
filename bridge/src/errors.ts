import { ERRORS, type ErrorCode } from './contract/index.ts'

/**
 * An answer that is a refusal. `code` is what the caller gets; `cause` is for the log only.
 */
export class BridgeError extends Error {
  readonly code: ErrorCode

  constructor(code: ErrorCode, options?: { cause?: unknown; description?: string }) {
    super(options?.description ?? ERRORS[code].description, { cause: options?.cause })
    this.name = 'BridgeError'
    this.code = code
  }
}
