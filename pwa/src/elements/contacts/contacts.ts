import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { Contact, ProtectedData } from '@drawbridge/bridge/contract'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import { readProtectedData } from '../../api/protected-data.ts'
import type { Session } from '../../auth/index.ts'
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
  count: (shown: number, total: number) =>
    shown < total ? `The first ${shown} of ${total}` : `${total} in all`,
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

/** The contacts that Odoo shows this user. Sends `profile` once it knows who that is. */
export class DrawbridgeContacts extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    data: { state: true },
    loadedAt: { state: true },
    loading: { state: true },
    error: { state: true },
  }

  declare session: Session
  declare private data: ProtectedData | null
  declare private loadedAt: Date | null
  declare private loading: boolean
  declare private error: ApiErrorCode | null
  #disconnected = new AbortController()

  constructor() {
    super()
    this.data = null
    this.loadedAt = null
    this.loading = false
    this.error = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    this.#disconnected = new AbortController()
    void this.#load()
  }

  override disconnectedCallback(): void {
    super.disconnectedCallback()
    this.#disconnected.abort()
  }

  protected override render(): TemplateResult {
    const { data, error, loading } = this
    return html`
      <div class="heading">
        <h1 id="contacts-title">${TEXT.title}</h1>
        <p class="count" role="status">${this.#renderStatus()}</p>
        <button
          class="button quiet"
          type="button"
          aria-disabled=${loading ? 'true' : nothing}
          @click=${this.#load}
        >
          <span class=${loading ? 'turning' : ''}>${reload}</span><span>${TEXT.reload}</span>
        </button>
      </div>
      ${error && data ? this.#renderError(error, TEXT.stale) : nothing}
      <div class="card" aria-busy=${loading ? 'true' : 'false'}>
        ${data ? this.#renderData(data) : error ? this.#renderError(error) : renderSkeleton()}
      </div>
    `
  }

  #renderStatus(): string | TemplateResult {
    const { data, loadedAt } = this
    if (!data || !loadedAt) return this.loading ? TEXT.loading : ''
    if (data.contacts.length === 0) return ''
    const time = loadedAt.toLocaleTimeString()
    return html`${TEXT.count(data.contacts.length, data.total)}<span class="at">
        · ${TEXT.loadedAt(time)}</span
      >`
  }

  #renderData({ contacts }: ProtectedData): TemplateResult {
    if (contacts.length === 0) {
      return html`
        <div class="message">
          ${people}
          <h2>${TEXT.empty}</h2>
          <p>${TEXT.emptyHint}</p>
        </div>
      `
    }
    return html`
      <ul class="contacts">
        ${repeat(contacts, ({ id }) => id, renderContact)}
      </ul>
    `
  }

  #renderError(code: ApiErrorCode, hint?: string): TemplateResult {
    const reason = TEXT.errors[code] ?? TEXT.unknown(code)
    return html`
      <div class=${hint === undefined ? 'message' : 'banner'} role="alert">
        ${warning}
        <h2>${TEXT.failed}</h2>
        <p>${reason} ${hint}</p>
        <button class="button quiet" type="button" @click=${this.#load}>${TEXT.retry}</button>
      </div>
    `
  }

  readonly #load = async (): Promise<void> => {
    if (this.loading) return
    this.loading = true
    const { signal } = this.#disconnected
    try {
      const data = await readProtectedData(this.session, signal)
      if (!data) return
      this.data = data
      this.error = null
      this.loadedAt = new Date()
      this.dispatchEvent(new CustomEvent('profile', { detail: data.user }))
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.error = error.code
    } finally {
      this.loading = false
    }
  }
}

function renderContact({ name, company, email, phone, city }: Contact): TemplateResult {
  return html`
    <li>
      <span class="initials" aria-hidden="true">${initials(name)}</span>
      <span class="who">
        <strong>${name}</strong>
        ${company !== null && company !== name ? html`<span>${company}</span>` : nothing}
      </span>
      <span class="email">
        ${
          email === null
            ? nothing
            : html`<a
                href=${`mailto:${encodeURIComponent(email).replace('%40', '@')}`}
                title=${TEXT.email(name, email)}
                >${email}</a
              >`
        }
      </span>
      <span class="phone">
        ${
          phone === null
            ? nothing
            : html`<a href=${`tel:${phone.replace(/[^+\d]/g, '')}`} title=${TEXT.call(name, phone)}
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

/** The first letters of the first and the last word. */
function initials(name: string): string {
  const words = name.split(/[\s,]+/).filter((word) => /^[\p{L}\p{N}]/u.test(word))
  const ends = words.length > 1 ? [words[0], words.at(-1)] : words
  return ends.map((word) => Array.from(word ?? '')[0]?.toLocaleUpperCase() ?? '').join('')
}

customElements.define('drawbridge-contacts', DrawbridgeContacts)
