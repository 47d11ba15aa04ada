import type { Session } from '../auth/index.ts'
import { ApiError, errorOf, errorWithoutAnswer } from './api-error.ts'

/** What is sent beside the access token. */
export interface CallOptions<Answer> {
  signal: AbortSignal
  method?: 'GET' | 'DELETE' | 'PATCH'
  /** Is sent as JSON. */
  body?: object
  /** Whether that is what was asked for: something else may stand at the address. */
  isAnswer: (answer: Partial<Answer> | null) => boolean
}

/** How a request is sent. */
type Sent = Pick<CallOptions<never>, 'signal' | 'method' | 'body'>

/**
 * @returns an answer that is 2xx; null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export async function send(
  session: Session,
  path: string,
  { signal, method = 'GET', body }: Sent,
): Promise<Response | null> {
  let response: Response
  try {
    response = await session.fetch(path, {
      method,
      signal,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  } catch (error) {
    const known = signal.aborted ? null : errorWithoutAnswer(error)
    if (known) throw known
    return null
  }
  if (!response.ok) throw await errorOf(response)
  return response
}

/**
 * Calls the bridge as whoever is signed in.
 * @returns the answer; null if the session came to its end, or was aborted, meanwhile
 * @throws {ApiError}
 */
export async function call<Answer>(
  session: Session,
  path: string,
  { isAnswer, ...sent }: CallOptions<Answer>,
): Promise<Answer | null> {
  const response = await send(session, path, sent)
  if (!response) return null
  const answer = (await response.json().catch(() => null)) as Partial<Answer> | null
  if (sent.signal.aborted) return null
  if (!isAnswer(answer)) throw new ApiError('bad_response')
  return answer as Answer
}
