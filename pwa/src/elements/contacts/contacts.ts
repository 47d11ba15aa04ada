import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import { repeat } from 'lit/directives/repeat.js'
import type { Contact, ContactsPage } from '@drawbridge/bridge/contract'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import { readContacts } from '../../api/contacts.ts'
import { readProtectedData } from '../../api/protected-data.ts'
import type { Session } from '../../auth/index.ts'
import { ROUTES } from '../../routes.ts'
import '../contact/contact.ts'
import { initials, mailTo, telephone } from '../shared/contact.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { people, reload, warning } from '../shared/icons.ts'
import './contacts.css'

const TEXT = {
  title: 'Contacts',
  reload: 'Reload',
  loading: 'Loading contacts…',
  empty: 'No contacts',
  emptyHint: 'Odoo shows you none. Contacts that you may see there appear here.',
  failed: 'The contacts could not be loaded',
  stale: 'This is the list as it was before.',
  retry: 'Try again',
  search: 'Search contacts',
  count: (total: number) => `${total} in all`,
  found: (shown: number, isAll: boolean) => (isAll ? `${shown} found` : `${shown} and more found`),
  nothing: 'Nothing found',
  nothingHint: 'All words have to stand in a name, a company, an e-mail address or a number.',
  more: 'Show more',
  loadedAt: (time: string) => `as of ${time}`,
  email: (name: string, email: string) => `E-mail ${name}: ${email}`,
  call: (name: string, phone: string) => `Call ${name}: ${phone}`,
  errors: {
    offline: 'You are offline.',
    unreachable: 'The server does not answer.',
    odoo_unavailable: 'Odoo does not answer.',
    insufficient_scope: 'This sign-in does not allow to read contacts.',
  } as Partial<Record<ApiErrorCode, string>>,
  unknown: (code: string) => `Something went wrong (${code}).`,
}

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
    session: { attribute: false },
    company: { attribute: false },
    contacts: { state: true },
    total: { state: true },
    loadedAt: { state: true },
    loading: { state: true },
    error: { state: true },
    opened: { state: true },
  }

  declare session: Session
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
  }

  override connectedCallback(): void {
    super.connectedCallback()
    window.addEventListener('popstate', this.#follow, { signal: this.disconnected })
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    clearTimeout(this.#typing)
    this.#asking.abort()
    this.#end.disconnect()
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
        <h1 id="contacts-title">${TEXT.title}</h1>
        <p class="count" role="status">${this.#renderStatus()}</p>
        <button
          class="button quiet"
          type="button"
          aria-disabled=${loading ? 'true' : nothing}
          @click=${this.#reload}
        >
          <span class=${loading ? 'turning' : ''}>${reload}</span><span>${TEXT.reload}</span>
        </button>
      </div>
      <input
        class="search"
        type="search"
        aria-label=${TEXT.search}
        placeholder=${TEXT.search}
        maxlength="100"
        autocomplete="off"
        spellcheck="false"
        @input=${this.#type}
      />
      ${error && contacts ? this.#renderError(error, TEXT.stale) : nothing}
      <div class="card" aria-busy=${loading ? 'true' : 'false'}>
        ${contacts ? this.#renderContacts(contacts) : error ? this.#renderError(error) : renderSkeleton()}
      </div>
      ${keyed(
        this.opened,
        this.opened === null
          ? nothing
          : html`<drawbridge-contact
              .session=${this.session}
              .address=${{ id: this.opened, company: this.company }}
              @close=${this.#close}
              @changed=${this.#change}
            ></drawbridge-contact>`,
      )}
    `
  }

  #renderStatus(): string | TemplateResult {
    const { contacts, loadedAt, total } = this
    if (!contacts || !loadedAt) return this.loading ? TEXT.loading : ''
    if (contacts.length === 0) return ''
    const isAll = this.#after === null
    const count = this.#listed === '' ? TEXT.count(total) : TEXT.found(contacts.length, isAll)
    const time = loadedAt.toLocaleTimeString()
    return html`${count}<span class="at"> · ${TEXT.loadedAt(time)}</span>`
  }

  #renderContacts(contacts: readonly Contact[]): TemplateResult {
    if (contacts.length === 0) {
      const [title, hint] =
        this.#listed === '' ? [TEXT.empty, TEXT.emptyHint] : [TEXT.nothing, TEXT.nothingHint]
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
              <button class="button quiet" type="button" @click=${this.#more}>${TEXT.more}</button>
            </p>`
      }
    `
  }

  #renderError(code: ApiErrorCode, hint?: string): TemplateResult {
    const reason = TEXT.errors[code] ?? TEXT.unknown(code)
    return html`
      <div class=${hint === undefined ? 'message' : 'banner'} role="alert">
        ${warning}
        <h2>${TEXT.failed}</h2>
        <p>${reason} ${hint}</p>
        <button class="button quiet" type="button" @click=${this.#reload}>${TEXT.retry}</button>
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
    if (!this.loading) void this.#load()
  }

  readonly #more = (): void => {
    // After an error it waits to be asked: the end of the list is in sight all the time.
    if (this.loading || this.error || this.#after === null) return
    void this.#ask(async (signal) => {
      const page = await this.#read(this.#after, signal)
      if (page) this.#take(page, this.contacts ?? [])
    })
  }

  /** The first page, of what is searched for. */
  #load(): Promise<void> {
    return this.#ask(async (signal) => {
      if (this.#search !== '') {
        const page = await this.#read(null, signal)
        if (page) this.#take(page, [])
        return
      }
      const data = await readProtectedData(this.session, this.company, signal)
      if (!data) return
      this.total = data.total
      this.#take(data, [])
      this.dispatchEvent(new CustomEvent('profile', { detail: data.user }))
    })
  }

  #read(after: string | null, signal: AbortSignal): Promise<ContactsPage | null> {
    const query = { search: this.#search, after, company: this.company }
    return readContacts(this.session, query, signal)
  }

  #take({ contacts, after }: ContactsPage, before: readonly Contact[]): void {
    this.contacts = [...before, ...contacts]
    this.#after = after
    if (before.length > 0) return
    this.loadedAt = new Date()
    this.#listed = this.#search
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
      if (!asking.signal.aborted) this.error = error.code
    } finally {
      if (this.#asking === asking) this.loading = false
    }
  }
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
            : html`<a href=${mailTo(email)} title=${TEXT.email(name, email)}>${email}</a>`
        }
      </span>
      <span class="phone">
        ${
          phone === null
            ? nothing
            : html`<a href=${telephone(phone)} title=${TEXT.call(name, phone)}>${phone}</a>`
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
