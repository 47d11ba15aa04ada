/** The rows of the list, and what stands in for them while it is loaded. */
import { msg, str } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { Contact } from '@drawbridge/bridge/contract'
import { initials, mailTo, telephone } from '../shared/contact.ts'
import { contactAddress } from './opened.ts'

/** How many rows stand in for the list while it is loaded. */
const SKELETON = Array.from({ length: 8 })

/** @param open is called with a click on a contact's name, which is a link */
export const renderRows = (
  contacts: readonly Contact[],
  open: (event: MouseEvent) => void,
): TemplateResult => html`
  <ul class="contacts">
    ${repeat(
      contacts,
      ({ id }) => id,
      (contact) => renderRow(contact, open),
    )}
  </ul>
`

function renderRow(
  { id, name, company, email, phone, city }: Contact,
  open: (event: MouseEvent) => void,
): TemplateResult {
  return html`
    <li>
      <span class="initials" aria-hidden="true">${initials(name)}</span>
      <span class="who">
        <strong><a href=${contactAddress(id)} @click=${open}>${name}</a></strong>
        ${company !== null && company !== name ? html`<span>${company}</span>` : nothing}
      </span>
      <span class="email">
        ${
          email === null
            ? nothing
            : html`<a
                href=${mailTo(email)}
                title=${msg(str`E-mail ${name}: ${email}`, { desc: 'Opens the mail program' })}
                >${email}</a
              >`
        }
      </span>
      <span class="phone">
        ${
          phone === null
            ? nothing
            : html`<a
                href=${telephone(phone)}
                title=${msg(str`Call ${name}: ${phone}`, { desc: 'Opens the telephone' })}
                >${phone}</a
              >`
        }
      </span>
      <span class="city">${city}</span>
    </li>
  `
}

/** What stands in for the rows. */
export const renderSkeleton = (): TemplateResult => html`
  <ul class="contacts skeleton" aria-hidden="true">
    ${SKELETON.map(
      () => html`
        <li>
          <span class="initials"></span>
          <span class="who"><i></i><i></i></span>
          <span class="email"><i></i></span>
          <span class="phone"><i></i></span>
          <span class="city"><i></i></span>
        </li>
      `,
    )}
  </ul>
`
