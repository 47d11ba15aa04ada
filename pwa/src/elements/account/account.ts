import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import { repeat } from 'lit/directives/repeat.js'
import type { ConnectedApp, SessionDescription } from '@drawbridge/bridge/contract'
import { disconnectApp, endDevice, readAccount } from '../../api/account.ts'
import type { Account } from '../../api/account.ts'
import { ApiError } from '../../api/api-error.ts'
import type { ApiErrorCode } from '../../api/api-error.ts'
import type { Session } from '../../auth/index.ts'
import { DrawbridgeElement } from '../shared/element.ts'
import { app, device, warning } from '../shared/icons.ts'
import { dateOf, sinceThen } from '../shared/time.ts'
import './account.css'

const TEXT = {
  title: 'Devices and apps',
  devices: 'Where you are signed in',
  thisDevice: 'This device',
  unknownDevice: 'Unknown device',
  used: (when: string, ip: string) => `Used ${when}, from ${ip}`,
  begun: (date: string) => `Signed in on ${date}`,
  late: 'Its network lost answers of late, or somebody else has its token. If in doubt, sign it out.',
  signOut: 'Sign out',
  signOutOf: (name: string) => `Sign out ${name}`,
  signOutOthers: (count: number) =>
    count === 1 ? 'Sign out the other device' : `Sign out all ${count} others`,
  apps: 'Connected apps',
  noApps: 'None. Apps that you sign in to with this account appear here.',
  ownApp: 'Of your own house',
  granted: (date: string) => `Let in on ${date}`,
  appUsed: (when: string) => `Used ${when}`,
  appUnused: 'Not signed in now',
  disconnect: 'Disconnect',
  disconnectFrom: (name: string) => `Disconnect ${name}`,
  scopes: {
    openid: 'Know who you are',
    profile: 'Your name and language',
    email: 'Your e-mail address',
    phone: 'Your phone number',
    address: 'Your address',
    offline_access: 'Stay signed in when you sign out here',
    'odoo.read': 'Read in Odoo, as you may',
    'odoo.write': 'Write in Odoo, as you may',
  } as Record<string, string>,
  loading: 'Loading…',
  failed: 'This could not be loaded',
  notDone: 'This could not be done',
  retry: 'Try again',
  done: (name: string) => `${name} is signed out.`,
  errors: {
    offline: 'You are offline.',
    unreachable: 'The server does not answer.',
  } as Partial<Record<ApiErrorCode, string>>,
  unknown: (code: string) => `Something went wrong (${code}).`,
}

const language = (): string => document.documentElement.lang
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
  declare private said: string

  constructor() {
    super()
    this.account = null
    this.busy = null
    this.error = null
    this.said = ''
  }

  override connectedCallback(): void {
    super.connectedCallback()
    void this.#load()
  }

  protected override render(): TemplateResult {
    const { account, error } = this
    return html`
      <div class="heading"><h1 id="account-title">${TEXT.title}</h1></div>
      <p class="said" role="status">${account ? this.said : error ? '' : TEXT.loading}</p>
      ${error ? this.#renderError(error) : nothing}
      ${account ? this.#renderAccount(account) : nothing}
    `
  }

  #renderError(code: ApiErrorCode): TemplateResult {
    const reason = TEXT.errors[code] ?? TEXT.unknown(code)
    return html`
      <div class="banner" role="alert">
        ${warning}
        <h2>${this.account ? TEXT.notDone : TEXT.failed}</h2>
        <p>${reason}</p>
        <button class="button quiet" type="button" @click=${this.#load}>${TEXT.retry}</button>
      </div>
    `
  }

  #renderAccount({ devices, apps }: Account): TemplateResult {
    const others = devices.filter(({ current }) => !current)
    return html`
      <h2>${TEXT.devices}</h2>
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
              ${TEXT.signOutOthers(others.length)}
            </button>`
      }
      <h2>${TEXT.apps}</h2>
      ${
        apps.length === 0
          ? html`<p class="none">${TEXT.noApps}</p>`
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
    const name = each.device === '' ? TEXT.unknownDevice : each.device
    return html`
      <li>
        ${device}
        <div class="facts">
          <p class="name">
            <strong>${name}</strong>
            ${each.current ? html`<span class="badge">${TEXT.thisDevice}</span>` : nothing}
            ${each.persistent ? nothing : html`<span class="badge">${msg('Shared computer')}</span>`}
          </p>
          <p>${TEXT.used(since(each.last_seen_at), each.ip)}</p>
          <p>${TEXT.begun(on(each.created_at))}</p>
          ${each.late_replays > 0 ? html`<p class="late">${warning}${TEXT.late}</p>` : nothing}
        </div>
        ${
          each.current
            ? nothing
            : this.#renderButton(each.sid, TEXT.signOut, TEXT.signOutOf(name), () =>
                this.#endDevices([each]),
              )
        }
      </li>
    `
  }

  #renderApp(each: ConnectedApp): TemplateResult {
    const { client_id, client_name, first_party, granted_at, last_seen_at } = each
    const words = each.scope.split(' ').filter((word) => word !== '')
    return html`
      <li>
        ${app}
        <div class="facts">
          <p class="name">
            <strong>${client_name}</strong>
            ${first_party ? html`<span class="badge">${TEXT.ownApp}</span>` : nothing}
          </p>
          <p>${last_seen_at === null ? TEXT.appUnused : TEXT.appUsed(since(last_seen_at))}</p>
          ${granted_at === null ? nothing : html`<p>${TEXT.granted(on(granted_at))}</p>`}
          <ul class="scopes">
            ${words.map((word) => html`<li>${TEXT.scopes[word] ?? word}</li>`)}
          </ul>
        </div>
        ${this.#renderButton(client_id, TEXT.disconnect, TEXT.disconnectFrom(client_name), () =>
          this.#end([client_id], client_name, disconnectApp),
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
    const names = devices.map((each) => (each.device === '' ? TEXT.unknownDevice : each.device))
    return this.#end(
      devices.map(({ sid }) => sid),
      names.join(', '),
      endDevice,
    )
  }

  /** Ends one after the other, and shows what is left, however far it got. */
  async #end(
    ids: readonly string[],
    name: string,
    end: (session: Session, id: string, signal: AbortSignal) => Promise<null>,
  ): Promise<void> {
    if (this.busy !== null) return
    const signal = this.disconnected
    this.said = ''
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
    if (failure === null) this.said = TEXT.done(name)
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

customElements.define('drawbridge-account', DrawbridgeAccount)
