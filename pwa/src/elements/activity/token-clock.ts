import { msg, str } from '@lit/localize'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import type { Session } from '../../auth/index.ts'
import { DrawbridgeElement } from '../shared/element.ts'

/** Minutes and seconds. */
const clock = (seconds: number): string =>
  `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`

/** How long the access token is good for. Looks at the clock every second, and at every event. */
export class DrawbridgeTokenClock extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    now: { state: true },
  }

  declare session: Session
  declare private now: number
  #clock: ReturnType<typeof setInterval> | undefined

  constructor() {
    super()
    this.now = Date.now()
  }

  /** Looks at the clock now. */
  look(): void {
    this.now = Date.now()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#clock = setInterval(() => {
      this.look()
    }, 1000)
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearInterval(this.#clock)
  }

  protected override render(): TemplateResult {
    const { expiresAt } = this.session
    const left = Math.ceil(((expiresAt ?? 0) - this.now) / 1000)
    const text =
      left > 0 ? msg(str`valid for ${clock(left)}`) : msg('expired: the next request renews it')
    return html`
      <p class="token ${left > 0 ? 'allowed' : 'refused'}">
        <i class="shape" aria-hidden="true"></i><strong>${msg('Access token')}</strong> ${text}
      </p>
    `
  }
}

customElements.define('drawbridge-token-clock', DrawbridgeTokenClock)
