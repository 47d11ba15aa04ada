import { msg, str } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { ContactChange, ContactDetails } from '@drawbridge/bridge/contract'
import { ApiError } from '../../api/api-error.ts'
import type { ContactAddress } from '../../api/contacts.ts'
import type { ContactsReader, Opened } from '../../offline/contacts-reader.ts'
import { language } from '../../language.ts'
import { initials, isPage, mailTo, telephone } from '../shared/contact.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { explain } from '../shared/explain.ts'
import { close, mail, map, phone, warning } from '../shared/icons.ts'
import { asOf } from '../shared/time.ts'
import './contact.css'

/** A map that needs no account. Nothing is asked of it before somebody opens it. */
const mapOf = (lines: readonly string[]): string =>
  `https://www.openstreetmap.org/search?${new URLSearchParams({ query: lines.join(', ') }).toString()}`

/**
 * One contact, over everything else. Sends `close` when it was closed, and `changed` with the
 * contact when Odoo took a change.
 */
export class DrawbridgeContact extends DrawbridgeElement {
  static override properties = {
    reader: { attribute: false },
    address: { attribute: false },
    contact: { state: true },
    photo: { state: true },
    editing: { state: true },
    busy: { state: true },
    error: { state: true },
    saved: { state: true },
    kept: { state: true },
  }

  declare reader: ContactsReader
  /** To be set before the element is connected. */
  declare address: ContactAddress
  declare private contact: ContactDetails | null
  declare private photo: string | null
  declare private editing: boolean
  declare private busy: boolean
  declare private error: ApiError | null
  /** The last change is in Odoo. */
  declare private saved: boolean
  /** What is shown, where it was kept on this device. */
  declare private kept: Opened | null

  constructor() {
    super()
    this.contact = null
    this.photo = null
    this.editing = false
    this.busy = false
    this.error = null
    this.saved = false
    this.kept = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  protected override firstUpdated(): void {
    this.querySelector('dialog')?.showModal()
  }

  protected override render(): TemplateResult {
    const { contact, error } = this
    return html`
      <dialog aria-labelledby="contact-name" @close=${this.#closed} @click=${this.#outside}>
        <div class="sheet">
          <form method="dialog">
            <button class="button quiet" aria-label=${msg('Close')}>${close}</button>
          </form>
          <p class=${this.kept ? 'said kept' : 'said'} role="status">${this.#renderStatus()}</p>
          ${contact ? this.#renderContact(contact) : html`<h2 id="contact-name"></h2>`}
          <p class="error" id="contact-error" role="alert">
            ${error ? html`${warning}<span>${reasonOf(error)}</span>` : nothing}
          </p>
        </div>
      </dialog>
    `
  }

  #renderStatus(): string {
    if (!this.contact) return this.error ? '' : msg('Loading…')
    if (!this.kept?.outage) return this.saved ? msg('Saved in Odoo.') : ''
    const when = asOf(this.kept.outage.readAt, Date.now(), language())
    const said = msg(str`As of ${when}.`)
    return this.kept.isPartial
      ? `${said} ${msg('You have not opened this contact before: only what the list shows is kept.')}`
      : said
  }

  #renderContact(contact: ContactDetails): TemplateResult {
    const { name, job, company, address } = contact
    const place = [job, company === name ? null : company].filter((part) => part !== null)
    return html`
      <header>
        ${
          this.photo === null
            ? html`<span class="initials" aria-hidden="true">${initials(name)}</span>`
            : html`<img src=${this.photo} alt="" />`
        }
        <div>
          <h2 id="contact-name">${name}</h2>
          <p>${place.join(' · ')}</p>
        </div>
      </header>
      <p class="actions">
        ${contact.phone === null ? nothing : this.#renderAction(telephone(contact.phone), msg('Call', { desc: 'Button: opens the telephone' }), phone)}
        ${contact.email === null ? nothing : this.#renderAction(mailTo(contact.email), msg('Write', { desc: 'Button: opens the mail program' }), mail)}
        ${address.length === 0 ? nothing : this.#renderAction(mapOf(address), msg('Map', { desc: 'Button: shows the address on a map' }), map)}
      </p>
      ${this.editing ? this.#renderForm(contact) : this.#renderFacts(contact)}
    `
  }

  #renderAction(href: string, text: string, icon: TemplateResult): TemplateResult {
    const isElsewhere = isPage(href)
    return html`
      <a
        class="button quiet"
        href=${href}
        target=${isElsewhere ? '_blank' : nothing}
        rel=${isElsewhere ? 'noreferrer' : nothing}
        >${icon}<span>${text}</span></a
      >
    `
  }

  #renderFacts({ phone, email, website, address, may_edit }: ContactDetails): TemplateResult {
    const fact = (term: string, value: unknown) =>
      value === null
        ? nothing
        : html`<dt>${term}</dt>
            <dd>${value}</dd>`
    const page =
      website !== null && isPage(website)
        ? html`<a href=${website} target="_blank" rel="noreferrer">${website}</a>`
        : website
    const lines = address.map((line) => html`<span>${line}</span>`)
    return html`
      <dl>
        ${fact(msg('Phone'), phone)} ${fact(msg('E-mail'), email)} ${fact(msg('Website'), page)}
        ${fact(msg('Address'), lines.length === 0 ? null : lines)}
      </dl>
      ${
        may_edit
          ? html`<button class="button quiet edit-button" type="button" @click=${this.#edit}>
              ${msg('Edit')}
            </button>`
          : nothing
      }
    `
  }

  #renderForm({ phone, email }: ContactDetails): TemplateResult {
    const { busy } = this
    return html`
      <form class="edit" @submit=${this.#submit}>
        <label for="contact-phone">${msg('Phone')}</label>
        <input
          id="contact-phone"
          name="phone"
          type="tel"
          maxlength="64"
          autocomplete="off"
          .defaultValue=${phone ?? ''}
          ?readonly=${busy}
          aria-describedby="contact-error"
        />
        <label for="contact-email">${msg('E-mail')}</label>
        <input
          id="contact-email"
          name="email"
          type="text"
          inputmode="email"
          maxlength="254"
          autocomplete="off"
          autocapitalize="none"
          spellcheck="false"
          .defaultValue=${email ?? ''}
          ?readonly=${busy}
          aria-describedby="contact-error"
        />
        <p>
          <button class="button" type="submit" aria-disabled=${busy ? 'true' : nothing}>
            ${busy ? msg('Saving…') : msg('Save')}
          </button>
          <button class="button quiet" type="button" @click=${this.#cancel}>
            ${msg('Cancel')}
          </button>
        </p>
      </form>
    `
  }

  async #load(): Promise<void> {
    const signal = this.disconnected
    try {
      const opened = await this.reader.contact(this.address, signal)
      if (!opened) return
      this.contact = opened.contact
      this.kept = opened.outage ? opened : null
      if (opened.outage) this.photo = opened.photo
      else if (opened.contact.photo) this.photo = await this.reader.photo(this.address, signal)
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      // Without its picture a contact is a contact.
      if (!this.contact) this.error = error
    }
  }

  readonly #edit = async (): Promise<void> => {
    this.editing = true
    this.saved = false
    await this.updateComplete
    this.querySelector<HTMLInputElement>('#contact-phone')?.focus()
  }

  /** Back to what can be edited: the place that the keyboard had is gone with the form. */
  async #leaveForm(): Promise<void> {
    this.editing = false
    await this.updateComplete
    this.querySelector<HTMLElement>('.edit-button')?.focus()
  }

  readonly #cancel = (): void => {
    void this.#leaveForm()
    this.error = null
  }

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    const { contact } = this
    if (this.busy || !contact) return
    const form = new FormData(event.currentTarget as HTMLFormElement)
    const typed = (name: string) => (form.get(name) as string).trim() || null
    const [phone, email] = [typed('phone'), typed('email')]
    // What others changed meanwhile stays as it is.
    const change: ContactChange = {
      ...(phone === contact.phone ? {} : { phone }),
      ...(email === contact.email ? {} : { email }),
    }
    if (Object.keys(change).length === 0) {
      this.#cancel()
      return
    }
    this.busy = true
    this.error = null
    try {
      const signal = this.disconnected
      const changed = await this.reader.change(this.address, change, signal)
      if (!changed) return
      this.contact = changed
      this.saved = true
      void this.#leaveForm()
      this.dispatchEvent(new CustomEvent('changed', { detail: changed }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.error = error
    } finally {
      this.busy = false
    }
  }

  readonly #closed = (): void => {
    this.dispatchEvent(new Event('close'))
  }

  /** A click beside the sheet is one on the dialog itself. */
  readonly #outside = (event: MouseEvent): void => {
    if (event.target instanceof HTMLDialogElement) event.target.close()
  }
}

function reasonOf({ code, odooMessage }: ApiError): string {
  if (odooMessage !== undefined) {
    const refusal = msg('Odoo does not take this:', { desc: 'What Odoo says follows' })
    return `${refusal} ${odooMessage}`
  }
  switch (code) {
    case 'not_found':
      return msg('This contact is not there, or not for you.')
    case 'insufficient_scope':
      return msg('This sign-in does not allow to change contacts.')
    case 'invalid_request':
      return msg('This is too long, or has signs that Odoo does not take.')
    default:
      return explain(code)
  }
}

customElements.define('drawbridge-contact', DrawbridgeContact)
