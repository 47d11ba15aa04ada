import { svg, html } from 'lit'
import type { TemplateResult } from 'lit'

const icon = (shapes: TemplateResult): TemplateResult => html`
  <svg class="icon" viewBox="0 0 24 24" aria-hidden="true" focusable="false">${shapes}</svg>
`

/** A gate with its bridge down. */
export const mark = html`
  <svg class="mark" viewBox="0 0 32 32" aria-hidden="true" focusable="false">
    <path
      class="mark-stone"
      d="M3 5h2.5v2h2V5H10v4h12V5h2.5v2h2V5H29v16h-7v-5a6 6 0 0 0-12 0v5H3z"
    />
    <path class="mark-bridge" d="M11.5 22.5h9l4 6.5h-17z" />
  </svg>
`
export const reload = icon(svg`<path d="M20 11a8 8 0 1 0-.8 4.5M20 4v7h-7" />`)
export const people = icon(
  svg`<circle cx="9" cy="8" r="3.5" /><path d="M2.5 20c.4-4 3-6 6.5-6s6.1 2 6.5 6M16 4.8a3.5 3.5 0 0 1 0 6.4M18 14.5c2 .8 3.2 2.6 3.5 5.5" />`,
)
export const steps = icon(
  svg`<circle cx="6" cy="6" r="2" /><circle cx="6" cy="18" r="2" /><path d="M6 8v8M12 6h8M12 18h8M12 12h5" />`,
)
export const signOut = icon(svg`<path d="M14 4h5v16h-5M4 12h11M11 8l4 4-4 4" />`)
export const warning = icon(svg`<path d="M12 4 2.8 20h18.4zM12 10v4.5M12 17.3v.2" />`)
export const offline = icon(
  svg`<path d="M7 18h10.5a4 4 0 0 0 1.2-7.8M15.5 6.6A6 6 0 0 0 6.3 9.5 4.3 4.3 0 0 0 7 18M4 4l16 16" />`,
)
export const device = icon(
  svg`<rect x="3" y="4.5" width="18" height="12" rx="1.5" /><path d="M8.5 20h7M12 16.5V20" />`,
)
export const app = icon(
  svg`<rect x="4" y="4" width="7" height="7" rx="1.5" /><rect x="13" y="13" width="7" height="7" rx="1.5" /><path d="M16.5 4.5v5M14 7h5M4.5 16.5h6" />`,
)
export const close = icon(svg`<path d="M6 6l12 12M18 6 6 18" />`)
export const phone = icon(
  svg`<path d="M6 4h3.5l1.5 4-2 1.5a11 11 0 0 0 5.5 5.5l1.5-2 4 1.5V18a2 2 0 0 1-2 2A14 14 0 0 1 4 6a2 2 0 0 1 2-2z" />`,
)
export const mail = icon(
  svg`<rect x="3" y="5" width="18" height="14" rx="2" /><path d="m4 7 8 6 8-6" />`,
)
export const map = icon(
  svg`<path d="M12 21s6.5-6.2 6.5-11a6.5 6.5 0 0 0-13 0c0 4.8 6.5 11 6.5 11z" /><circle cx="12" cy="10" r="2.3" />`,
)
