import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { ActivityLog } from '../../activity-log.ts'
import type { Session } from '../../auth/index.ts'
import { followLanguage } from '../../language.ts'
import { isOwnAddress, ROUTES, routeOf, signInAddress, wayBack } from '../../own-routes.ts'
import type { Route } from '../../routes.ts'
import '../account/account.ts'
import '../activity/activity.ts'
import '../contacts/contacts.ts'
import '../sign-in/sign-in.ts'
import type { SignInNotice } from '../sign-in/sign-in.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { device, mark, people, signOut, steps } from '../shared/icons.ts'
import './app.css'

const NAME = 'Drawbridge'

type Phase = 'starting' | 'unreachable' | 'signed-out' | 'signed-in'

/** The whole app: which screen is to be seen, and who is signed in. */
export class DrawbridgeApp extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    log: { attribute: false },
    phase: { state: true },
    route: { state: true },
    profile: { state: true },
    company: { state: true },
    notice: { state: true },
  }

  /** To be set before the element is connected. */
  declare session: Session
  /** To be set before the element is connected. */
  declare log: ActivityLog
  /** A `session.restore()` that is under way already. To be set before the element is connected. */
  restoring: Promise<boolean> | null = null
  declare private phase: Phase
  declare private route: Route
  declare private profile: ProtectedData['user'] | null
  /** The one that the user has chosen to work in; null: all of theirs. */
  declare private company: number | null
  declare private notice: SignInNotice | null

  constructor() {
    super()
    this.phase = 'starting'
    this.route = routeOf(location.pathname)
    this.profile = null
    this.company = null
    this.notice = null
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    window.addEventListener('popstate', this.#follow, { signal })
    this.session.addEventListener('signed-in', this.#enter, { signal })
    this.session.addEventListener(
      'signed-out',
      ({ detail }) => {
        this.#leave(detail.reason === 'refused' ? 'ended' : 'signed-out')
      },
      { signal },
    )
    this.session.addEventListener(
      'user-changed',
      () => {
        this.profile = null
        this.company = null
        this.requestUpdate()
      },
      { signal },
    )
    // Whoever asked before may have heard of it already.
    if (this.session.user) this.#enter()
    else void this.#restore()
  }

  protected override updated(changed: PropertyValues): void {
    const screen = this.phase === 'signed-out' ? 'signIn' : this.route
    document.title = `${titleOf(screen)} · ${NAME}`
    // A screen that comes in place of another takes the focus along; the first one does not.
    const before = changed.get('phase') as Phase | undefined
    if (this.phase === 'signed-in' && before === 'signed-out') {
      this.querySelector<HTMLElement>(`#${this.route}`)?.focus()
    }
  }

  protected override render(): TemplateResult {
    switch (this.phase) {
      case 'starting':
        // As in index.html, so that nothing moves when this takes its place.
        return html`<main class="splash">
          ${mark}
          <h1>${NAME}</h1>
          <p role="status">${msg('Opening…')}</p>
        </main>`
      case 'unreachable':
        return this.#renderUnreachable()
      case 'signed-out':
        return html`
          <drawbridge-sign-in
            .session=${this.session}
            .notice=${this.notice}
            @sign-out-again=${this.#signOut}
          ></drawbridge-sign-in>
        `
      case 'signed-in':
        return this.#renderScreens()
    }
  }

  #renderUnreachable(): TemplateResult {
    return html`
      <main class="splash">
        ${mark}
        <div role="alert">
          <h1>${msg('The server does not answer')}</h1>
          <p>${msg('You are not signed out: as soon as it answers, you go on where you were.')}</p>
        </div>
        <button class="button" type="button" @click=${this.#restore}>${msg('Try again')}</button>
      </main>
    `
  }

  #renderScreens(): TemplateResult {
    const { profile, route } = this
    return html`
      <a class="skip" href=${`#${route}`}>${msg('Skip to the content')}</a>
      <header class="bar">
        <a class="brand" href=${ROUTES.contacts} @click=${this.#go}>
          ${mark}<span>${NAME}</span>
        </a>
        <p class="profile">
          ${profile ? html`<strong>${profile.name}</strong><span>${profile.login}</span>` : nothing}
        </p>
        ${profile ? this.#renderCompanies(profile) : nothing}
        <button class="button quiet" type="button" @click=${this.#signOut}>
          ${signOut}<span>${msg('Sign out')}</span>
        </button>
      </header>
      <main class="screens" data-route=${route}>
        <section id="contacts" tabindex="-1" aria-labelledby="contacts-title">
          ${keyed(
            `${this.session.user?.sub ?? ''} ${this.company ?? ''}`,
            html`<drawbridge-contacts
              .session=${this.session}
              .company=${this.company}
              @profile=${this.#meet}
            ></drawbridge-contacts>`,
          )}
        </section>
        <section id="account" tabindex="-1" aria-labelledby="account-title">
          ${
            route === 'account'
              ? keyed(
                  this.session.user?.sub,
                  html`<drawbridge-account .session=${this.session}></drawbridge-account>`,
                )
              : nothing
          }
        </section>
        <section id="activity" tabindex="-1" aria-labelledby="activity-title">
          <drawbridge-activity .session=${this.session} .log=${this.log}></drawbridge-activity>
        </section>
      </main>
      <nav class="tabs" aria-label=${msg('Pages')}>
        ${this.#renderTab('contacts', msg('Contacts'), people)}
        ${this.#renderTab('account', msg('Devices'), device)}
        ${this.#renderTab('activity', msg('Steps', { desc: 'Tab; short for “What just happened”' }), steps)}
      </nav>
    `
  }

  /** For those who work in one company alone there is nothing to choose. */
  #renderCompanies({ companies }: ProtectedData['user']): TemplateResult | typeof nothing {
    if (companies.length < 2) return nothing
    return html`
      <select class="companies" aria-label=${msg('Company to work in')} @change=${this.#choose}>
        <option value="">${msg('All companies')}</option>
        ${companies.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
      </select>
    `
  }

  readonly #choose = (event: Event): void => {
    const { value } = event.currentTarget as HTMLSelectElement
    this.company = value === '' ? null : Number(value)
  }

  /** @param text short: there is less room than in a title */
  #renderTab(route: Route, text: string, icon: TemplateResult): TemplateResult {
    return html`
      <a
        href=${ROUTES[route]}
        aria-current=${this.route === route ? 'page' : nothing}
        @click=${this.#go}
      >
        ${icon}<span>${text}</span>
      </a>
    `
  }

  readonly #restore = async (): Promise<void> => {
    this.phase = 'starting'
    const restoring = this.restoring ?? this.session.restore()
    this.restoring = null
    try {
      // Where it finds a session, the event has already opened the door.
      if (!(await restoring)) this.#leave(null)
    } catch {
      this.phase = 'unreachable'
    }
  }

  readonly #enter = (): void => {
    if (this.route === 'signIn' && !this.#goBack()) return
    this.notice = null
    this.phase = 'signed-in'
    this.#follow()
  }

  /**
   * Goes where this sign-in page was to lead back to.
   * @returns whether that is in this app
   */
  #goBack(): boolean {
    const address = wayBack()
    if (isOwnAddress(address)) {
      history.replaceState(null, '', address)
    } else if (this.phase === 'signed-out') {
      this.phase = 'starting'
      location.replace(address)
      return false
    } else {
      // Whoever was signed in already was sent here by a page that would only do so again.
      history.replaceState(null, '', ROUTES.contacts)
    }
    return true
  }

  #leave(notice: SignInNotice | null): void {
    const path = location.pathname + location.search + location.hash
    // Who signs out is done here; who was thrown out wants to come back.
    const back = notice === 'signed-out' ? ROUTES.contacts : path
    if (this.route !== 'signIn') history.replaceState(null, '', signInAddress(back))
    this.notice = notice
    this.profile = null
    this.company = null
    this.phase = 'signed-out'
    this.#follow()
  }

  readonly #signOut = async (): Promise<void> => {
    try {
      await this.session.logout()
      this.notice = 'signed-out'
    } catch {
      this.notice = 'sign-out-failed'
    }
  }

  readonly #meet = (event: CustomEvent<ProtectedData['user']>): void => {
    this.profile = event.detail
    void followLanguage(event.detail.language)
  }

  /** Brings the screen into line with the address. */
  readonly #follow = (): void => {
    this.route = routeOf(location.pathname)
    if (this.phase === 'signed-in' && this.route === 'signIn') {
      history.replaceState(null, '', ROUTES.contacts)
      this.route = 'contacts'
    }
  }

  readonly #go = (event: MouseEvent): void => {
    const plain =
      event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)
    const link = event.currentTarget
    if (!plain || !(link instanceof HTMLAnchorElement)) return
    event.preventDefault()
    if (link.href !== location.href) history.pushState(null, '', link.href)
    this.#follow()
  }
}

/** What a screen is called. */
function titleOf(route: Route): string {
  switch (route) {
    case 'contacts':
      return msg('Contacts')
    case 'account':
      return msg('Devices and apps')
    case 'activity':
      return msg('What just happened')
    case 'signIn':
      return msg('Sign in')
  }
}

customElements.define('drawbridge-app', DrawbridgeApp)
