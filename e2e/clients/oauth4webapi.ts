/** A client made of `oauth4webapi`. */
import * as oauth from 'oauth4webapi'
import { converse, setting } from './conversation.ts'
import { privateKey } from './private-key.ts'

// The library marks this as deprecated so that it stands out: it is for plain http on loopback.
// eslint-disable-next-line @typescript-eslint/no-deprecated
const insecure = { [oauth.allowInsecureRequests]: true }

const client: oauth.Client = { client_id: setting('CLIENT_ID') }

async function authentication(): Promise<oauth.ClientAuth> {
  switch (process.env['TOKEN_ENDPOINT_AUTH_METHOD']) {
    case 'client_secret_basic':
      return oauth.ClientSecretBasic(setting('CLIENT_SECRET'))
    case 'client_secret_post':
      return oauth.ClientSecretPost(setting('CLIENT_SECRET'))
    case 'private_key_jwt':
      return oauth.PrivateKeyJwt(await privateKey())
    default:
      return oauth.None()
  }
}

const clientAuth = await authentication()
const issuer = new URL(setting('ISSUER'))
const server = await oauth.processDiscoveryResponse(
  issuer,
  await oauth.discoveryRequest(issuer, insecure),
)

const verifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()

let tokens: oauth.TokenEndpointResponse | undefined
let idToken = ''
let subject = ''

const accessToken = (): string => tokens?.access_token ?? ''

await converse({
  async begin() {
    const url = new URL(server.authorization_endpoint ?? '')
    url.search = new URLSearchParams({
      response_type: 'code',
      client_id: client.client_id,
      redirect_uri: setting('REDIRECT_URI'),
      scope: setting('SCOPE'),
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    }).toString()
    return url
  },
  async redeem(callback) {
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      clientAuth,
      oauth.validateAuthResponse(server, client, callback, state),
      setting('REDIRECT_URI'),
      verifier,
      insecure,
    )
    tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    // Without it the library takes an ID token that came over TLS at its word.
    await oauth.validateApplicationLevelSignature(server, answer, insecure)
    const claims = oauth.getValidatedIdTokenClaims(tokens)
    if (!claims) throw new Error('There is no ID token.')
    idToken = tokens.id_token ?? ''
    subject = claims.sub
    return claims
  },
  async userinfo() {
    const answer = await oauth.userInfoRequest(server, client, accessToken(), insecure)
    return oauth.processUserInfoResponse(server, client, subject, answer)
  },
  async call(url) {
    try {
      const answer = await oauth.protectedResourceRequest(
        accessToken(),
        'GET',
        url,
        undefined,
        undefined,
        insecure,
      )
      await answer.body?.cancel()
      return answer.status
    } catch (error) {
      if (error instanceof oauth.WWWAuthenticateChallengeError) return error.status
      throw error
    }
  },
  async refresh() {
    const before = tokens?.refresh_token ?? ''
    const answer = await oauth.refreshTokenGrantRequest(
      server,
      client,
      clientAuth,
      before,
      insecure,
    )
    tokens = await oauth.processRefreshTokenResponse(server, client, answer)
    return tokens.refresh_token !== undefined && tokens.refresh_token !== before
  },
  end() {
    const url = new URL(server.end_session_endpoint ?? '')
    url.search = new URLSearchParams({
      id_token_hint: idToken,
      post_logout_redirect_uri: setting('POST_LOGOUT_REDIRECT_URI'),
      state,
    }).toString()
    return url
  },
  errorOf: (error) =>
    error instanceof oauth.ResponseBodyError || error instanceof oauth.AuthorizationResponseError
      ? error.error
      : undefined,
})
