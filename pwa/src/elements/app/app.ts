import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { keyed } from 'lit/directives/keyed.js'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import type { ActivityLog } from '../../activity-log.ts'
import type { Session } from '../../auth/index.ts'
import { followLanguage } from '../../language.ts'
import type { Route } from '../../routes.ts'
import '../absence-warning/absence-warning.ts'
import '../sign-in/sign-in.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { mark } from '../shared/icons.ts'
import { Address } from './address.ts'
import { NAME, renderBar } from './bar.ts'
import { Door, type DoorState, type Phase } from './door.ts'
import { bring, isHere, WIDE } from './screens.ts'
import './app.css'

/**
 * The whole app: the screen that the address names, for whom the door has let in. Sends `shown` when
 * a screen is there with what it has to show.
 */
export class DrawbridgeApp extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    log: { attribute: false },
  }

  /** To be set before the element is connected. */
  declare session: Session
  /** To be set before the element is connected. */
  declare log: ActivityLog
  /** A `session.restore()` that is under way already. To be set before the element is connected. */
  restoring: Promise<boolean> | undefined
  readonly #address = new Address()
  #door!: Door
  /** What was to be seen before this update. */
  #before: Phase | null = null

  override connectedCallback(): void {
    super.connectedCallback()
    const signal = this.disconnected
    const update = (): void => {
      this.requestUpdate()
    }
    this.#door = new Door(this.session, this.#address)
    this.#door.addEventListener('changed', update, { signal })
    this.#door.watch(this.restoring, signal)
    this.restoring = undefined
    window.addEventListener('popstate', this.#follow, { signal })
    WIDE.addEventListener('change', update, { signal })
  }

  protected override updated(): void {
    const { phase } = this.#door.state
    if (this.#door.isInside) void this.#bring()
    const screen = phase === 'signed-out' ? 'signIn' : this.#address.route
    document.title = `${titleOf(screen)} · ${NAME}`
    // A screen that comes in place of another takes the focus along; the first one does not.
    if (phase === 'signed-in' && this.#before === 'signed-out') this.#focusScreen()
    this.#before = phase
    if (phase === 'signed-out' || phase === 'unreachable') this.#show()
  }

  readonly #show = (): void => {
    this.dispatchEvent(new Event('shown'))
  }

  /** Whoever goes somewhere by the keyboard goes on from there. */
  #focusScreen(): void {
    this.querySelector<HTMLElement>(`#${this.#address.route}`)?.focus()
  }

  async #bring(): Promise<void> {
    try {
      await bring(this.#address.route, () => {
        this.requestUpdate()
      })
    } catch {
      this.#door.lose()
    }
  }

  protected override render(): TemplateResult {
    const { state } = this.#door
    switch (state.phase) {
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
            .notice=${state.notice}
            @sign-out-again=${() => this.#door.signOut()}
          ></drawbridge-sign-in>
        `
      case 'offline':
      case 'signed-in':
        return this.#renderScreens(state)
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
        <button class="button" type="button" @click=${() => this.#door.restore()}>
          ${msg('Try again')}
        </button>
      </main>
    `
  }

  #renderScreens({ user, profile, company, isWarned }: DoorState): TemplateResult {
    const door = this.#door
    const { route } = this.#address
    return html`
      ${renderBar({
        route,
        profile,
        go: this.#go,
        choose: (chosen) => {
          door.choose(chosen)
        },
        signOut: () => void door.signOut(),
      })}
      <main class="screens" data-route=${route}>
        <section id="contacts" tabindex="-1" aria-labelledby="contacts-title">
          ${
            isHere('contacts')
              ? keyed(
                  `${user?.sub ?? ''} ${company ?? ''}`,
                  html`<drawbridge-contacts
                    .reader=${door.reader}
                    .company=${company}
                    @profile=${this.#meet}
                    @settled=${this.#show}
                  ></drawbridge-contacts>`,
                )
              : nothing
          }
        </section>
        <section id="account" tabindex="-1" aria-labelledby="account-title">
          ${
            route === 'account' && isHere('account')
              ? keyed(
                  user?.sub,
                  html`<drawbridge-account .session=${this.session}></drawbridge-account>
                    <drawbridge-keeping
                      .session=${this.session}
                      .keeper=${door.keeper}
                    ></drawbridge-keeping>`,
                )
              : nothing
          }
        </section>
        <section id="activity" tabindex="-1" aria-labelledby="activity-title">
          ${
            isHere('activity')
              ? html`<drawbridge-activity
                  .session=${this.session}
                  .log=${this.log}
                ></drawbridge-activity>`
              : nothing
          }
        </section>
      </main>
      ${
        isWarned
          ? html`<drawbridge-absence-warning
              @stay=${() => {
                door.stay()
              }}
              @leave=${() => door.signOut()}
            ></drawbridge-absence-warning>`
          : nothing
      }
    `
  }

  readonly #meet = ({ detail }: CustomEvent<ProtectedData['user']>): void => {
    this.#door.meet(detail)
    void followLanguage(detail.language)
  }

  /** Brings the screen into line with the address. */
  readonly #follow = (): void => {
    this.#address.follow(this.#door.isInside)
    this.requestUpdate()
  }

  readonly #go = (event: MouseEvent): void => {
    if (!this.#address.go(event)) return
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
