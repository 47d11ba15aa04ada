import { updateWhenLocaleChanges } from '@lit/localize'
import { LitElement } from 'lit'

/**
 * What every element here is made from. They render into the page itself, not into a shadow root:
 * password managers find the sign-in form, labels reach across elements, and the style sheets are
 * plain files that a strict Content-Security-Policy lets through.
 */
export abstract class DrawbridgeElement extends LitElement {
  #disconnected = new AbortController()

  constructor() {
    super()
    updateWhenLocaleChanges(this)
  }

  /** Aborted when the element leaves the page; another one when it comes back. */
  protected get disconnected(): AbortSignal {
    return this.#disconnected.signal
  }

  override connectedCallback(): void {
    super.connectedCallback()
    if (this.disconnected.aborted) this.#disconnected = new AbortController()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#disconnected.abort()
  }

  protected override createRenderRoot(): this {
    return this
  }
}
