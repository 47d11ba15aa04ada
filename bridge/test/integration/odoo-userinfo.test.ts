/** What an app learns of its user from a real Odoo, where it may do nothing in it. */
import { test } from 'tap'
import { readStack } from '@drawbridge/e2e/stack'
import { PATHS, type UserInfo } from '../../src/contract/index.ts'
import { startAddonBridge } from '../addon-bridge.ts'
import { openBrowser, redeem, requestUrl } from '../app.ts'
import { accessClaims } from '../helper.ts'
import { client, registering } from '../registered-clients.ts'

const { accounts, issuer } = readStack()

test('userinfo of an app that has no scope of Odoo, with the rights of each user', async (t) => {
  const app = client({ scope: 'odoo.write', resources: [`${issuer}/api`] })
  const bridge = await startAddonBridge(t, registering(t, app))
  for (const person of [accounts.demo, accounts.portal]) {
    const answer = await openBrowser(bridge.app).send(
      requestUrl({ client_id: app.client_id, scope: 'openid profile email phone address' }),
      { ...person },
    )
    const { access_token } = await redeem(bridge.app, answer, app.client_id)
    t.notMatch(accessClaims(access_token).scope, /odoo/)
    const headers = { authorization: `Bearer ${access_token}` }
    const userInfo = await bridge.app.inject({ url: PATHS.userinfo, headers })
    t.equal(userInfo.statusCode, 200, userInfo.body)
    const { sub, preferred_username, email, email_verified } = userInfo.json<UserInfo>()
    t.equal(sub, accessClaims(access_token).sub)
    t.equal(preferred_username, person.login)
    t.match(email, '@')
    t.equal(email_verified, false)
  }
})
