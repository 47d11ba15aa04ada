import { msg, str } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Contact } from '@drawbridge/bridge/contract'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import { language, numberOf, plural } from '../../language.ts'
import type { ContactsReader, Listed, Outage } from '../../offline/contacts-reader.ts'
import { Reconnecting } from '../../offline/reconnecting.ts'
import { ROUTES } from '../../own-routes.ts'
import '../contact/contact.ts'
import { initials, mailTo, telephone } from '../shared/contact.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { explain } from '../shared/explain.ts'
import { offline, people, reload, warning } from '../shared/icons.ts'
import { asOf } from '../shared/time.ts'
import './contacts.css'

/** How many rows stand in for the list while it is loaded. */
const SKELETON = Array.from({ length: 8 })

/** What a step of the history holds that this list has made. */
const OPENED_HERE = 'contact'

const contactAddress = (id: number): string => `${ROUTES.contacts}?contact=${id}`

/** The contact that the address asks for. */
function openedId(): number | null {
  if (location.pathname !== ROUTES.contacts) return null
  const asked = new URLSearchParams(location.search).get('contact') ?? ''
  return /^[1-9]\d{0,8}$/.test(asked) ? Number(asked) : null
}

/** Milliseconds after the last key until it is searched for. */
const TYPING = 250

/** The contacts that Odoo shows this user. Sends `profile` once it knows who that is. */
export class DrawbridgeContacts extends DrawbridgeElement {
  static override properties = {
    reader: { attribute: false },
    company: { attribute: false },
    contacts: { state: true },
    total: { state: true },
    loadedAt: { state: true },
    loading: { state: true },
    error: { state: true },
    opened: { state: true },
    outage: { state: true },
  }

  declare reader: ContactsReader
  /** To work in; null: all of the user's. To be set before the element is connected. */
  declare company: number | null
  /** As far as they were loaded; null before the first answer. */
  declare private contacts: readonly Contact[] | null
  declare private total: number
  declare private loadedAt: Date | null
  declare private loading: boolean
  declare private error: ApiErrorCode | null
  /** The one that is looked at: its id stands in the address. */
  declare private opened: number | null
  /** Where the list is one that was kept on this device: why. */
  declare private outage: Outage | null
  readonly #reconnecting = new Reconnecting()
  /** Where the next page begins. */
  #after: string | null = null
  /** What is asked for. */
  #search = ''
  /** What the list that is shown was asked for with: the answer to the last question may be due. */
  #listed = ''
  #typing: ReturnType<typeof setTimeout> | undefined
  /** Ends what is under way. */
  #asking = new AbortController()
  readonly #end = new IntersectionObserver(
    (entries) => {
      if (entries.some(({ isIntersecting }) => isIntersecting)) this.#more()
    },
    // So early that whoever scrolls does not get there first.
    { rootMargin: '1000px' },
  )

  constructor() {
    super()
    this.company = null
    this.contacts = null
    this.total = 0
    this.loadedAt = null
    this.loading = false
    this.error = null
    this.opened = openedId()
    this.outage = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    window.addEventListener('popstate', this.#follow, { signal })
    this.#reconnecting.addEventListener('retry', this.#retry, { signal })
    this.reader.session.addEventListener('signed-in', this.#retry, { signal })
    window.addEventListener('offline', () => void this.#load(true), { signal })
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#typing)
    this.#asking.abort()
    this.#end.disconnect()
    this.#reconnecting.stop()
  }

  protected override updated(): void {
    this.#end.disconnect()
    const more = this.querySelector('.more')
    if (more) this.#end.observe(more)
  }

  protected override render(): TemplateResult {
    const { contacts, error, loading } = this
    return html`
      <div class="heading">
        <h1 id="contacts-title">${msg('Contacts')}</h1>
        <p class="count" role="status">${this.#renderStatus()}</p>
        <button
          class="button quiet"
          type="button"
          aria-disabled=${loading ? 'true' : nothing}
          @click=${this.#reload}
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
      <div aria-live="polite">${this.outage ? this.#renderOutage(this.outage) : nothing}</div>
      ${error && contacts ? this.#renderError(error, msg('This is the list as it was before.')) : nothing}
      <div class="card" aria-busy=${loading ? 'true' : 'false'}>
        ${contacts ? this.#renderContacts(contacts) : error ? this.#renderError(error) : renderSkeleton()}
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

  #renderStatus(): string | TemplateResult {
    const { contacts, loadedAt, total } = this
    if (!contacts || !loadedAt) return this.loading ? msg('Loading contacts…') : ''
    if (contacts.length === 0) return ''
    const isAll = this.#after === null
    if (this.outage) {
      const kept = numberOf(contacts.length)
      return this.#listed === ''
        ? msg(str`${kept} kept on this device`, { desc: 'How many contacts there are offline' })
        : foundText(contacts.length, true)
    }
    const all = numberOf(total)
    const count =
      this.#listed === ''
        ? msg(str`${all} in all`, { desc: 'How many contacts there are' })
        : foundText(contacts.length, isAll)
    const time = loadedAt.toLocaleTimeString(language())
    const at = msg(str`as of ${time}`, { desc: 'The time at which the list was read' })
    return html`${count}<span class="at"> · ${at}</span>`
  }

  #renderContacts(contacts: readonly Contact[]): TemplateResult {
    if (contacts.length === 0) {
      const [title, hint] =
        this.#listed === ''
          ? [
              msg('No contacts'),
              msg('Odoo shows you none. Contacts that you may see there appear here.'),
            ]
          : [
              msg('Nothing found'),
              msg('All words have to stand in a name, a company, an e-mail address or a number.'),
            ]
      return html`
        <div class="message">
          ${people}
          <h2>${title}</h2>
          <p>${hint}</p>
        </div>
      `
    }
    return html`
      <ul class="contacts">
        ${repeat(
          contacts,
          ({ id }) => id,
          (contact) => renderContact(contact, this.#open),
        )}
      </ul>
      ${
        this.#after === null
          ? nothing
          : html`<p class="more">
              <button class="button quiet" type="button" @click=${this.#more}>
                ${msg('Show more')}
              </button>
            </p>`
      }
    `
  }

  #renderOutage({ code, readAt }: Outage): TemplateResult {
    const when = asOf(readAt, Date.now(), language())
    return html`<p class="outage">
      ${offline}<span>${explain(code)} ${msg(str`As of ${when}.`)}</span>
    </p>`
  }

  #renderError(code: ApiErrorCode, hint?: string): TemplateResult {
    const reason =
      code === 'insufficient_scope'
        ? msg('This sign-in does not allow to read contacts.')
        : explain(code)
    return html`
      <div class=${hint === undefined ? 'message' : 'banner'} role="alert">
        ${warning}
        <h2>${msg('The contacts could not be loaded')}</h2>
        <p>${reason} ${hint}</p>
        <button class="button quiet" type="button" @click=${this.#reload}>
          ${msg('Try again')}
        </button>
      </div>
    `
  }

  readonly #open = (event: MouseEvent): void => {
    const plain =
      event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    if (!plain) return
    event.preventDefault()
    history.pushState(OPENED_HERE, '', (event.currentTarget as HTMLAnchorElement).href)
    this.#follow()
  }

  readonly #close = (): void => {
    if (this.opened === null) return
    // Back to the list that it was opened from, and not one step on.
    if (history.state === OPENED_HERE) history.back()
    else history.replaceState(null, '', ROUTES.contacts)
    this.opened = null
  }

  readonly #change = ({ detail }: CustomEvent<Contact>): void => {
    this.contacts = this.contacts?.map((each) => (each.id === detail.id ? detail : each)) ?? null
  }

  readonly #follow = (): void => {
    this.opened = openedId()
  }

  readonly #type = (event: Event): void => {
    const { value } = event.currentTarget as HTMLInputElement
    clearTimeout(this.#typing)
    this.#typing = setTimeout(() => {
      if (value.trim() === this.#search) return
      this.#search = value.trim()
      void this.#load()
    }, TYPING)
  }

  readonly #reload = (): void => {
    if (!this.loading) void this.#load(true)
  }

  /** Asks again behind what is shown. */
  readonly #retry = (): void => {
    if ((this.outage || this.error === 'offline') && !this.loading) void this.#load(true)
  }

  readonly #more = (): void => {
    // After an error it waits to be asked: the end of the list is in sight all the time.
    if (this.loading || this.error || this.#after === null) return
    void this.#ask(async (signal) => {
      const page = await this.#read(this.#after, signal)
      if (page) this.#take(page, this.contacts ?? [])
    })
  }

  /**
   * The first page, of what is searched for.
   * @param anew whether the bridge is asked although it did not answer last time
   */
  #load(anew = false): Promise<void> {
    return this.#ask(async (signal) => {
      const page = await this.#read(null, signal, anew)
      if (page) this.#take(page, [])
    })
  }

  #read(after: string | null, signal: AbortSignal, anew = false): Promise<Listed | null> {
    const query = { search: this.#search, after, company: this.company }
    return this.reader.list(query, signal, anew)
  }

  #take({ contacts, after, total, user, outage }: Listed, before: readonly Contact[]): void {
    this.contacts = [...before, ...contacts]
    this.#after = after
    if (before.length === 0) {
      this.loadedAt = new Date()
      this.#listed = this.#search
    }
    if (total !== null) this.total = total
    if (user) this.dispatchEvent(new CustomEvent('profile', { detail: user }))
    this.outage = outage
    if (outage) this.#reconnecting.again()
    else this.#reconnecting.stop()
  }

  /** One question at a time: the answer to the one before does not matter any more. */
  async #ask(question: (signal: AbortSignal) => Promise<void>): Promise<void> {
    this.#asking.abort()
    const asking = new AbortController()
    this.#asking = asking
    this.loading = true
    try {
      await question(asking.signal)
      this.error = null
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      if (asking.signal.aborted) return
      this.error = error.code
      if (error.code === 'offline') this.#reconnecting.again()
    } finally {
      if (this.#asking === asking) this.loading = false
    }
  }
}

/** @param isAll whether there are no more than these */
function foundText(shown: number, isAll: boolean): string {
  const count = numberOf(shown)
  if (!isAll) return msg(str`${count} and more found`, { desc: 'How many contacts' })
  return plural(shown, {
    one: msg(str`${count} found`, { id: 'found-one', desc: 'How many contacts; of 1' }),
    other: msg(str`${count} found`, { id: 'found-other', desc: 'How many contacts' }),
  })
}

function renderContact(
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

const renderSkeleton = (): TemplateResult => html`
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

customElements.define('drawbridge-contacts', DrawbridgeContacts)
