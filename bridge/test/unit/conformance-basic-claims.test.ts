/** Modules of "Basic OP" about what an app learns of its user. */
import { test } from 'tap'
import { startRelyingParty } from '../relying-party.ts'

/** What Odoo knows of Marc Demo; it has no other of the standard claims. */
const PROFILE = {
  name: 'Marc Demo',
  preferred_username: 'demo',
  locale: 'fr-BE',
  zoneinfo: 'Europe/Brussels',
  updated_at: 1767323045,
}
const EMAIL = { email: 'marc@example.com', email_verified: false }
const PHONE = { phone_number: '+32 2 555 12 34', phone_number_verified: false }
const ADDRESS = {
  address: {
    street_address: '3575 Buena Vista Avenue\nSuite 12',
    locality: 'Eugene',
    region: 'Oregon (US)',
    postal_code: '97401',
    country: 'United States',
  },
}

for (const [module, scope, known] of [
  ['oidcc-scope-profile', 'openid profile', PROFILE],
  ['oidcc-scope-email', 'openid email', EMAIL],
  ['oidcc-scope-address', 'openid address', ADDRESS],
  ['oidcc-scope-phone', 'openid phone', PHONE],
  [
    'oidcc-scope-all',
    'openid email phone address profile',
    { ...PROFILE, ...EMAIL, ...PHONE, ...ADDRESS },
  ],
] as const) {
  test(module, async (t) => {
    const { flow, userInfo, metadata } = await startRelyingParty(t)
    const { access_token, claims, ...tokens } = await flow({ scope })
    t.same(await userInfo(access_token), { sub: claims.sub, ...known })
    t.equal(tokens.scope, scope)
    const offered = metadata['claims_supported'] as string[]
    for (const claim of Object.keys(known)) t.ok(offered.includes(claim), claim)
  })
}

test('oidcc-claims-essential', async (t) => {
  const { flow, userInfo } = await startRelyingParty(t)
  const claims = JSON.stringify({ userinfo: { name: { essential: true } } })
  const { access_token, ...tokens } = await flow({ claims })
  t.same(await userInfo(access_token), { sub: tokens.claims.sub, name: PROFILE.name })
})
