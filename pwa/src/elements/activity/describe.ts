import type { Step } from '../../activity-log.ts'
import type { RefreshReason } from '../../auth/index.ts'

/** A step in words. */
export interface Description {
  /** Who spoke to whom, or where it happened. */
  route: string
  text: string
  /** Method, path, status, duration. */
  facts: string[]
  tone: 'plain' | 'good' | 'bad'
}

const TEXT = {
  toGate: 'Browser → Gate',
  fromGate: 'Gate → Browser',
  toBridge: 'Browser → Bridge',
  fromBridge: 'Bridge → Browser',
  here: 'This page',
  otherTab: 'Another tab',
  call: 'Asks for data and shows the access token.',
  retry: 'The same request again, with the new access token.',
  letThrough: 'Let through: the access token is valid.',
  refused: 'Refused: the access token is not valid.',
  refusedBecause: (reason: string) => `Refused: ${reason.replace(/[.\s]*$/, '')}.`,
  forbidden: 'Refused: the access token does not allow this.',
  otherStatus: 'Let through, but what lies behind could not answer.',
  unanswered: 'No answer came.',
  refresh: {
    restore: 'The page was opened. Does the cookie hold a session?',
    expired: 'The access token has expired. Asks for a new one, by the cookie.',
    unauthorized: 'Asks for a new access token, by the cookie.',
    wake: 'Back again, and the access token has expired meanwhile. Asks for a new one.',
  } satisfies Record<RefreshReason, string>,
  renewed: 'A new access token. The refresh token in the cookie was replaced too.',
  renewedByTab: 'Had just got a new access token and passed it on.',
  noSession: 'No: somebody has to sign in.',
  refreshRefused: 'Refused: the refresh token is no longer valid. The session is over.',
  failed: (code: string) =>
    `No new access token (${code}). Nothing is lost: it can be tried again.`,
  login:
    'Odoo knows the login and password. An access token for the page, a refresh token in a cookie.',
  loginFailed: (code: string) => `No sign-in (${code}).`,
  logout: 'The session is ended, the cookie removed.',
  logoutFailed: (code: string) => `Could not be told about the sign-out (${code}).`,
  signedIn: {
    login: 'Signed in.',
    restore: 'Still signed in.',
    tab: 'Signed in, and passed the access token on.',
  },
  signedOut: {
    logout: 'Signed out. The access token is dropped.',
    refused: 'Signed out. The access token is dropped, and the sign-in page opens.',
  },
  userChanged: 'Another user signed in. What was on the screen is dropped.',
}

/** Says what a step of the session was. */
export function describe(step: Step): Description {
  switch (step.name) {
    case 'call':
      return line(sentTo(step.detail.path), TEXT.call, 'plain', requestOf(step.detail))
    case 'retry':
      return line(sentTo(step.detail.path), TEXT.retry, 'plain', requestOf(step.detail))
    case 'answer': {
      const { status, challenge, duration, path } = step.detail
      const sender = sentBy(path)
      if (status === 0) return line(TEXT.here, TEXT.unanswered, 'bad', ms(duration))
      const facts = [String(status), ms(duration)]
      if (status === 401) {
        const text = challenge === undefined ? TEXT.refused : TEXT.refusedBecause(challenge)
        return line(sender, text, 'bad', ...facts)
      }
      if (status < 400) return line(sender, TEXT.letThrough, 'good', ...facts)
      const text = status === 403 ? TEXT.forbidden : TEXT.otherStatus
      return line(sender, text, 'bad', ...facts)
    }
    case 'refresh':
      return line(TEXT.toBridge, TEXT.refresh[step.detail.reason], 'plain', 'POST /auth/refresh')
    case 'refreshed': {
      const { reason, outcome, from, code = '', duration } = step.detail
      if (outcome === 'failed') return line(TEXT.here, TEXT.failed(code), 'bad', ms(duration))
      if (outcome === 'refused') {
        const restoring = reason === 'restore'
        const text = restoring ? TEXT.noSession : TEXT.refreshRefused
        return line(TEXT.fromBridge, text, restoring ? 'plain' : 'bad', '401', ms(duration))
      }
      if (from === 'tab') return line(TEXT.otherTab, TEXT.renewedByTab, 'good', ms(duration))
      return line(TEXT.fromBridge, TEXT.renewed, 'good', '200', ms(duration))
    }
    case 'login': {
      const { ok, code = '', duration } = step.detail
      const text = ok ? TEXT.login : TEXT.loginFailed(code)
      return line(TEXT.fromBridge, text, ok ? 'good' : 'bad', 'POST /auth/login', ms(duration))
    }
    case 'logout': {
      const { ok, code = '', duration } = step.detail
      const text = ok ? TEXT.logout : TEXT.logoutFailed(code)
      return line(TEXT.fromBridge, text, ok ? 'good' : 'bad', 'POST /auth/logout', ms(duration))
    }
    case 'signed-in':
      return line(
        step.detail.by === 'tab' ? TEXT.otherTab : TEXT.here,
        TEXT.signedIn[step.detail.by],
        'plain',
      )
    case 'signed-out':
      return line(
        step.detail.by === 'tab' ? TEXT.otherTab : TEXT.here,
        TEXT.signedOut[step.detail.reason],
        'plain',
      )
    case 'user-changed':
      return line(TEXT.here, TEXT.userChanged, 'plain')
  }
}

const line = (
  route: string,
  text: string,
  tone: Description['tone'],
  ...facts: string[]
): Description => ({ route, text, facts, tone })

/** What is not behind the gate is the bridge's own. */
const isBehindGate = (path: string): boolean => path.startsWith('/api/')
const sentTo = (path: string): string => (isBehindGate(path) ? TEXT.toGate : TEXT.toBridge)
const sentBy = (path: string): string => (isBehindGate(path) ? TEXT.fromGate : TEXT.fromBridge)
const requestOf = ({ method, path }: { method: string; path: string }): string =>
  `${method} ${path}`

const ms = (duration: number): string => `${Math.round(duration)} ms`
