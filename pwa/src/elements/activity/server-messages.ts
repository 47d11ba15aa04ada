import { msg, str } from '@lit/localize'
import { numberOf } from '../../language.ts'
import type { Message } from './message.ts'
import type { ServerStep, ServerTiming } from './server-timing.ts'

/** What the request was for: the same step has another number in each. */
export type Purpose = 'login' | 'refresh' | 'logout' | 'call'

type Inner = Omit<Message, 'key' | 'duration' | 'overlaps' | 'tone'>

function storeText(word: string): string {
  switch (word) {
    case 'get':
      return msg('Looks the session up in its database')
    case 'rotate':
      return msg('Moves the session on: the old refresh token is used up')
    case 'insert':
      return msg('Writes the new session down')
    case 'end':
      return msg('Ends the session')
    default:
      return msg('Asks its database')
  }
}

function storeMark(purpose: Purpose, word: string): string | undefined {
  if (purpose === 'refresh' && word === 'rotate') return 'A10'
  return undefined
}

function signedText(what: string): string {
  switch (what) {
    case 'sign_access_token':
      return msg('Signs an access token')
    case 'sign_assertion':
      return msg('Signs a proof that it is the bridge')
    case 'sign_id_token':
      return msg('Signs an ID token')
    default:
      return msg('Signs')
  }
}

function signText(what: string, source: string | undefined): string {
  const text = signedText(what)
  switch (source) {
    case 'memory':
      return msg(str`${text}: key from memory`)
    case 'vault':
      return msg(str`${text}: key from Vault`)
    case 'shared':
      return msg(str`${text}: perhaps by another request’s call to Vault`)
    default:
      return text
  }
}

function vaultText(word: string): string {
  switch (word) {
    case 'export_key':
      return msg('Fetches the signing key')
    case 'read_key':
      return msg('Which signing keys are there?')
    case 'read_secrets':
      return msg('Fetches the keys of refresh tokens')
    case 'sign':
      return msg('Has Vault sign')
    default:
      return msg('Asks Vault')
  }
}

function odooText(word: string): string {
  switch (word) {
    case 'authenticate':
    case 'sign_in':
      return msg('Are login and password right?')
    case 'totp':
      return msg('Is the code right?')
    case 'check':
    case 'profile':
      return msg('May this user go on?')
    case 'has_group':
      return msg('Is the user in this group?')
    case 'sign_out':
    case 'destroy':
      return msg('Signs out of Odoo')
    case 'lookup':
    case 'redeem':
      return msg('Who is this?')
    default:
      return msg('Asks as this user')
  }
}

/** The standard's number for a key that signs, or comes from Vault. */
const keyMark = (purpose: Purpose): string | undefined =>
  ({ login: 'A1', refresh: 'A11.1', logout: undefined, call: undefined })[purpose]

function inner({ party, word }: ServerStep, purpose: Purpose): Inner {
  const marked = (mark: string | undefined) => (mark === undefined ? {} : { mark })
  switch (party) {
    case 'store': {
      const mark = storeMark(purpose, word)
      const text = storeText(word)
      return { from: 'bridge', to: 'bridge', shape: 'note', text, term: word, ...marked(mark) }
    }
    case 'vault': {
      const text = vaultText(word)
      const mark = keyMark(purpose)
      return { from: 'bridge', to: 'vault', shape: 'exchange', text, term: word, ...marked(mark) }
    }
    case 'odoo': {
      const mark = purpose === 'call' ? 'A7.1.1' : undefined
      const text = odooText(word)
      return { from: 'bridge', to: 'odoo', shape: 'exchange', text, term: word, ...marked(mark) }
    }
    case 'bridge': {
      const [what = '', source] = word.split('.')
      const mark = what === 'sign_access_token' ? keyMark(purpose) : undefined
      const text = signText(what, source)
      return { from: 'bridge', to: 'bridge', shape: 'note', text, ...marked(mark) }
    }
  }
}

/** What was done before is told where it serves: at the first signature that needs no Vault. */
function inPlace(steps: readonly ServerStep[]): ServerStep[] {
  const earlier = steps.filter(({ offset }) => offset < 0)
  const now = steps.filter(({ offset }) => offset >= 0)
  const serves = now.findIndex(({ word }) => word.endsWith('.memory'))
  return now.toSpliced(Math.max(0, serves), 0, ...earlier)
}

/** "35 s ago". @param offset milliseconds below nought */
function earlierText(offset: number): string {
  const seconds = numberOf(Math.round(-offset / 1000))
  return msg(str`Gave the signing key ${seconds} s ago`)
}

/**
 * What the bridge did, and had done, for one request.
 * @param key that their own begin with
 */
export function bridgeMessages(timing: ServerTiming, purpose: Purpose, key: string): Message[] {
  let end = 0
  const messages = inPlace(timing.steps).map((step, index): Message => {
    if (step.offset < 0) {
      return {
        key: `${key}.${index}`,
        from: 'bridge',
        to: 'vault',
        shape: 'earlier',
        tone: 'plain',
        text: earlierText(step.offset),
        duration: step.duration,
      }
    }
    // What the bridge does itself holds others in it. A tenth: all of these were rounded.
    const overlaps = step.party !== 'bridge' && step.offset + 0.1 < end
    if (step.party !== 'bridge') end = Math.max(end, step.offset + step.duration)
    return {
      key: `${key}.${index}`,
      ...inner(step, purpose),
      tone: step.failed ? 'lost' : 'plain',
      duration: step.duration,
      ...(overlaps ? { overlaps } : {}),
    }
  })
  if (timing.omitted === 0) return messages
  const more = numberOf(timing.omitted)
  const text = msg(str`More steps: ${more}`)
  return [
    ...messages,
    { key: `${key}.more`, from: 'bridge', to: 'bridge', shape: 'note', tone: 'plain', text },
  ]
}
