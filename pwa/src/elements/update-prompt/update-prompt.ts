import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { DrawbridgeElement } from '../shared/element.ts'
import './update-prompt.css'

const TEXT = {
  ready: 'A new version is ready.',
  update: 'Update',
  later: 'Later',
}

/** Offers a new version of the app. Sends `accept` when the user wants it. */
export class DrawbridgeUpdatePrompt extends DrawbridgeElement {
  static override properties = { open: { type: Boolean, reflect: true } }

  declare open: boolean

  constructor() {
    super()
    this.open = false
  }

  protected override render(): TemplateResult {
    return html`<div role="status">${this.open ? this.#renderOffer() : nothing}</div>`
  }

  #renderOffer(): TemplateResult {
    return html`
      <p>${TEXT.ready}</p>
      <button class="button" type="button" @click=${this.#accept}>${TEXT.update}</button>
      <button class="button quiet" type="button" @click=${this.#later}>${TEXT.later}</button>
    `
  }

  readonly #accept = (): void => {
    this.open = false
    this.dispatchEvent(new Event('accept'))
  }

  readonly #later = (): void => {
    this.open = false
  }
}

customElements.define('drawbridge-update-prompt', DrawbridgeUpdatePrompt)
