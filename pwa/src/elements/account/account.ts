import { msg, str } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { ConnectedApp, SessionDescription } from '@drawbridge/bridge/contract'
import { disconnectApp, endDevice, readAccount } from '../../api/account.ts'
import type { Account } from '../../api/account.ts'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import type { Session } from '../../auth/index.ts'
import { language, numberOf } from '../../language.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { explain } from '../shared/explain.ts'
import { app, device, warning } from '../shared/icons.ts'
import { dateOf, sinceThen } from '../shared/time.ts'
import './account.css'

const since = (then: number): string => sinceThen(then, Date.now(), language())
const on = (at: number): string => dateOf(at, language())

/** "My devices" and "connected apps": where a user is signed in, and how to end it. */
export class DrawbridgeAccount extends DrawbridgeElement {
  static override properties = {
    session: { attribute: false },
    account: { state: true },
    busy: { state: true },
    error: { state: true },
    said: { state: true },
  }

  declare session: Session
  declare private account: Account | null
  /** What is being ended: sid or client_id. */
  declare private busy: string | null
  declare private error: ApiErrorCode | null
  /** Who has just been signed out. */
  declare private said: readonly string[]

  constructor() {
    super()
    this.account = null
    this.busy = null
    this.error = null
    this.said = []
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  protected override render(): TemplateResult {
    const { account, error } = this
    return html`
      <div class="heading"><h1 id="account-title">${msg('Devices and apps')}</h1></div>
      <p class="said" role="status">
        ${account ? this.#renderSaid() : error ? '' : msg('Loading…')}
      </p>
      ${error ? this.#renderError(error) : nothing}
      ${account ? this.#renderAccount(account) : nothing}
    `
  }

  #renderSaid(): string {
    const [name, ...others] = this.said
    if (name === undefined) return ''
    const count = numberOf(this.said.length)
    return others.length === 0
      ? msg(str`${name} is signed out.`, { desc: 'A device or an app' })
      : msg(str`${count} devices are signed out.`)
  }

  #renderError(code: ApiErrorCode): TemplateResult {
    return html`
      <div class="banner" role="alert">
        ${warning}
        <h2>${this.account ? msg('This could not be done') : msg('This could not be loaded')}</h2>
        <p>${explain(code)}</p>
        <button class="button quiet" type="button" @click=${this.#load}>${msg('Try again')}</button>
      </div>
    `
  }

  #renderAccount({ devices, apps }: Account): TemplateResult {
    const others = devices.filter(({ current }) => !current)
    const count = numberOf(others.length)
    return html`
      <h2>${msg('Where you are signed in')}</h2>
      <ul class="card entries">
        ${repeat(
          devices,
          ({ sid }) => sid,
          (each) => this.#renderDevice(each),
        )}
      </ul>
      ${
        others.length === 0
          ? nothing
          : html`<button
              class="button quiet all"
              type="button"
              aria-disabled=${this.busy === null ? nothing : 'true'}
              @click=${() => this.#endDevices(others)}
            >
              ${
                others.length === 1
                  ? msg('Sign out the other device')
                  : msg(str`Sign out all ${count} others`, { desc: 'Devices' })
              }
            </button>`
      }
      <h2>${msg('Connected apps')}</h2>
      ${
        apps.length === 0
          ? html`<p class="none">
              ${msg('None. Apps that you sign in to with this account appear here.')}
            </p>`
          : html`<ul class="card entries">
              ${repeat(
                apps,
                ({ client_id }) => client_id,
                (each) => this.#renderApp(each),
              )}
            </ul>`
      }
    `
  }

  #renderDevice(each: SessionDescription): TemplateResult {
    const name = deviceName(each)
    const when = since(each.last_seen_at)
    const begun = on(each.created_at)
    return html`
      <li>
        ${device}
        <div class="facts">
          <p class="name">
            <strong>${name}</strong>
            ${each.current ? html`<span class="badge">${msg('This device')}</span>` : nothing}
            ${each.persistent ? nothing : html`<span class="badge">${msg('Shared computer')}</span>`}
          </p>
          <p>
            ${msg(str`Used ${when}, from ${each.ip}`, { desc: '“3 hours ago”; an IP address' })}
          </p>
          <p>${msg(str`Signed in on ${begun}`)}</p>
          ${each.late_replays > 0 ? renderLate() : nothing}
        </div>
        ${
          each.current
            ? nothing
            : this.#renderButton(each.sid, msg('Sign out'), msg(str`Sign out ${name}`), () =>
                this.#endDevices([each]),
              )
        }
      </li>
    `
  }

  #renderApp(each: ConnectedApp): TemplateResult {
    const { client_id, client_name, first_party } = each
    const used = each.last_seen_at === null ? null : since(each.last_seen_at)
    const granted = each.granted_at === null ? null : on(each.granted_at)
    const words = each.scope.split(' ').filter((word) => word !== '')
    return html`
      <li>
        ${app}
        <div class="facts">
          <p class="name">
            <strong>${client_name}</strong>
            ${first_party ? renderOwn() : nothing}
          </p>
          <p>${used === null ? msg('Not signed in now') : msg(str`Used ${used}`)}</p>
          ${granted === null ? nothing : html`<p>${msg(str`Let in on ${granted}`)}</p>`}
          <ul class="scopes">
            ${words.map((word) => html`<li>${scopeName(word)}</li>`)}
          </ul>
        </div>
        ${this.#renderButton(
          client_id,
          msg('Disconnect'),
          msg(str`Disconnect ${client_name}`),
          () => this.#end([client_id], [client_name], disconnectApp),
        )}
      </li>
    `
  }

  #renderButton(id: string, text: string, label: string, act: () => Promise<void>): TemplateResult {
    return html`
      <button
        class="button quiet"
        type="button"
        aria-label=${label}
        aria-disabled=${this.busy === null ? nothing : 'true'}
        aria-busy=${this.busy === id ? 'true' : nothing}
        @click=${act}
      >
        ${text}
      </button>
    `
  }

  #endDevices(devices: readonly SessionDescription[]): Promise<void> {
    return this.#end(
      devices.map(({ sid }) => sid),
      devices.map(deviceName),
      endDevice,
    )
  }

  /** Ends one after the other, and shows what is left, however far it got. */
  async #end(
    ids: readonly string[],
    names: readonly string[],
    end: (session: Session, id: string, signal: AbortSignal) => Promise<null>,
  ): Promise<void> {
    if (this.busy !== null) return
    const signal = this.disconnected
    this.said = []
    let failure: ApiErrorCode | null = null
    for (const id of ids) {
      this.busy = id
      try {
        await end(this.session, id, signal)
      } catch (error) {
        if (!(error instanceof ApiError)) throw error
        // Over already, by whoever was first.
        if (error.code !== 'not_found') failure = error.code
      }
    }
    this.busy = null
    await this.#load()
    this.error ??= failure
    if (failure === null) this.said = names
  }

  readonly #load = async (): Promise<void> => {
    try {
      const account = await readAccount(this.session, this.disconnected)
      if (!account) return
      this.account = account
      this.error = null
    } catch (error) {
      if (!(error instanceof ApiError)) throw error
      this.error = error.code
    }
  }
}

const renderOwn = (): TemplateResult => html`
  <span class="badge"
    >${msg('Of your own house', { desc: 'An app that those who run this Odoo made' })}</span
  >
`

const renderLate = (): TemplateResult => html`
  <p class="late">
    ${warning}
    ${msg('Its network lost answers of late, or somebody else has its token. If in doubt, sign it out.')}
  </p>
`

/** "Firefox on Windows": what the bridge says in English. */
function deviceName({ device }: SessionDescription): string {
  const [browser = '', system] = device.split(' on ')
  if (browser === '' || device === 'Unknown device') return msg('Unknown device')
  return system === undefined ? browser : msg(str`${browser} on ${system}`)
}

/** What a word of a scope lets an app do; the word itself where nobody has said it better. */
function scopeName(word: string): string {
  switch (word) {
    case 'openid':
      return msg('Know who you are')
    case 'profile':
      return msg('Your name and language')
    case 'email':
      return msg('Your e-mail address')
    case 'phone':
      return msg('Your phone number')
    case 'address':
      return msg('Your address')
    case 'offline_access':
      return msg('Stay signed in when you sign out here')
    case 'odoo.read':
      return msg('Read in Odoo, as you may')
    case 'odoo.write':
      return msg('Write in Odoo, as you may')
    default:
      return word
  }
}

customElements.define('drawbridge-account', DrawbridgeAccount)
