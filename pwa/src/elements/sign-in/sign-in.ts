import { msg, str } from '@lit/localize'
import { html, nothing } from 'lit'
import type { PropertyValues, TemplateResult } from 'lit'
import { live } from 'lit/directives/live.js'
import { readProviders } from '../../api/sign-in-methods.ts'
import type { Provider } from '../../api/sign-in-methods.ts'
import { SessionError } from '../../auth/index.ts'
import type { Session, SessionErrorCode } from '../../auth/index.ts'
import { wayBack } from '../../own-routes.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { mark, warning } from '../shared/icons.ts'
import './sign-in.css'

/** Why the user is asked to sign in. */
export type SignInNotice = 'ended' | 'signed-out' | 'absent' | 'sign-out-failed'

/** The sign-in form. Sends `sign-out-again` when the user wants to repeat a failed sign-out. */
export class DrawbridgeSignIn extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    notice: { attribute: false },
    busy: { state: true },
    error: { state: true },
    refused: { state: true },
    codeDue: { state: true },
    shown: { state: true },
    providers: { state: true },
    isShared: { state: true },
  }

  declare session: Session
  declare notice: SignInNotice | null
  declare private busy: boolean
  declare private error: SessionErrorCode | null
  /** What was typed is wrong, as opposed to: could not be checked. */
  declare private refused: boolean
  declare private shown: boolean
  /** Login and password are right, and the code of the second factor is asked for. */
  declare private codeDue: boolean
  declare private providers: Provider[]
  /** The user says that others use this computer, too. Remembered nowhere: the next one is asked. */
  declare private isShared: boolean

  constructor() {
    super()
    this.notice = null
    this.busy = false
    this.error = null
    this.refused = false
    this.shown = false
    this.codeDue = false
    this.providers = []
    this.isShared = false
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#offerProviders(this.disconnected)
    // A page that the browser keeps for going back has in it what was typed, for whoever goes back.
    window.addEventListener('pagehide', this.#startOver, { signal: this.disconnected })
  }

  protected override updated(changed: PropertyValues): void {
    // When the page comes, and when a notice goes that had the focus on its button.
    if (changed.has('notice') || changed.get('codeDue') === true) this.#focus('#login')
    else if (this.codeDue && changed.has('codeDue')) this.#focus('#totp')
  }

  protected override render(): TemplateResult {
    const { busy } = this
    return html`
      <main class="sign-in">
        <div class="scene" aria-hidden="true"></div>
        <div class="panel">
          <p class="brand">${mark}<span>Drawbridge</span></p>
          <h1>${msg('Sign in')}</h1>
          <p class="lead">${msg('With the account that you have in Odoo.')}</p>
          <div class="notice" role="status">${this.#renderNotice()}</div>
          <form @submit=${this.#submit}>
            <div ?hidden=${this.codeDue}>${this.#renderPassword()} ${this.#renderShared()}</div>
            ${this.codeDue ? this.#renderCode() : nothing}
            <button class="button" type="submit" aria-disabled=${busy ? 'true' : nothing}>
              ${busy ? msg('Signing in…') : msg('Sign in')}
            </button>
            <p class="error" id="sign-in-error" role="alert">
              ${this.error ? html`${warning}<span>${explain(this.error)}</span>` : nothing}
            </p>
          </form>
          ${this.codeDue ? nothing : this.#renderProviders()}
        </div>
      </main>
    `
  }

  /** Stays in the page while the code is asked for: it is sent together with it. */
  #renderPassword(): TemplateResult {
    const { busy, shown } = this
    const invalid = this.refused && !this.codeDue ? 'true' : nothing
    return html`
      <label for="login">${msg('Login', { desc: 'Label: the name that one signs in with' })}</label>
      <input
        id="login"
        name="login"
        type="text"
        autocomplete="username"
        autocapitalize="none"
        spellcheck="false"
        maxlength="200"
        required
        ?readonly=${busy}
        aria-invalid=${invalid}
        aria-describedby="sign-in-error"
      />
      <label for="password">${msg('Password')}</label>
      <div class="password">
        <input
          id="password"
          name="password"
          type=${shown ? 'text' : 'password'}
          autocomplete="current-password"
          autocapitalize="none"
          spellcheck="false"
          maxlength="1000"
          required
          ?readonly=${busy}
          aria-invalid=${invalid}
          aria-describedby="sign-in-error"
        />
        <button
          class="toggle"
          type="button"
          aria-label=${shown ? msg('Hide characters') : msg('Show characters')}
          aria-controls="password"
          @click=${this.#toggle}
        >
          ${shown ? msg('Hide') : msg('Show')}
        </button>
      </div>
    `
  }

  #renderShared(): TemplateResult {
    return html`
      <div class="shared">
        <input
          id="shared"
          type="checkbox"
          .checked=${live(this.isShared)}
          aria-describedby="shared-hint"
          @change=${this.#share}
        />
        <label for="shared">${msg('This is a shared computer')}</label>
        <p id="shared-hint">
          ${msg('Nothing is kept here, and you are signed out when you are gone for 15 minutes or close the browser.')}
        </p>
      </div>
    `
  }

  #renderCode(): TemplateResult {
    return html`
      <label for="totp">${msg('Code', { desc: 'Label: of the second factor' })}</label>
      <input
        id="totp"
        name="totp"
        type="text"
        autocomplete="one-time-code"
        inputmode="numeric"
        maxlength="20"
        required
        ?readonly=${this.busy}
        aria-invalid=${this.refused ? 'true' : nothing}
        aria-describedby="totp-hint sign-in-error"
      />
      <p class="hint" id="totp-hint">
        ${msg('The six digits from your authenticator app, or from the e-mail that came just now.')}
      </p>
      <button class="link" type="button" @click=${this.#startOver}>
        ${msg('Sign in with another account')}
      </button>
    `
  }

  #renderProviders(): TemplateResult | typeof nothing {
    if (this.providers.length === 0) return nothing
    return html`
      <p class="or"><span>${msg('or', { desc: 'Between two ways to sign in' })}</span></p>
      ${this.providers.map(
        ({ id, name, href }) => html`
          <a
            class="button quiet"
            data-provider=${id}
            href=${this.isShared ? `${href}&persistent=false` : href}
            >${msg(str`Continue with ${name}`)}</a
          >
        `,
      )}
    `
  }

  #renderNotice(): TemplateResult | typeof nothing {
    if (!this.notice || this.error) return nothing
    const again = html`
      <button class="link" type="button" @click=${this.#signOutAgain}>
        ${msg('Sign out again')}
      </button>
    `
    return html`
      <p>${noticeText(this.notice)} ${this.notice === 'sign-out-failed' ? again : nothing}</p>
    `
  }

  async #offerProviders(signal: AbortSignal): Promise<void> {
    const providers = await readProviders(wayBack(), signal)
    if (!signal.aborted) this.providers = providers
  }

  readonly #share = (event: Event): void => {
    this.isShared = (event.currentTarget as HTMLInputElement).checked
  }

  readonly #toggle = (): void => {
    this.shown = !this.shown
  }

  readonly #startOver = (): void => {
    this.querySelector('form')?.reset()
    // It has put the box back to how it began.
    this.requestUpdate()
    this.shown = false
    this.codeDue = false
    this.refused = false
    this.error = null
  }

  #focus(selector: string): void {
    this.querySelector<HTMLInputElement>(selector)?.focus()
  }

  readonly #signOutAgain = (): void => {
    this.dispatchEvent(new Event('sign-out-again'))
  }

  readonly #submit = async (event: SubmitEvent): Promise<void> => {
    event.preventDefault()
    if (this.busy) return
    const form = event.currentTarget as HTMLFormElement
    const loginField = form.elements.namedItem('login') as HTMLInputElement
    const passwordField = form.elements.namedItem('password') as HTMLInputElement
    const codeField = form.elements.namedItem('totp') as HTMLInputElement | null
    this.busy = true
    this.error = null
    this.refused = false
    // Typed passwords do not stay readable while, or after, they are sent.
    this.shown = false
    try {
      await this.session.login({
        login: loginField.value,
        password: passwordField.value,
        ...(codeField === null ? {} : { totp: codeField.value }),
        ...(this.isShared ? { persistent: false } : {}),
      })
      form.reset()
      this.codeDue = false
    } catch (error) {
      const code = error instanceof SessionError ? error.code : 'bad_response'
      if (code === 'mfa_required') {
        this.codeDue = true
        return
      }
      // Changed meanwhile, or a code that was shown with another password.
      if (code === 'invalid_credentials') this.codeDue = false
      this.error = code
      this.refused = code === 'invalid_credentials' || code === 'invalid_totp'
      if (code === 'invalid_totp') codeField?.select()
      else if (this.refused) passwordField.select()
    } finally {
      this.busy = false
    }
  }
}

function noticeText(notice: SignInNotice): string {
  switch (notice) {
    case 'ended':
      return msg('Your session is over. Sign in, and you are back where you were.')
    case 'signed-out':
      return msg('You are signed out.')
    case 'absent':
      return msg('You were signed out, because nobody was there for 15 minutes.')
    case 'sign-out-failed':
      return msg(
        'The server could not be told that you signed out: whoever opens this page in this browser is still you.',
      )
  }
}

function explain(code: SessionErrorCode): string {
  switch (code) {
    case 'invalid_credentials':
      return msg('Wrong login or password. Check both and try again.')
    case 'invalid_totp':
      return msg('This code is wrong or was used before. Wait for the next one and try again.')
    case 'too_many_attempts':
      return msg('Too many failed attempts. Try again later.')
    case 'odoo_unavailable':
      return msg('Odoo does not answer. Your password may well be right: try again in a minute.')
    case 'keys_unavailable':
      return msg('Sign-in is out of service for a moment. Try again in a minute.')
    case 'unreachable':
      return msg('The server does not answer. Try again in a minute.')
    case 'offline':
      return msg('You are offline. Sign in when you have a network again.')
    case 'origin_refused':
      return msg('Sign-in is only possible at this app’s own address.')
    default:
      return msg(str`Sign-in failed (${code}). Try again.`)
  }
}

customElements.define('drawbridge-sign-in', DrawbridgeSignIn)
