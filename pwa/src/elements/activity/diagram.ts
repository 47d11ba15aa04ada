import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import { language } from '../../language.ts'
import { route } from './as-text.ts'
import { LANES, type Lane, type Message } from './message.ts'
import { messagesOf } from './messages.ts'
import { laneName, milliseconds, toneName } from './names.ts'
import { outcomeOf } from './outcome.ts'
import type { Story } from './stories.ts'
import './diagram.css'

const place = (lane: Lane): number => LANES.indexOf(lane)

/** Classes that say where a line is drawn: a grid cannot be told by an attribute. */
function placesOf({ from, to, shape }: Message): string {
  const [start, end] = [place(from), place(to)]
  const [first, last] = start < end ? [start, end] : [end, start]
  const side = last > 2 ? 'right' : 'left'
  return `${shape} a${first} z${last} ${side} ${end < start ? 'back' : 'forth'}`
}

/** Milliseconds after which a line is not new any more. */
const FRESH = 1500

function renderMessage(message: Message, index: number, isFresh: boolean): TemplateResult {
  const { tone, text, term, duration, mark, overlaps } = message
  const name = toneName(tone)
  return html`
    <li
      class="message ${tone} ${placesOf(message)} ${isFresh ? `fresh o${Math.min(index, 10)}` : ''}"
    >
      <p class="label">
        <span class="unseen">${route(message)}: ${name === '' ? '' : `${name}. `}</span>
        ${name === '' ? nothing : html`<i class="shape" aria-hidden="true"></i>`}
        <span class="text">${text}</span>
        ${term === undefined || term === '' ? nothing : html`<code>${term}</code>`}
        ${overlaps === true ? html`<span class="beside"><span>${msg('alongside', { desc: 'At the same time as the line before' })}</span></span>` : nothing}
        ${duration === undefined ? nothing : html`<span class="took">${milliseconds(duration)}</span>`}
        ${mark === undefined ? nothing : html`<span class="number">${mark}</span>`}
      </p>
      ${message.shape === 'note' ? nothing : html`<span class="line" aria-hidden="true"></span>`}
    </li>
  `
}

function renderStory(story: Story): TemplateResult {
  const since = Date.now() - FRESH
  const fresh = new Set(
    story.steps.filter((step) => step.at > since).map((step) => String(step.id)),
  )
  const { title, text, tone } = outcomeOf(story)
  const at = new Date(story.steps[0]?.at ?? 0)
  const id = `story-${story.id}`
  // The place of each in what came at once: they are drawn one after the other.
  const messages = messagesOf(story)
  const begins = new Map<string, number>()
  const stepOf = ({ key }: Message): string => key.split('.')[0] ?? ''
  const order = (message: Message, index: number): number => {
    const step = stepOf(message)
    if (!begins.has(step)) begins.set(step, index)
    return index - (begins.get(step) ?? 0)
  }
  return html`
    <div class="story ${tone}" role="group" aria-labelledby=${id}>
      <header>
        <h2 id=${id}>${title}</h2>
        <p class="outcome"><i class="shape" aria-hidden="true"></i>${text}</p>
        <time datetime=${at.toISOString()}>${at.toLocaleTimeString(language())}</time>
      </header>
      <ol>
        ${repeat(
          messages,
          ({ key }) => key,
          (message, index) =>
            renderMessage(message, order(message, index), fresh.has(stepOf(message))),
        )}
      </ol>
    </div>
  `
}

/**
 * The stories as a sequence diagram. To those who do not see it, it is lists of sentences: what is
 * drawn says nothing that is not written.
 */
export const renderDiagram = (stories: readonly Story[]): TemplateResult => html`
  <div class="lanes" aria-hidden="true">
    ${LANES.map((lane) => html`<span class=${lane}>${laneName(lane)}</span>`)}
  </div>
  ${repeat(stories, ({ id }) => id, renderStory)}
`
