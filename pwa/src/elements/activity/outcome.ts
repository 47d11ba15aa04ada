import { msg } from '@lit/localize'
import type { Tone } from './message.ts'
import { isWaiting, statusText } from './messages.ts'
import type { Story } from './stories.ts'

/** What a story was about, and how it went. */
export interface Outcome {
  title: string
  text: string
  tone: Tone
}

/** What has happened by the end of a story, in a few words. */
function endOf({ steps }: Story): Omit<Outcome, 'title'> {
  const last = steps.findLast(({ name }) =>
    ['answer', 'refreshed', 'login', 'logout'].includes(name),
  )
  switch (last?.name) {
    case 'answer': {
      const { status } = last.detail
      if (status === 0) return { tone: 'lost', text: msg('no answer') }
      // The first attempt of a request that was repeated was refused, or it would not have been.
      const text = `${last.detail.attempt === 2 ? '401 → ' : ''}${statusText(status)}`
      if (status < 400) return { tone: 'allowed', text }
      return { tone: status === 401 || status === 403 ? 'refused' : 'lost', text }
    }
    case 'refreshed': {
      const { outcome, reason } = last.detail
      if (outcome === 'renewed') return { tone: 'allowed', text: msg('renewed') }
      if (outcome === 'failed') return { tone: 'lost', text: msg('no answer') }
      if (reason === 'restore') return { tone: 'plain', text: msg('nobody signed in') }
      return { tone: 'refused', text: msg('signed out') }
    }
    case 'login':
      return last.detail.ok
        ? { tone: 'allowed', text: msg('signed in') }
        : { tone: 'refused', text: msg('refused') }
    case 'logout':
      return last.detail.ok
        ? { tone: 'allowed', text: msg('signed out') }
        : { tone: 'lost', text: msg('no answer') }
    default:
      return { tone: 'plain', text: '' }
  }
}

function titleOf({ steps }: Story): string {
  const expired = steps.some(
    (step) =>
      (step.name === 'refresh' && step.detail.reason !== 'restore') ||
      (step.name === 'answer' && step.detail.status === 401 && step.detail.attempt === 1),
  )
  if (expired) return msg('The access token expired')
  const [first] = steps
  switch (first?.name) {
    case 'call':
    case 'answer':
    case 'retry':
      return `${first.detail.method} ${first.detail.path}`
    case 'refresh':
    case 'refreshed':
      return msg('The page was opened')
    case 'login':
      return msg('Sign-in')
    case 'logout':
      return msg('Sign-out')
    case 'signed-out':
      return first.detail.by === 'here' ? msg('Sign-out') : msg('Another tab')
    default:
      return msg('Another tab')
  }
}

/** @returns the heading of a story */
export function outcomeOf(story: Story): Outcome {
  const title = titleOf(story)
  if (isWaiting(story)) return { title, tone: 'waiting', text: msg('under way') }
  return { title, ...endOf(story) }
}
