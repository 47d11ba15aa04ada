import { msg } from '@lit/localize'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import { DrawbridgeElement } from '../shared/element.ts'
import './absence-warning.css'

/**
 * Asks whether somebody is still there. Sends `stay`, or `leave` when the user wants to be signed
 * out now.
 */
export class DrawbridgeAbsenceWarning extends DrawbridgeElement {
  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal()
  }

  protected override render(): TemplateResult {
    return html`
      <dialog
        role="alertdialog"
        aria-labelledby="absence-title"
        aria-describedby="absence-text"
        @cancel=${this.#stay}
      >
        <h2 id="absence-title">${msg('Are you still there?')}</h2>
        <p id="absence-text">
          ${msg('This is a shared computer: in a minute you are signed out, so that nobody else sees your contacts.')}
        </p>
        <p class="actions">
          <button class="button" type="button" autofocus @click=${this.#stay}>
            ${msg('Stay signed in')}
          </button>
          <button class="button quiet" type="button" @click=${this.#leave}>
            ${msg('Sign out now')}
          </button>
        </p>
      </dialog>
    `
  }

  readonly #stay = (): void => {
    this.dispatchEvent(new Event('stay'))
  }

  readonly #leave = (): void => {
    this.dispatchEvent(new Event('leave'))
  }
}

customElements.define('drawbridge-absence-warning', DrawbridgeAbsenceWarning)
