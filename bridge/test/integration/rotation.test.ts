import { setTimeout as pause } from 'node:timers/promises'
import { test } from 'tap'
import { ENGINES, startGate } from '../../../nginx-njs/test/support/gate.ts'
import { startUpstream } from '../../../nginx-njs/test/support/servers.ts'
import { ISSUER } from '../../../nginx-njs/test/support/tokens.ts'
import { PATHS } from '../../src/contract/index.ts'
import { createAccessTokens } from '../../src/tokens/access-token.ts'
import { startBridge } from '../helper.ts'
import { headerOf } from '../jws.ts'
import { openKeys, policyFor, startVault } from '../openbao.ts'
import { newSession } from '../session-store.ts'
import { until } from '../until.ts'

/**
 * Seconds. With the poll interval and the skew, a key is published for 11 s before it signs: more
 * than the 10 s in which the gate does not look for an unknown key a second time.
 */
const JWKS_MAX_AGE = 5
const KEY_POLL_INTERVAL = 1

const CLIENTS = 4
/** Milliseconds between two calls of a client. */
const THINKS = 5
/** Milliseconds that clients go on after the last change. */
const AFTERWARDS = 1500

test('two rotations under load through the gate: no valid token is ever refused', async (t) => {
  const vault = await startVault(t)
  const place = await vault.place({ custody: 'fetched' })
  const { transitKey } = place.options
  await vault.admin.write(place.paths.policy, {
    policy: `${place.policy}\n${policyFor('remote', transitKey)}`,
  })
  const settings = {
    JWKS_MAX_AGE: String(JWKS_MAX_AGE),
    KEY_POLL_INTERVAL: String(KEY_POLL_INTERVAL),
  }
  // Three bridges that know nothing of each other: one publishes, two mint, in either custody.
  const { app } = await startBridge(t, { ISSUER, ...place.settings, ...settings })
  const address = await app.listen({ host: '127.0.0.1', port: 0 })
  const times = { jwksMaxAge: JWKS_MAX_AGE, pollInterval: KEY_POLL_INTERVAL }
  const minters = (['fetched', 'remote'] as const).map((custody) => {
    const keys = openKeys(t, { ...place.options, ...times, custody })
    return createAccessTokens(keys.signer, ISSUER, 600)
  })
  const upstream = await startUpstream(t)
  const [engine] = ENGINES
  if (!engine) throw new Error('There is no engine.')
  const gate = await startGate(t, engine, {
    bridge: {
      issuer: ISSUER,
      jwksUrl: address + PATHS.jwks,
      validateUrl: address + PATHS.validate,
      revocationsUrl: 'off',
      credential: 'none',
    },
    server: `
      include /mnt/conf/periodic.conf;
      location /api/ {
        set $drawbridge "audience ${ISSUER}/api; scope odoo.read;";
        PROTECT
        proxy_pass ${upstream.url};
      }`,
  })

  const minted: string[] = []
  const kids = new Set<string>()
  const refused: string[] = []
  let calls = 0
  let done = false
  const call = async (token: string) => {
    const { status, body } = await gate.request('/api/data', { token })
    calls++
    if (status !== 200) refused.push(`${status} ${body}`)
  }
  const client = async (number: number) => {
    while (!done) {
      const minter = minters[number % minters.length]
      const token = await minter?.mint({ ...newSession(), audience: `${ISSUER}/api` }, Date.now())
      if (token === undefined) throw new Error('There is no minter.')
      minted.push(token)
      kids.add(headerOf(token).kid)
      await call(token)
      // And one of any key that was in turn since the beginning.
      await call(minted[Math.floor(Math.random() * minted.length)] ?? token)
      await pause(THINKS)
    }
  }
  const clients = Promise.all(Array.from({ length: CLIENTS }, (_, number) => client(number)))
  const rotation = async () => {
    const before = kids.size
    await vault.admin.write(`${place.paths.transit}/rotate`, {})
    await until(() => Promise.resolve(kids.size > before), 20_000)
  }
  // Each rotation counts from the keys that have signed: there has to be one.
  await until(() => Promise.resolve(kids.size > 0), 20_000)
  await rotation()
  await rotation()
  await pause(AFTERWARDS)
  done = true
  await clients

  t.comment(`${calls} calls with ${minted.length} tokens of ${kids.size} keys`)
  t.same(refused, [])
  t.equal(kids.size, 3)
  t.ok(calls > 2000, 'that is a load')
  const { keys } = (await app.inject({ url: PATHS.jwks })).json<{ keys: { kid: string }[] }>()
  t.same(new Set(keys.map(({ kid }) => kid)), kids, 'what signed is published')
})
