/** A client made of `openid-client`. */
import * as client from 'openid-client'
import { converse, setting } from './conversation.ts'
import { privateKey } from './private-key.ts'

async function authentication(): Promise<client.ClientAuth> {
  switch (process.env['TOKEN_ENDPOINT_AUTH_METHOD']) {
    case 'client_secret_basic':
      return client.ClientSecretBasic(setting('CLIENT_SECRET'))
    case 'client_secret_post':
      return client.ClientSecretPost(setting('CLIENT_SECRET'))
    case 'private_key_jwt':
      return client.PrivateKeyJwt(await privateKey())
    default:
      return client.None()
  }
}

const config = await client.discovery(
  new URL(setting('ISSUER')),
  setting('CLIENT_ID'),
  undefined,
  await authentication(),
  {
    execute: [
      // The library marks this as deprecated so that it stands out: it is for plain http on loopback.
      // eslint-disable-next-line @typescript-eslint/no-deprecated
      client.allowInsecureRequests,
      // Without it the library takes an ID token that came over TLS at its word.
      client.enableNonRepudiationChecks,
    ],
  },
)

const verifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()

let tokens: client.TokenEndpointResponse | undefined
let idToken = ''
let subject = ''

const accessToken = (): string => tokens?.access_token ?? ''

await converse({
  async begin() {
    return client.buildAuthorizationUrl(config, {
      redirect_uri: setting('REDIRECT_URI'),
      scope: setting('SCOPE'),
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
    })
  },
  async redeem(callback) {
    const answer = await client.authorizationCodeGrant(config, callback, {
      pkceCodeVerifier: verifier,
      expectedState: state,
      expectedNonce: nonce,
      idTokenExpected: true,
    })
    const claims = answer.claims()
    if (!claims) throw new Error('There is no ID token.')
    tokens = answer
    idToken = answer.id_token ?? ''
    subject = claims.sub
    return claims
  },
  userinfo: () => client.fetchUserInfo(config, accessToken(), subject),
  async call(url) {
    try {
      const answer = await client.fetchProtectedResource(config, accessToken(), url, 'GET')
      await answer.body?.cancel()
      return answer.status
    } catch (error) {
      if (error instanceof client.WWWAuthenticateChallengeError) return error.status
      throw error
    }
  },
  async refresh() {
    const before = tokens?.refresh_token ?? ''
    tokens = await client.refreshTokenGrant(config, before)
    return tokens.refresh_token !== undefined && tokens.refresh_token !== before
  },
  end: () =>
    client.buildEndSessionUrl(config, {
      id_token_hint: idToken,
      post_logout_redirect_uri: setting('POST_LOGOUT_REDIRECT_URI'),
      state,
    }),
  errorOf: (error) =>
    error instanceof client.ResponseBodyError || error instanceof client.AuthorizationResponseError
      ? error.error
      : undefined,
})
