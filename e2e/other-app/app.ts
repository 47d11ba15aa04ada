/**
 * Flow B in a browser: a public client of another origin that finds the authorization service by
 * the API's own answer. The OAuth side is oauth4webapi, to see that any client of the standards fits.
 */
import * as oauth from 'oauth4webapi'

declare const API: string

const client: oauth.Client = { client_id: 'other-app' }
const clientAuth = oauth.None()
const redirectUri = `${location.origin}/callback.html`
// The library marks this as deprecated so that it stands out: it is for plain http on loopback.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const insecure = { [oauth.allowInsecureRequests]: true }

const button = document.querySelector<HTMLButtonElement>('#call')
const status = document.querySelector('[role=status]')
const steps = document.querySelector('ol')

let server: oauth.AuthorizationServer | undefined
let tokens: oauth.TokenEndpointResponse | undefined

function step(text: string): void {
  steps?.append(Object.assign(document.createElement('li'), { textContent: text }))
}

/** Where the API says tokens come from. @see RFC 9728 §5.1 */
async function findServer(refused: Response): Promise<oauth.AuthorizationServer> {
  const header = refused.headers.get('www-authenticate') ?? ''
  const metadataUrl = /resource_metadata="([^"]+)"/.exec(header)?.[1]
  if (metadataUrl === undefined) throw new Error('The API points nowhere.')
  const resource = (await (await fetch(metadataUrl)).json()) as { authorization_servers: string[] }
  return discover(new URL(resource.authorization_servers[0] ?? ''))
}

async function discover(issuer: URL): Promise<oauth.AuthorizationServer> {
  sessionStorage.setItem('issuer', issuer.href)
  const response = await oauth.discoveryRequest(issuer, { algorithm: 'oauth2', ...insecure })
  return oauth.processDiscoveryResponse(issuer, response)
}

async function authorize(as: oauth.AuthorizationServer): Promise<void> {
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  sessionStorage.setItem('verifier', verifier)
  sessionStorage.setItem('state', state)
  const url = new URL(as.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    response_type: 'code',
    client_id: client.client_id,
    redirect_uri: redirectUri,
    scope: 'odoo.read',
    state,
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }).toString()
  location.assign(url)
}

async function finishSignIn(): Promise<void> {
  server = await discover(new URL(sessionStorage.getItem('issuer') ?? ''))
  const expectedState = sessionStorage.getItem('state') ?? ''
  const parameters = oauth.validateAuthResponse(
    server,
    client,
    new URL(location.href),
    expectedState,
  )
  const response = await oauth.authorizationCodeGrantRequest(
    server,
    client,
    clientAuth,
    parameters,
    redirectUri,
    sessionStorage.getItem('verifier') ?? '',
    insecure,
  )
  tokens = await oauth.processAuthorizationCodeResponse(server, client, response)
  sessionStorage.clear()
  history.replaceState(null, '', redirectUri)
  step('signed in')
}

/** @returns whether there are new tokens; the session may be over */
async function refresh(): Promise<boolean> {
  if (!server || tokens?.refresh_token === undefined)
    throw new Error('There is nothing to refresh.')
  const response = await oauth.refreshTokenGrantRequest(
    server,
    client,
    clientAuth,
    tokens.refresh_token,
    insecure,
  )
  try {
    tokens = await oauth.processRefreshTokenResponse(server, client, response)
  } catch (error) {
    if (!(error instanceof oauth.ResponseBodyError) || error.error !== 'invalid_grant') throw error
    tokens = undefined
    step('the session is over')
    return false
  }
  step('refreshed')
  return true
}

const request = (): Promise<Response> =>
  fetch(API, tokens ? { headers: { Authorization: `Bearer ${tokens.access_token}` } } : {})

async function call(): Promise<void> {
  let response = await request()
  step(`the API answered ${response.status}`)
  if (response.status === 401 && tokens && (await refresh())) {
    response = await request()
    step(`the API answered ${response.status}`)
  }
  if (response.status === 401) {
    server = await findServer(response)
    await authorize(server)
    return
  }
  const { user, total } = (await response.json()) as { user: { name: string }; total: number }
  if (status) status.textContent = `${user.name} may see ${total} contacts`
}

button?.addEventListener('click', () => {
  call().catch((error: unknown) => {
    step(`failed: ${String(error)}`)
  })
})

if (location.search !== '') await finishSignIn()
if (button) button.disabled = false
