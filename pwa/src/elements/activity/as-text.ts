import { LANES, type Message } from './message.ts'
import { messagesOf } from './messages.ts'
import { laneName, milliseconds } from './names.ts'
import { outcomeOf } from './outcome.ts'
import type { Story } from './stories.ts'

/** "Browser → Gate", or "Gate". */
export const route = ({ from, to, shape }: Message): string =>
  from === to
    ? laneName(from)
    : `${laneName(from)} ${shape === 'exchange' || shape === 'earlier' ? '⇄' : '→'} ${laneName(to)}`

const widthOf = (): number => Math.max(...LANES.map((lane) => laneName(lane).length)) * 2 + 3

function line(message: Message): string {
  const { mark = '', text, term, duration } = message
  const facts = [term, duration === undefined ? undefined : milliseconds(duration)].filter(
    (fact) => fact !== undefined && fact !== '',
  )
  const said = facts.length === 0 ? text : `${text} (${facts.join(', ')})`
  return `  ${mark.padEnd(6)} ${route(message).padEnd(widthOf())} ${said}`
}

/** The stories as plain text, to be sent to somebody. There is no token in it. */
export const asText = (stories: readonly Story[]): string =>
  stories
    .map((story) => {
      const { title, text } = outcomeOf(story)
      const at = new Date(story.steps[0]?.at ?? 0).toISOString()
      return [`${at} ${title}: ${text}`, ...messagesOf(story).map(line)].join('\n')
    })
    .join('\n\n')
