/** An app in a browser that is made of `oidc-client-ts`; each button is one of its functions. */
import { ErrorResponse, UserManager } from 'oidc-client-ts'

declare const ISSUER: string
declare const API: string

const manager = new UserManager({
  authority: ISSUER,
  client_id: 'oidc-client-ts',
  redirect_uri: `${location.origin}/callback.html`,
  silent_redirect_uri: `${location.origin}/silent.html`,
  post_logout_redirect_uri: `${location.origin}/signed-out.html`,
  scope: 'openid profile email odoo.read',
  loadUserInfo: true,
  automaticSilentRenew: false,
  // The tokens of the tests live for seconds.
  accessTokenExpiringNotificationTimeInSeconds: 2,
})

const steps = document.querySelector('ol')

function step(text: string): void {
  steps?.append(Object.assign(document.createElement('li'), { textContent: text }))
}

/** @returns whether the refresh token is another one */
async function refresh(): Promise<boolean> {
  const before = (await manager.getUser())?.refresh_token
  const user = await manager.signinSilent()
  return user?.refresh_token !== undefined && user.refresh_token !== before
}

const ACTS: Record<string, () => Promise<unknown>> = {
  // PKCE is its own doing; a nonce has to be asked for.
  'sign-in': () => manager.signinRedirect({ nonce: crypto.randomUUID() }),
  call: async () => {
    const user = await manager.getUser()
    const answer = await fetch(API, {
      headers: { Authorization: `Bearer ${user?.access_token ?? ''}` },
    })
    step(`the API answered ${answer.status}`)
  },
  refresh: async () => {
    step((await refresh()) ? 'refreshed' : 'refreshed without another refresh token')
  },
  'by-itself': () => {
    manager.events.addUserLoaded(() => {
      manager.stopSilentRenew()
      step('refreshed by itself')
    })
    manager.startSilentRenew()
    return Promise.resolve()
  },
  silently: async () => {
    // With a refresh token at hand it would use that, and no frame.
    await manager.removeUser()
    const user = await manager.signinSilent()
    step(`signed in silently as ${user?.profile.sub ?? 'nobody'}`)
  },
  status: async () => {
    const status = await manager.querySessionStatus()
    step(`session status: ${status?.session_state ?? 'none'}`)
  },
  revoke: async () => {
    await manager.revokeTokens()
    step('revoked')
  },
  'sign-out': () => manager.signoutRedirect({ state: 'of the app' }),
}

/** What the page was opened for. */
async function arrive(): Promise<void> {
  switch (location.pathname) {
    case '/callback.html': {
      const { profile } = await manager.signinRedirectCallback()
      history.replaceState(null, '', '/')
      step(`signed in as ${profile.sub}, ${profile.email ?? 'without e-mail'}`)
      return
    }
    case '/silent.html':
      return manager.signinSilentCallback()
    case '/signed-out.html': {
      const { userState } = await manager.signoutRedirectCallback()
      step(`signed out ${String(userState)}`)
    }
  }
}

function fail(error: unknown): void {
  step(`failed: ${error instanceof ErrorResponse ? (error.error ?? '') : String(error)}`)
}

for (const button of document.querySelectorAll('button')) {
  button.addEventListener('click', () => {
    ACTS[button.id]?.().catch(fail)
  })
}
await arrive().catch(fail)
for (const button of document.querySelectorAll('button')) button.disabled = false
