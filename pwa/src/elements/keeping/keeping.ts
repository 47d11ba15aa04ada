import { msg } from '@lit/localize'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import type { Session } from '../../auth/index.ts'
import type { Keeper } from '../../offline/keeper.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import './keeping.css'

/** Whether this device keeps the contacts that were read last. */
export class DrawbridgeKeeping extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    keeper: { attribute: false },
  }

  declare session: Session
  declare keeper: Keeper

  protected override render(): TemplateResult {
    return html`
      <h2>${msg('Without a network')}</h2>
      <div class="card">
        ${this.session.current?.persistent === false ? renderShared() : this.#renderChoice()}
      </div>
    `
  }

  #renderChoice(): TemplateResult {
    return html`
      <label>
        <input type="checkbox" .checked=${this.keeper.isWanted} @change=${this.#choose} />
        <span>${msg('Keep the contacts that I read last, to look them up offline')}</span>
      </label>
      <p>
        ${msg('For a week at most, and until you sign out. Whoever can open this browser can read them.')}
      </p>
    `
  }

  readonly #choose = (event: Event): void => {
    void this.keeper.want((event.currentTarget as HTMLInputElement).checked)
  }
}

const renderShared = (): TemplateResult => html`
  <p>
    ${msg('You said that this is a shared computer: nothing is kept here, and you are signed out when nobody was there for 15 minutes, or when the browser is closed.')}
  </p>
`

customElements.define('drawbridge-keeping', DrawbridgeKeeping)
