import { msg, str } from '@lit/localize'
import type { Step } from '../../activity-log.ts'
import type { RefreshReason } from '../../auth/index.ts'
import type { Lane, Message, Tone } from './message.ts'
import { bridgeMessages, type Purpose } from './server-messages.ts'
import { readServerTiming, type ServerTiming } from './server-timing.ts'
import type { Story } from './stories.ts'

/** The names of statuses that are met here. @see RFC 9110 §15 */
const STATUS: Record<number, string> = {
  200: 'OK',
  201: 'Created',
  204: 'No Content',
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  409: 'Conflict',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
}

/** "401 Unauthorized". */
export const statusText = (status: number): string => `${status} ${STATUS[status] ?? ''}`.trim()

/** What is not behind the gate is the bridge's own: the gate passes it on as it is. */
const isBehindGate = (path: string): boolean => path.startsWith('/api/')

type Detail<Name extends Step['name']> = Extract<Step, { name: Name }>['detail']
type Line = Omit<Message, 'key'>

const note = (lane: Lane, tone: Tone, text: string, more: Partial<Line> = {}): Line => ({
  from: lane,
  to: lane,
  shape: 'note',
  tone,
  text,
  ...more,
})
const arrow = (
  shape: 'request' | 'answer',
  from: Lane,
  to: Lane,
  tone: Tone,
  text: string,
  more: Partial<Line> = {},
): Line => ({ from, to, shape, tone, text, ...more })

function refreshText(reason: RefreshReason): string {
  switch (reason) {
    case 'restore':
      return msg('The page was opened: does the cookie hold a session?')
    case 'expired':
      return msg('The access token has expired: asks for a new one, by the cookie')
    case 'unauthorized':
      return msg('Asks for a new access token, by the cookie')
    case 'wake':
      return msg('Back again, and the access token has expired: asks for a new one')
  }
}

const isRefusal = (status: number): boolean => status === 401 || status === 403

/** Whether the gate turned it away. Where nobody tells, that is what a refusal behind it means. */
function isGates({ status, path }: Detail<'answer'>, timing: ServerTiming | null): boolean {
  if (!isBehindGate(path)) return false
  if (timing?.gate) return timing.gate.verdict === 'refused' || timing.gate.verdict === 'expired'
  return isRefusal(status)
}

/** The gate says why in English; what it says most has translations. */
function refusalText({ status, challenge }: Detail<'answer'>): string {
  if (status === 403) return msg('Refused: the access token does not allow this')
  const reason = (challenge ?? '').replace(/[.\s]*$/, '')
  switch (reason) {
    case '':
    case 'The access token is invalid':
      return msg('Refused: the access token is not valid')
    case 'The access token expired':
      return msg('Refused: the access token expired')
    default:
      return msg(str`Refused: ${reason}`, { desc: 'What follows is in English' })
  }
}

/** RFC 6750 has one code for each of the two. */
const statusTerm = ({ status, challenge }: Detail<'answer'>): string => {
  if (challenge === undefined || !isRefusal(status)) return statusText(status)
  return `${status} ${status === 401 ? 'invalid_token' : 'insufficient_scope'}`
}

/** What the gate decided, and what it did then. */
function gateLines(detail: Detail<'answer'>, timing: ServerTiming | null): Line[] {
  if (!isBehindGate(detail.path)) return []
  const took = timing?.gate ? { duration: timing.gate.duration } : {}
  if (isGates(detail, timing)) {
    return [note('gate', 'refused', refusalText(detail), { mark: 'A6.1', ...took })]
  }
  const bridge = timing?.bridge ?? null
  return [
    note('gate', 'allowed', msg('Let through: the token is valid'), {
      mark: 'A6.1',
      ...took,
    }),
    arrow('request', 'gate', 'bridge', 'plain', msg('Passed on, without the token'), {
      mark: 'A7.1',
      ...(bridge === null ? {} : { duration: bridge }),
    }),
  ]
}

function answerLine(detail: Detail<'answer'>, timing: ServerTiming | null): Line {
  const { status, duration } = detail
  const refused = isRefusal(status)
  const tone: Tone = status < 400 ? 'allowed' : refused ? 'refused' : 'lost'
  const from: Lane = isGates(detail, timing) ? 'gate' : 'bridge'
  const text = refused
    ? from === 'gate'
      ? msg('Another token is needed')
      : refusalText(detail)
    : status < 400
      ? msg('The answer')
      : msg('Let through, but what lies behind could not answer')
  const mark = refused ? 'A8.1' : 'A7.2'
  return arrow('answer', from, 'browser', tone, text, { term: statusTerm(detail), duration, mark })
}

function answered(detail: Detail<'answer'>, id: number): Message[] {
  if (detail.status === 0) {
    const line = note('browser', 'lost', msg('No answer came'), { duration: detail.duration })
    return [{ key: `${id}.lost`, ...line }]
  }
  const timing = readServerTiming(detail.timing)
  return [
    ...gateLines(detail, timing).map((line, index) => ({ key: `${id}.gate.${index}`, ...line })),
    ...(timing ? bridgeMessages(timing, 'call', `${id}.bridge`) : []),
    { key: `${id}.answer`, ...answerLine(detail, timing) },
  ]
}

/** What the bridge did for a request of the session's own, and what it answered. */
function ownRequest(
  id: number,
  header: string | undefined,
  purpose: Purpose,
  answer: Line,
): Message[] {
  const timing = readServerTiming(header)
  return [
    ...(timing ? bridgeMessages(timing, purpose, `${id}.bridge`) : []),
    { key: `${id}.answer`, ...answer },
  ]
}

const fromBridge = (tone: Tone, text: string, more: Partial<Line>): Line =>
  arrow('answer', 'bridge', 'browser', tone, text, more)

function refreshedMessages(detail: Detail<'refreshed'>, id: number): Message[] {
  const { reason, outcome, from, code = '', duration, timing } = detail
  if (outcome === 'failed') {
    const text = msg('No new access token. Nothing is lost: it can be tried again')
    const line = note('browser', 'lost', text, { term: code, duration })
    return [{ key: `${id}.answer`, ...line }]
  }
  if (outcome === 'refused') {
    const text =
      reason === 'restore'
        ? msg('No: somebody has to sign in')
        : msg('Refused: the refresh token is no longer valid. The session is over')
    const tone = reason === 'restore' ? 'plain' : 'refused'
    const line = fromBridge(tone, text, { term: `401 ${code}`, duration, mark: 'A12.1' })
    return ownRequest(id, timing, 'refresh', line)
  }
  if (from === 'tab') {
    const text = msg('Another tab had just got a new access token, and passed it on')
    return [{ key: `${id}.answer`, ...note('browser', 'allowed', text, { duration }) }]
  }
  const text = msg('A new access token. The refresh token in the cookie was replaced too')
  const line = fromBridge('allowed', text, { term: statusText(200), duration, mark: 'A11.3' })
  return ownRequest(id, timing, 'refresh', line)
}

function loginMessages(detail: Detail<'login'>, id: number): Message[] {
  const { ok, code = '', duration, timing } = detail
  const request = arrow('request', 'browser', 'bridge', 'plain', msg('Login and password'), {
    term: 'POST /auth/login',
  })
  const answer = ok
    ? fromBridge('allowed', msg('An access token for the page, a refresh token in a cookie'), {
        term: statusText(200),
        duration,
        mark: 'A3',
      })
    : fromBridge('refused', msg('No sign-in'), { term: code, duration })
  return [{ key: `${id}.request`, ...request }, ...ownRequest(id, timing, 'login', answer)]
}

function logoutMessages(detail: Detail<'logout'>, id: number): Message[] {
  const { ok, code = '', duration, timing } = detail
  const request = arrow('request', 'browser', 'bridge', 'plain', msg('Ends the session'), {
    term: 'POST /auth/logout',
  })
  const answer = ok
    ? fromBridge('allowed', msg('The session is ended, the cookie removed'), { duration })
    : note('browser', 'lost', msg('The bridge could not be told of the sign-out'), {
        term: code,
        duration,
      })
  return [{ key: `${id}.request`, ...request }, ...ownRequest(id, timing, 'logout', answer)]
}

function signedInText(by: Detail<'signed-in'>['by']): string {
  switch (by) {
    case 'login':
      return msg('Signed in: the access token is kept in memory')
    case 'restore':
      return msg('Still signed in')
    case 'tab':
      return msg('Another tab signed in, and passed the access token on')
  }
}

function signedOutText({ reason, by }: Detail<'signed-out'>): string {
  if (by === 'tab') return msg('Another tab signed out: the access token is dropped')
  return reason === 'logout'
    ? msg('Signed out: the access token is dropped')
    : msg('Signed out: the access token is dropped, and the sign-in page opens')
}

function messagesOfStep(step: Step): Message[] {
  const { id } = step
  const one = (line: Line): Message[] => [{ key: `${id}.request`, ...line }]
  switch (step.name) {
    case 'call':
    case 'retry': {
      const { method, path } = step.detail
      const text =
        step.name === 'call'
          ? msg('Asks for data, with the access token')
          : msg('The same request again, with the new access token')
      const mark = step.name === 'call' ? 'A5' : 'A11.5'
      const to = isBehindGate(path) ? 'gate' : 'bridge'
      return one(
        arrow('request', 'browser', to, 'plain', text, { term: `${method} ${path}`, mark }),
      )
    }
    case 'answer':
      return answered(step.detail, id)
    case 'refresh': {
      const text = refreshText(step.detail.reason)
      const more = { term: 'POST /auth/refresh', mark: 'A9' }
      return one(arrow('request', 'browser', 'bridge', 'plain', text, more))
    }
    case 'refreshed':
      return refreshedMessages(step.detail, id)
    case 'login':
      return loginMessages(step.detail, id)
    case 'logout':
      return logoutMessages(step.detail, id)
    case 'signed-in':
      return one(note('browser', 'plain', signedInText(step.detail.by)))
    case 'signed-out': {
      const mark = step.detail.reason === 'refused' ? { mark: 'A12.2' } : {}
      return one(note('browser', 'plain', signedOutText(step.detail), mark))
    }
    case 'user-changed':
      return one(
        note('browser', 'plain', msg('Another user signed in: what was on the screen is dropped')),
      )
  }
}

/** Whether the last thing that is known of a story is a question. */
export const isWaiting = ({ steps }: Story): boolean => {
  const last = steps.at(-1)?.name
  return last === 'call' || last === 'retry' || last === 'refresh'
}

/** A story, line by line, in the order in which things happened. */
export function messagesOf(story: Story): Message[] {
  const messages = story.steps.flatMap(messagesOfStep)
  if (!isWaiting(story)) return messages
  const lane = messages.at(-1)?.to ?? 'browser'
  const waiting = note(lane, 'waiting', msg('Under way…'))
  return [...messages, { key: `${story.id}.waiting`, ...waiting }]
}
