/** A browser that signs in at a real OpenID provider, and comes back to the bridge. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  startOpenIdProvider,
  type OpenIdProvider,
  type Person,
} from '@drawbridge/e2e/openid-provider'
import type { FastifyInstance, LightMyRequestResponse } from 'fastify'
import type { Test } from 'tap'
import { CONTINUE_PATH } from '../src/contract/index.ts'
import { startFakeAddon } from './fake-addon.ts'
import { ISSUER, startBridge } from './helper.ts'

export const ATTEMPT_COOKIE = 'drawbridge_continue'

/** What a browser sends where its person follows a link of the bridge's. */
export const OWN_LINK = { 'sec-fetch-site': 'same-origin', 'sec-fetch-dest': 'document' }

export const ADA: Person = {
  sub: 'Ada-1',
  email: 'ada@example.com',
  email_verified: true,
  amr: ['pwd', 'mfa'],
}

/** Members of PROVIDERS_FILE. */
export type Settings = Record<string, unknown>

/** The rules, each with what it needs. */
export const BY_EMAIL: Settings = { match: 'email', email_domains: ['example.com'] }
export const BY_UID: Settings = { match: 'oauth_uid', oauth_provider_id: 3 }

/** A folder that lasts as long as the test. */
export function folderOf(t: Test, files: Record<string, string>): string {
  const folder = mkdtempSync(join(tmpdir(), 'drawbridge-providers-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  return folder
}

export const callbackOf = (id: string): string => `${ISSUER}${CONTINUE_PATH}/${id}/callback`

/** A provider where Ada has an account, or whoever is given. */
export async function startUpstream(
  t: Test,
  id = 'example',
  people: Person[] = [ADA],
): Promise<OpenIdProvider> {
  const upstream = await startOpenIdProvider([callbackOf(id)])
  t.teardown(() => upstream.stop())
  for (const person of people) upstream.people.set(person.sub, person)
  return upstream
}

/**
 * The bridge, with these providers.
 * @param providers by id: the provider, and what is configured besides its address and secret
 */
export async function startWithProviders(
  t: Test,
  providers: Record<string, readonly [OpenIdProvider, Settings]>,
) {
  const addon = await startFakeAddon(t)
  // By the e-mail and by the account: user 6.
  addon.accounts.set(JSON.stringify({ login: 'ada@example.com' }), 6)
  addon.accounts.set(JSON.stringify({ oauth: { provider: 3, uid: 'Ada-1' } }), 6)
  const folder = folderOf(t, {})
  const file = join(folder, 'providers.json')
  const entries = Object.entries(providers).map(([id, [upstream, settings]]) => {
    const secret = join(folder, id)
    writeFileSync(secret, `${upstream.clientSecret}\n`)
    return {
      id,
      name: `The ${id}`,
      issuer: upstream.issuer,
      client_id: upstream.clientId,
      client_secret_file: secret,
      ...settings,
    }
  })
  writeFileSync(file, JSON.stringify(entries))
  const { app } = await startBridge(t, {
    ODOO_ADAPTER: 'addon',
    ODOO_URL: addon.url,
    ODOO_RECONCILE_INTERVAL: '3600',
    PROVIDERS_FILE: file,
  })
  return { app, addon }
}

export const begin = (app: FastifyInstance, id = 'example', returnTo = '/contacts') =>
  app.inject({
    url: `${CONTINUE_PATH}/${id}?${new URLSearchParams({ return_to: returnTo }).toString()}`,
    headers: OWN_LINK,
  })

/** What the browser carries from the bridge's answer. */
export const attemptOf = (response: LightMyRequestResponse): string =>
  response.cookies.find(({ name }) => name === ATTEMPT_COOKIE)?.value ?? ''

/**
 * A browser at the provider, up to the address that it is sent back to.
 * @param account undefined: its person refuses
 * @returns the query of that address
 */
export async function signInUpstream(
  address: string,
  account: string | undefined = ADA.sub,
  verdict: 'yes' | 'no' = 'yes',
): Promise<URLSearchParams> {
  const jar = new Map<string, string>()
  let url = new URL(address)
  const { origin } = url
  let body: URLSearchParams | undefined
  for (let hops = 0; hops < 10; hops += 1) {
    const response = await fetch(url, {
      redirect: 'manual',
      method: body ? 'POST' : 'GET',
      headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') },
      ...(body ? { body } : {}),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    body = undefined
    if (location === null) {
      if (!response.ok) throw new Error(`The provider answered ${response.status}.`)
      body = new URLSearchParams({ account, verdict })
    } else {
      url = new URL(location, url)
      if (url.origin !== origin) return url.searchParams
    }
  }
  throw new Error('The provider sends nobody back.')
}

export const comeBack = (
  app: FastifyInstance,
  query: URLSearchParams,
  attempt: string,
  id = 'example',
) =>
  app.inject({
    url: `${CONTINUE_PATH}/${id}/callback?${query.toString()}`,
    headers: { 'sec-fetch-site': 'cross-site', 'sec-fetch-dest': 'document' },
    cookies: { [ATTEMPT_COOKIE]: attempt },
  })

/** All the way. */
export async function signInThrough(
  app: FastifyInstance,
  id = 'example',
  account: string = ADA.sub,
): Promise<LightMyRequestResponse> {
  const begun = await begin(app, id)
  const query = await signInUpstream(begun.headers.location ?? '', account)
  return comeBack(app, query, attemptOf(begun), id)
}
