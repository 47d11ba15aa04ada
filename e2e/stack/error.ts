/** Something a person can act on: one sentence, and what the failing program printed last. */
export class StackError extends Error {
  override name = 'StackError'
  readonly details: string[]

  constructor(message: string, details: string[] = []) {
    super(message)
    this.details = details
  }
}

/** How an error is shown: a StackError by its sentence, any other with its stack. */
export function explain(error: unknown): string {
  if (error instanceof StackError) {
    return [error.message, ...error.details.map((line) => `    ${line}`)].join('\n')
  }
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
