import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import type { Contact } from '@drawbridge/bridge/contract'
import type { ContactsReader } from '../../offline/contacts-reader.ts'
import '../contact/contact.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { reload } from '../shared/icons.ts'
import { ContactsList } from './list.ts'
import { goToContact, leaveContact, openedId } from './opened.ts'
import { placeIn } from './place.ts'
import { renderRows, renderSkeleton } from './rows.ts'
import { renderError, renderNone, renderOutage, renderStatus, timeOf } from './states.ts'
import './contacts.css'

/** Rows of the first answer that are painted before the others: more than a phone has room for. */
const FIRST_ROWS = 16

/** Milliseconds after the last key until it is searched for. */
const TYPING = 250

/** The contacts that Odoo shows this user. Sends `profile` once it knows who that is. */
export class DrawbridgeContacts extends DrawbridgeElement {
  static override properties = {
    reader: { attribute: false },
    company: { attribute: false },
    opened: { state: true },
  }

  declare reader: ContactsReader
  /** To work in; null: all of the user's. To be set before the element is connected. */
  declare company: number | null
  /** The one that is looked at. */
  declare private opened: number | null
  readonly #list = new ContactsList(this)
  /** Whether the first rows have been painted. */
  #isPainted = false
  /** Of the list that is rendered. */
  #loadedAt: Date | null = null
  #typing: ReturnType<typeof setTimeout> | undefined
  readonly #end = new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.#list.more()
    },
    // So early that whoever scrolls does not get there first.
    { rootMargin: '1000px' },
  )

  constructor() {
    super()
    this.company = null
    this.opened = openedId()
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    window.addEventListener('popstate', this.#follow, { signal })
    this.#list.follow(signal)
    // While the answer is on its way, so that the next one is quick.
    setTimeout(() => timeOf(new Date()))
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#typing)
    this.#end.disconnect()
  }

  protected override update(changed: PropertyValues): void {
    const isReplaced = this.#loadedAt !== null && this.#list.loadedAt !== this.#loadedAt
    this.#loadedAt = this.#list.loadedAt
    const comeBack = isReplaced ? placeIn(this.querySelector('.contacts')) : null
    super.update(changed)
    comeBack?.()
  }

  protected override updated(): void {
    if (this.#list.contacts && !this.#isPainted) this.#goOnAfterPaint()
    this.#end.disconnect()
    const more = this.querySelector('.more')
    if (more) this.#end.observe(more)
  }

  protected override render(): TemplateResult {
    const list = this.#list
    const { contacts, error, loading, outage, reload: again } = list
    return html`
      <div class="heading">
        <h1 id="contacts-title">${msg('Contacts')}</h1>
        <p class="count" role="status">${renderStatus(list)}</p>
        <button
          class="button quiet"
          type="button"
          aria-disabled=${loading ? 'true' : nothing}
          @click=${again}
        >
          <span class=${loading ? 'turning' : ''}>${reload}</span><span>${msg('Reload')}</span>
        </button>
      </div>
      <input
        class="search"
        type="search"
        aria-label=${msg('Search contacts')}
        placeholder=${msg('Search contacts')}
        maxlength="100"
        autocomplete="off"
        spellcheck="false"
        @input=${this.#type}
      />
      <div aria-live="polite">${outage ? renderOutage(outage) : nothing}</div>
      ${error && contacts ? renderError(error, again, msg('This is the list as it was before.')) : nothing}
      <div class="card" aria-busy=${loading ? 'true' : 'false'}>
        ${
          contacts
            ? this.#renderContacts(contacts)
            : error
              ? renderError(error, again)
              : renderSkeleton()
        }
      </div>
      ${keyed(
        this.opened,
        this.opened === null
          ? nothing
          : html`<drawbridge-contact
              .reader=${this.reader}
              .address=${{ id: this.opened, company: this.company }}
              @close=${this.#close}
              @changed=${this.#change}
            ></drawbridge-contact>`,
      )}
    `
  }

  #goOnAfterPaint(): void {
    requestAnimationFrame(() => {
      // Behind this frame, and not in it.
      setTimeout(() => {
        this.#isPainted = true
        this.requestUpdate()
      })
    })
  }

  #renderContacts(contacts: readonly Contact[]): TemplateResult {
    const { search, after, more } = this.#list
    if (contacts.length === 0) return renderNone(search !== '')
    return html`
      ${renderRows(this.#isPainted ? contacts : contacts.slice(0, FIRST_ROWS), this.#open)}
      ${
        after === null || !this.#isPainted
          ? nothing
          : html`<p class="more">
              <button class="button quiet" type="button" @click=${more}>${msg('Show more')}</button>
            </p>`
      }
    `
  }

  readonly #open = (event: MouseEvent): void => {
    goToContact(event)
    this.#follow()
  }

  readonly #close = (): void => {
    if (this.opened === null) return
    leaveContact()
    this.opened = null
  }

  readonly #follow = (): void => {
    this.opened = openedId()
  }

  readonly #change = ({ detail }: CustomEvent<Contact>): void => {
    this.#list.replace(detail)
  }

  readonly #type = (event: Event): void => {
    const { value } = event.currentTarget as HTMLInputElement
    clearTimeout(this.#typing)
    this.#typing = setTimeout(() => {
      this.#list.find(value)
    }, TYPING)
  }
}

customElements.define('drawbridge-contacts', DrawbridgeContacts)
