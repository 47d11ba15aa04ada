import { msg } from '@lit/localize'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import type { ActivityLog, Step } from '../../activity-log.ts'
import type { Session } from '../../auth/index.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { asText } from './as-text.ts'
import { renderDiagram } from './diagram.ts'
import { readServerTiming } from './server-timing.ts'
import { storiesOf } from './stories.ts'
import './token-clock.ts'
import type { DrawbridgeTokenClock } from './token-clock.ts'
import './activity.css'

/** How near to its end the list counts as being read at its end, in pixels. */
const NEAR_END = 48

/** Whether the bridge says what it does. */
const isTold = (step: Step): boolean =>
  'timing' in step.detail && (readServerTiming(step.detail.timing)?.bridge ?? null) !== null

/** The steps of the session, drawn as they are taken. */
export class DrawbridgeActivity extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    log: { attribute: false },
    notice: { state: true },
  }

  declare session: Session
  declare log: ActivityLog
  /** What came of copying. */
  declare private notice: string
  /** Keeps the end in sight, also when the list comes to be seen at all: as it is by then. */
  readonly #resize = new ResizeObserver(() => {
    this.requestUpdate()
  })
  #follow = true

  constructor() {
    super()
    this.notice = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.log.addEventListener('change', this.#changed, { signal: this.disconnected })
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
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
        <h1 id="activity-title">${msg('What just happened')}</h1>
        <p class="unseen" role="status">${this.notice}</p>
        <button class="link" type="button" @click=${this.#copy}>
          ${this.notice === '' ? msg('Copy text') : this.notice}
        </button>
        <button class="link" type="button" @click=${this.#clear}>
          ${msg('Clear', { desc: 'Button: empties the list of steps' })}
        </button>
      </div>
      <p class="lead">${this.#lead(steps)}</p>
      <div class="card">
        <drawbridge-token-clock .session=${this.session}></drawbridge-token-clock>
        <div
          class="steps"
          role="region"
          aria-label=${msg('Steps, oldest first')}
          tabindex="0"
          @scroll=${this.#scrolled}
        >
          ${
            steps.length === 0
              ? html`<p class="none">${msg('Nothing yet.')}</p>`
              : renderDiagram(storiesOf(steps))
          }
        </div>
        <label class="switch">
          <input type="checkbox" .checked=${!this.session.refreshAhead} @change=${this.#choose} />
          <span>
            <strong>${msg('Let the gate find out when it expires')}</strong>
            <small>
              ${msg('Otherwise the page looks at the clock and renews it before it asks.')}
            </small>
          </span>
        </label>
      </div>
    `
  }

  /** Where what is drawn is known from. */
  #lead(steps: readonly Step[]): string {
    return steps.length === 0 || steps.some(isTold)
      ? msg(
          'Every step of every request, live. What lies behind the gate is told in demo mode only.',
        )
      : msg(
          'What the browser knows, live. What bridge, Vault and Odoo do is told in demo mode only.',
        )
  }

  #scrollToEnd(): void {
    const list = this.querySelector('.steps')
    if (list && this.#follow) list.scrollTop = list.scrollHeight
  }

  readonly #changed = (): void => {
    this.querySelector<DrawbridgeTokenClock>('drawbridge-token-clock')?.look()
    this.notice = ''
    this.requestUpdate()
  }

  readonly #scrolled = (event: Event): void => {
    const { scrollHeight, scrollTop, clientHeight } = event.currentTarget as HTMLElement
    this.#follow = scrollHeight - scrollTop - clientHeight < NEAR_END
  }

  readonly #clear = (): void => {
    this.log.clear()
  }

  readonly #copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(asText(storiesOf(this.log.steps)))
      this.notice = msg('Copied')
    } catch {
      this.notice = msg('Not allowed')
    }
  }

  readonly #choose = (event: Event): void => {
    this.session.refreshAhead = !(event.currentTarget as HTMLInputElement).checked
  }
}

customElements.define('drawbridge-activity', DrawbridgeActivity)
