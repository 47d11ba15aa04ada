import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { DrawbridgeElement } from '../shared/element.ts'
import './update-prompt.css'

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
      <p>${msg('A new version is ready.')}</p>
      <button class="button" type="button" @click=${this.#accept}>${msg('Update')}</button>
      <button class="button quiet" type="button" @click=${this.#later}>${msg('Later')}</button>
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
