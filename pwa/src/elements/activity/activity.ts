import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { ActivityLog, Step } from '../../activity-log.ts'
import type { Session } from '../../auth/index.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { describe } from './describe.ts'
import './activity.css'

const TEXT = {
  title: 'What just happened',
  lead: 'Every step between this page, the gate and the bridge, as it is taken.',
  list: 'Steps, oldest first',
  clear: 'Clear',
  empty: 'Nothing yet.',
  token: 'Access token',
  valid: (left: string) => `valid for ${left}`,
  expired: 'expired: the next request renews it',
  gateDecides: 'Let the gate find out when it expires',
  gateDecidesHint: 'Otherwise the page looks at the clock and renews it before it asks.',
}

/** How near to its end the list counts as being read at its end, in pixels. */
const NEAR_END = 48

/** The steps of the session, live. */
export class DrawbridgeActivity extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    log: { attribute: false },
    now: { state: true },
  }

  declare session: Session
  declare log: ActivityLog
  declare private now: number
  #clock: ReturnType<typeof setInterval> | undefined
  /** Keeps the end in sight, also when the list comes to be seen at all. */
  readonly #resize = new ResizeObserver(() => {
    this.#scrollToEnd()
  })
  #follow = true

  constructor() {
    super()
    this.now = Date.now()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    this.log.addEventListener('change', this.#changed, { signal })
    this.#clock = setInterval(() => {
      this.now = Date.now()
    }, 1000)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#clock)
    this.#resize.disconnect()
  }

  protected override firstUpdated(): void {
    const list = this.querySelector('.steps')
    if (list) this.#resize.observe(list)
  }

  protected override updated(): void {
    this.#scrollToEnd()
  }

  protected override render(): TemplateResult {
    const { steps } = this.log
    return html`
      <div class="heading">
        <h1 id="activity-title">${TEXT.title}</h1>
        <button class="link" type="button" @click=${this.#clear}>${TEXT.clear}</button>
      </div>
      <p class="lead">${TEXT.lead}</p>
      <div class="card">
        ${this.#renderToken()}
        <div
          class="steps"
          role="region"
          aria-label=${TEXT.list}
          tabindex="0"
          @scroll=${this.#scrolled}
        >
          ${steps.length === 0 ? html`<p class="none">${TEXT.empty}</p>` : nothing}
          <ol>
            ${repeat(steps, ({ id }) => id, renderStep)}
          </ol>
        </div>
        <label class="switch">
          <input type="checkbox" .checked=${!this.session.refreshAhead} @change=${this.#choose} />
          <span><strong>${TEXT.gateDecides}</strong> <small>${TEXT.gateDecidesHint}</small></span>
        </label>
      </div>
    `
  }

  #renderToken(): TemplateResult {
    const { expiresAt } = this.session
    const left = Math.ceil(((expiresAt ?? 0) - this.now) / 1000)
    const text = left > 0 ? TEXT.valid(clock(left)) : TEXT.expired
    return html`
      <p class="token ${left > 0 ? 'good' : 'bad'}"><strong>${TEXT.token}</strong> ${text}</p>
    `
  }

  #scrollToEnd(): void {
    const list = this.querySelector('.steps')
    if (list && this.#follow) list.scrollTop = list.scrollHeight
  }

  readonly #changed = (): void => {
    this.now = Date.now()
    this.requestUpdate()
  }

  readonly #scrolled = (event: Event): void => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget as HTMLElement
    this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_END
  }

  readonly #clear = (): void => {
    this.log.clear()
  }

  readonly #choose = (event: Event): void => {
    this.session.refreshAhead = !(event.currentTarget as HTMLInputElement).checked
  }
}

function renderStep(step: Step): TemplateResult {
  const { route, text, facts, tone } = describe(step)
  const at = new Date(step.at)
  return html`
    <li class=${tone}>
      <p class="meta">
        <span class="route">${route}</span>
        <time datetime=${at.toISOString()}>${at.toLocaleTimeString()}</time>
      </p>
      <p>${text}</p>
      ${facts.length > 0 ? html`<p class="facts">${facts.join(' · ')}</p>` : nothing}
    </li>
  `
}

/** Minutes and seconds. */
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

customElements.define('drawbridge-activity', DrawbridgeActivity)
