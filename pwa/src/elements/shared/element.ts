import { LitElement } from 'lit'

/**
 * What every element here is made from. They render into the page itself, not into a shadow root:
 * password managers find the sign-in form, labels reach across elements, and the style sheets are
 * plain files that a strict Content-Security-Policy lets through.
 */
export abstract class DrawbridgeElement extends LitElement {
  protected override createRenderRoot(): this {
    return this
  }
}
