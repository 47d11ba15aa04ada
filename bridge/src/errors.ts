import { ERRORS, type ErrorCode } from './contract/index.ts'

export interface BridgeErrorOptions {
  /** For the log only. */
  cause?: unknown
  /** Of this case, for the log only; by default the code's own. */
  description?: string
  /** Seconds after which to try again. */
  retryAfter?: number
  /** Odoo's own words, for the person. */
  odooMessage?: string
}

/** An answer that is a refusal. `code` is what the caller gets. */
export class BridgeError extends Error {
  readonly code: ErrorCode
  readonly retryAfter: number | undefined
  readonly odooMessage: string | undefined

  constructor(code: ErrorCode, options: BridgeErrorOptions = {}) {
    super(options.description ?? ERRORS[code].description, { cause: options.cause })
    this.name = 'BridgeError'
    this.code = code
    this.retryAfter = options.retryAfter
    this.odooMessage = options.odooMessage
  }
}
