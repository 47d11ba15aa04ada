import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { ActivityLog } from '../../activity-log.ts'
import { errorWithoutAnswer } from '../../api/api-error.ts'
import type { Session } from '../../auth/index.ts'
import { followLanguage } from '../../language.ts'
import { ContactsReader } from '../../offline/contacts-reader.ts'
import { Keeper } from '../../offline/keeper.ts'
import { KeptContacts } from '../../offline/kept-contacts.ts'
import { Reconnecting } from '../../offline/reconnecting.ts'
import {
  isOwnAddress,
  replaceAddress,
  ROUTES,
  routeOf,
  signInAddress,
  wayBack,
} from '../../own-routes.ts'
import type { Route } from '../../routes.ts'
import { Absence } from '../../shared-computer/absence.ts'
import { SignOutDue } from '../../sign-out-due.ts'
import '../absence-warning/absence-warning.ts'
import '../sign-in/sign-in.ts'
import type { SignInNotice } from '../sign-in/sign-in.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { mark } from '../shared/icons.ts'
import { NAME, renderBar } from './bar.ts'
import { Screens, WIDE } from './screens.ts'
import './app.css'

type Phase =
  | 'starting'
  /** Nobody knows whether somebody is signed in, and nothing is kept. */
  | 'unreachable'
  /** The same, and there is what was kept for the user of before. */
  | 'offline'
  | 'signed-out'
  | 'signed-in'

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
    isWarned: { state: true },
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
  /** Whether the user is about to be signed out, because they seem to have gone. */
  declare private isWarned: boolean
  /** Whose screens these are. */
  #user: { sid: string; sub: string } | null = null
  readonly #screens = new Screens()
  #keeper!: Keeper
  #reader!: ContactsReader
  #absence!: Absence
  readonly #reconnecting = new Reconnecting()
  readonly #signOutDue = new SignOutDue()

  constructor() {
    super()
    this.phase = 'starting'
    this.route = routeOf(location.pathname)
    this.profile = null
    this.company = null
    this.notice = null
    this.isWarned = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    this.#keeper = new Keeper(this.session)
    this.#reader = new ContactsReader(this.session, new KeptContacts(this.#keeper))
    this.#absence = new Absence(this.session)
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
        this.#meetSession()
        this.requestUpdate()
      },
      { signal },
    )
    this.session.addEventListener(
      'refreshed',
      ({ detail: { outcome } }) => {
        // Without a token there was no session that could be told to be over.
        if (outcome === 'refused' && this.phase === 'offline') this.#leave('ended')
        if (outcome !== 'renewed') return
        if (this.phase === 'offline') this.#enter()
        // Another session of the same user may have come with it.
        else if (this.phase === 'signed-in') this.#meetSession()
      },
      { signal },
    )
    // After the listeners above: what is wiped because nobody is signed in any more leaves nothing
    // to look for here.
    this.#keeper.follow(signal)
    this.#listenToDevice(signal)
    signal.addEventListener('abort', () => {
      this.#absence.stop()
      this.#reconnecting.stop()
    })
    // Whoever asked for the session may have been answered before this was here to listen.
    void this.#keeper.begin()
    void this.#restore()
  }

  /** What this device has to say: its disk, its network, its clock, and who sits before it. */
  #listenToDevice(signal: AbortSignal): void {
    const on = (target: EventTarget, name: string, listener: (event: Event) => void) => {
      target.addEventListener(name, listener, { signal })
    }
    on(this.#keeper, 'wiped', () => {
      const isKeptShown =
        this.phase === 'offline' || (this.phase === 'signed-in' && this.#reader.outage !== null)
      if (isKeptShown) void this.#restore()
    })
    on(this.#reconnecting, 'retry', () => void this.#tryAgain())
    on(this.#absence, 'absent', () => void this.#signOut('absent'))
    on(this.#absence, 'warned', () => (this.isWarned = true))
    on(this.#absence, 'back', () => (this.isWarned = false))
    on(WIDE, 'change', () => {
      this.requestUpdate()
    })
    on(window, 'online', () => {
      if (this.notice === 'sign-out-failed') void this.#signOut()
    })
    // A page that the browser keeps for going back to is a picture of before: whoever is signed out
    // meanwhile is not to be seen in it, not even for a moment.
    on(window, 'pagehide', (event) => {
      if ((event as PageTransitionEvent).persisted) this.#hide()
    })
    on(window, 'pageshow', (event) => {
      if ((event as PageTransitionEvent).persisted) void this.#restore()
    })
  }

  protected override updated(changed: PropertyValues): void {
    if (this.#isInside) void this.#bring()
    const screen = this.phase === 'signed-out' ? 'signIn' : this.route
    document.title = `${titleOf(screen)} · ${NAME}`
    // A screen that comes in place of another takes the focus along; the first one does not.
    const before = changed.get('phase') as Phase | undefined
    if (this.phase === 'signed-in' && before === 'signed-out') this.#focusScreen()
  }

  /** Whoever goes somewhere by the keyboard goes on from there. */
  #focusScreen(): void {
    this.querySelector<HTMLElement>(`#${this.route}`)?.focus()
  }

  async #bring(): Promise<void> {
    try {
      await this.#screens.bring(this.route, () => {
        this.requestUpdate()
      })
    } catch {
      this.phase = 'unreachable'
      this.#reconnecting.again()
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
            @sign-out-again=${() => this.#signOut()}
          ></drawbridge-sign-in>
        `
      case 'offline':
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
        <button class="button" type="button" @click=${() => this.#restore()}>
          ${msg('Try again')}
        </button>
      </main>
    `
  }

  #renderScreens(): TemplateResult {
    const { profile, route } = this
    return html`
      ${renderBar({
        route,
        profile,
        go: this.#go,
        choose: (company) => {
          this.company = company
        },
        signOut: () => void this.#signOut(),
      })}
      <main class="screens" data-route=${route}>
        <section id="contacts" tabindex="-1" aria-labelledby="contacts-title">
          ${
            this.#screens.has('contacts')
              ? keyed(
                  `${this.#user?.sub ?? ''} ${this.company ?? ''}`,
                  html`<drawbridge-contacts
                    .reader=${this.#reader}
                    .company=${this.company}
                    @profile=${this.#meet}
                  ></drawbridge-contacts>`,
                )
              : nothing
          }
        </section>
        <section id="account" tabindex="-1" aria-labelledby="account-title">
          ${
            route === 'account' && this.#screens.has('account')
              ? keyed(
                  this.#user?.sub,
                  html`<drawbridge-account .session=${this.session}></drawbridge-account>
                    <drawbridge-keeping
                      .session=${this.session}
                      .keeper=${this.#keeper}
                    ></drawbridge-keeping>`,
                )
              : nothing
          }
        </section>
        <section id="activity" tabindex="-1" aria-labelledby="activity-title">
          ${
            this.#screens.has('activity')
              ? html`<drawbridge-activity
                  .session=${this.session}
                  .log=${this.log}
                ></drawbridge-activity>`
              : nothing
          }
        </section>
      </main>
      ${
        this.isWarned
          ? html`<drawbridge-absence-warning
              @stay=${() => {
                this.#absence.stay()
              }}
              @leave=${() => this.#signOut()}
            ></drawbridge-absence-warning>`
          : nothing
      }
    `
  }

  async #restore(): Promise<void> {
    this.#hide()
    await this.#keeper.settle()
    await this.#tryAgain()
  }

  /** Nothing of anybody is to be seen. */
  #hide(): void {
    if (this.phase === 'signed-out') return
    this.phase = 'starting'
    this.profile = null
  }

  async #tryAgain(): Promise<void> {
    if (this.phase === 'signed-out') return
    const restoring = this.restoring ?? this.session.restore()
    this.restoring = null
    try {
      // Where there was none before, the event has already opened the door.
      if (!(await restoring)) this.#leave(null)
      else if (this.phase !== 'signed-in') this.#enter()
    } catch (error) {
      await this.#goOffline(error)
    }
  }

  /** Shows what was kept, if there is anything. */
  async #goOffline(error: unknown): Promise<void> {
    const owner = await this.#keeper.open()
    // Another tab was faster.
    if (this.phase === 'signed-out' || this.phase === 'signed-in') return
    if (!owner) {
      this.phase = 'unreachable'
      this.#reconnecting.again()
      return
    }
    this.#reconnecting.stop()
    this.#reader.outage = errorWithoutAnswer(error)?.code ?? 'unreachable'
    this.#user = owner
    this.profile = owner.profile
    this.phase = 'offline'
    this.#follow()
  }

  /** Looks whose session it is now. @returns false where nobody may see it: it is being ended */
  #meetSession(): boolean {
    const { current } = this.session
    if (!current) return false
    if (this.#user?.sub !== current.sub) {
      this.profile = null
      this.company = null
    }
    this.#user = current
    const isDue = this.#signOutDue.sid === current.sid
    if (isDue || !this.#absence.watch()) {
      void this.#signOut(isDue ? 'signed-out' : 'absent')
      return false
    }
    this.#signOutDue.sid = null
    return true
  }

  readonly #enter = (): void => {
    if (!this.#meetSession()) return
    this.#reconnecting.stop()
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
      replaceAddress(address)
    } else if (this.phase === 'signed-out') {
      this.phase = 'starting'
      location.replace(address)
      return false
    } else {
      // Whoever was signed in already was sent here by a page that would only do so again.
      replaceAddress(ROUTES.contacts)
    }
    return true
  }

  #leave(notice: SignInNotice | null): void {
    const path = location.pathname + location.search + location.hash
    // Who signs out is done here; who was thrown out wants to come back.
    const isDone = notice === 'signed-out' || notice === 'absent'
    const back = isDone ? ROUTES.contacts : path
    if (this.route !== 'signIn') replaceAddress(signInAddress(back))
    this.notice = notice
    this.profile = null
    this.company = null
    this.#user = null
    this.isWarned = false
    this.#absence.stop()
    this.#reconnecting.stop()
    this.phase = 'signed-out'
    this.#follow()
  }

  async #signOut(notice: 'signed-out' | 'absent' = 'signed-out'): Promise<void> {
    const { current } = this.session
    this.#signOutDue.sid = current?.sid ?? this.#user?.sid ?? this.#signOutDue.sid
    // Without a token there is no event that would do it.
    if (this.phase === 'offline') this.#leave(notice)
    void this.#keeper.wipe('session')
    try {
      await this.session.logout()
      this.#signOutDue.sid = null
      this.notice = notice
    } catch {
      this.notice = 'sign-out-failed'
    }
  }

  readonly #meet = (event: CustomEvent<ProtectedData['user']>): void => {
    this.profile = event.detail
    void followLanguage(event.detail.language)
  }

  /** Whether the screens are to be seen, as opposed to a door. */
  get #isInside(): boolean {
    return this.phase === 'signed-in' || this.phase === 'offline'
  }

  /** Brings the screen into line with the address. */
  readonly #follow = (): void => {
    this.route = routeOf(location.pathname)
    if (this.#isInside && this.route === 'signIn') {
      replaceAddress(ROUTES.contacts)
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
    void this.updateComplete.then(() => {
      this.#focusScreen()
    })
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
