import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { Agent, request, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import Fastify from 'fastify'
import { test } from 'tap'
import { loadConfig } from '../../src/config.ts'
import { PATHS } from '../../src/contract/index.ts'
import { serverTimings } from '../../src/demo/server-timing.ts'
import { createWatch } from '../../src/demo/watch.ts'
import type { VaultClient } from '../../src/keys/vault-client.ts'
import { vaultKeys } from '../../src/keys/vault.ts'
import { openApiOf } from '../answers.ts'
import { requestUrl, openBrowser, answerOf, redeem } from '../app.ts'
import {
  accessClaims,
  accessTokenOf,
  errorOf,
  gateHeaders,
  login,
  logout,
  refresh,
  refreshTokenOf,
  SAME_ORIGIN,
  startBridge,
} from '../helper.ts'
import { unobserved } from '../key-events.ts'
import { startPairedBridge } from '../paired-bridge.ts'
import { stepsOf, timingOf, told } from '../server-timing.ts'

const DEMO = { DEMO_MODE: 'true' }

test('each step of a sign-in, a refresh and a call is told, in the order in which it was taken', async (t) => {
  const { app } = await startPairedBridge(t, { ...DEMO, ODOO_RECHECK_INTERVAL: '1' })
  const signedIn = await login(app)
  t.same(told(signedIn), [
    'bridge sign_assertion.memory',
    'odoo sign_in',
    'bridge sign_access_token.memory',
    'store insert',
  ])
  const steps = stepsOf(signedIn)
  const total = Number(/^bridge;dur=(\d+\.\d), /.exec(timingOf(signedIn) ?? '')?.[1])
  t.same(
    steps,
    steps.toSorted((one, other) => one.offset - other.offset),
  )
  for (const { word, offset, duration } of steps) t.ok(offset + duration <= total + 0.2, word)

  const refreshed = await refresh(app, refreshTokenOf(signedIn))
  t.same(told(refreshed), ['store rotate', 'bridge sign_access_token.memory'])

  const out = await logout(app, refreshTokenOf(refreshed))
  t.equal(out.statusCode, 204)
  t.ok(told(out).some((step) => step.startsWith('store end')))

  t.same(told(await app.inject({ url: PATHS.jwks })), ['bridge public_keys'])
  t.match(timingOf(await app.inject({ url: '/nothing' })), /^bridge;dur=\d+\.\d$/)
})

test('a body that comes later, on a connection that is kept, belongs to its request', async (t) => {
  const { app } = await startBridge(t, DEMO)
  await app.listen({ port: 0, host: '127.0.0.1' })
  const { port } = app.server.address() as AddressInfo
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  t.teardown(() => {
    agent.destroy()
  })
  const signIn = async () => {
    const headers = { ...SAME_ORIGIN, 'content-type': 'application/json' }
    const outgoing = request({ port, path: PATHS.login, method: 'POST', headers, agent })
    const came = once(app.server, 'request')
    outgoing.flushHeaders()
    await came
    outgoing.end(JSON.stringify({ login: 'demo', password: 'demo' }))
    const [answer] = (await once(outgoing, 'response')) as [IncomingMessage]
    answer.resume()
    await once(answer, 'end')
    return String(answer.headers['server-timing']).match(/odoo;desc="authenticate@/g)?.length
  }
  t.equal(await signIn(), 1)
  t.equal(await signIn(), 1)
})

test("a call tells of Odoo's methods by their names, as far as they are on the list", async (t) => {
  const { app } = await startBridge(t, DEMO)
  const signedIn = await login(app)
  t.same(told(signedIn).slice(0, 2), ['odoo authenticate', 'odoo has_group'])
  const claims = accessClaims(accessTokenOf(signedIn))
  const called = await app.inject({ url: PATHS.protectedData, headers: gateHeaders(claims) })
  t.equal(called.statusCode, 200)
  t.equal(told(called)[0], 'store get')
  t.ok(told(called).includes('odoo search_read'))
  t.ok(
    told(called)
      .slice(1)
      .every((step) => step.startsWith('odoo ')),
  )
})

test('a step that failed is told as one, and a refused refresh too', async (t) => {
  const { app, odoo } = await startBridge(t, DEMO)
  const signedIn = await login(app)
  const claims = accessClaims(accessTokenOf(signedIn))
  odoo.failWith = 502
  const called = await app.inject({ url: PATHS.protectedData, headers: gateHeaders(claims) })
  t.equal(called.statusCode, 503)
  t.ok(told(called).some((step) => /^odoo \w+!$/.test(step)))
  await logout(app, refreshTokenOf(signedIn))
  const refused = await refresh(app, refreshTokenOf(signedIn))
  t.equal(refused.statusCode, 401)
  t.same(told(refused), ['store rotate', 'store get'])
})

test('a sign-in that lets nobody in tells nothing, whatever was wrong', async (t) => {
  const { app } = await startBridge(t, { ...DEMO, SIGN_IN_FAILURES_PER_ADDRESS: '4' })
  const { app: paired } = await startPairedBridge(t, DEMO)
  const wrong = { login: 'demo', password: 'wrong' }
  const unknown = { login: 'nobody', password: 'wrong' }
  const withoutCode = { login: 'second', password: 'second' }
  for (const bridge of [app, paired]) {
    for (const body of [wrong, unknown]) {
      const refused = await login(bridge, body)
      t.equal(errorOf(refused), 'invalid_credentials')
      t.equal(timingOf(refused), undefined, body.login)
      // The page of an app.
      const page = await openBrowser(bridge).send(requestUrl(), body)
      t.match(page.body, 'password')
      t.equal(timingOf(page), undefined, body.login)
    }
  }
  t.equal(timingOf(await login(app, withoutCode)), undefined)
  const tooMany = await login(app, wrong)
  t.equal(errorOf(tooMany), 'too_many_attempts')
  t.equal(timingOf(tooMany), undefined)
})

test('nothing that came with a request is told, nor whom it was about', async (t) => {
  const { app } = await startBridge(t, DEMO)
  const browser = openBrowser(app)
  const page = await browser.send(requestUrl(), { login: 'demo', password: 'demo' })
  t.ok(answerOf(page).get('code'))
  t.match(timingOf(page), 'odoo;desc="authenticate@')
  const signedIn = await login(app)
  const claims = accessClaims(accessTokenOf(signedIn))
  const answers = [
    page,
    signedIn,
    await app.inject({ url: `${PATHS.contacts}?search=Quinn`, headers: gateHeaders(claims) }),
    await app.inject({ url: '/api/contacts/4711', headers: gateHeaders(claims) }),
    await app.inject({ url: '/x";evil=1, gate;dur=1' }),
  ]
  await redeem(app, page)
  for (const answer of answers) {
    // stepsOf() throws where an entry is not one of the documented form.
    stepsOf(answer)
    t.notMatch(timingOf(answer), /demo|quinn|partner|4711|evil|gate|\/|uuid/i)
  }
})

/** A Vault with one key in it. */
function fakeVault(): VaultClient & { read: VaultClient['read']; hold: Promise<void> } {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const pem = privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
  const public_key = publicKey.export({ format: 'pem', type: 'spki' }).toString()
  const answers: Record<string, unknown> = {
    'transit/keys/a-key': {
      data: { keys: { 1: { creation_time: '2020-01-01T00:00:00Z', public_key } } },
    },
    'transit/export/signing-key/a-key': { data: { keys: { 1: pem } } },
    'secret/data/drawbridge': {
      data: { data: { current: 'one', keys: { one: randomBytes(32).toString('base64') } } },
    },
  }
  const vault = {
    hold: Promise.resolve(),
    read: async <T>(path: string) => {
      await vault.hold
      return answers[path] as T
    },
    write: () => Promise.reject(new Error('not here')),
    close: () => undefined,
  }
  return vault
}

test('A1, A11.1: whether the key came from memory, from Vault, or with a call of another request', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(serverTimings)
  const watch = createWatch('a-key')
  const vault = fakeVault()
  const open = (maxAge: number) => {
    const keys = watch.keys(
      vaultKeys(
        {
          custody: 'fetched',
          address: '',
          roleId: '',
          secretIdFile: '',
          transitMount: 'transit',
          transitKey: 'a-key',
          kvMount: 'secret',
          kvPath: 'drawbridge',
          pollInterval: 3600,
          maxAge,
          jwksMaxAge: 1,
          signedFor: 1,
          events: unobserved,
          log: app.log,
        },
        watch.vault(vault),
      ),
    )
    t.teardown(keys.close)
    return keys
  }
  const [patient, forgetful] = [open(3600), open(0.0001)]
  const sign = ({ signer }: typeof patient) => signer.sign('at+jwt', {})
  app.get('/patient', () => sign(patient))
  app.get('/forgetful', () => sign(forgetful))
  await patient.secrets.current()
  await forgetful.secrets.current()
  // What is fetched when the keys are opened may still be under way.
  await sign(patient)

  const fromMemory = await app.inject('/patient')
  t.same(told(fromMemory), ['vault export_key', 'bridge sign_access_token.memory'])
  t.ok((stepsOf(fromMemory)[0]?.offset ?? 0) < 0, 'it was fetched before')
  t.same(told(await app.inject('/forgetful')), [
    'bridge sign_access_token.vault',
    'vault read_key',
    'vault export_key',
    'vault read_secrets',
  ])

  let open_ = () => {}
  vault.hold = new Promise((resolve) => {
    open_ = resolve
  })
  const both = [app.inject('/forgetful'), app.inject('/forgetful')]
  // Both are on their way before Vault answers.
  await new Promise(setImmediate)
  open_()
  const answers = (await Promise.all(both)).map((answer) => told(answer)[0])
  t.same(answers.toSorted(), ['bridge sign_access_token.shared', 'bridge sign_access_token.vault'])
})

test('a request that does very much tells of the first steps, and how many more there were', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  await app.register(serverTimings)
  const http = createWatch('a-key').odooHttp({
    send: () => Promise.resolve({ status: 200, text: '', setCookies: [] }),
    close: () => Promise.resolve(),
  })
  app.get('/', async () => {
    for (let i = 0; i < 40; i++) await http.send({ method: 'GET', path: '/a/path' })
    return 'ok'
  })
  const timing = timingOf(await app.inject('/')) ?? ''
  t.equal(timing.split('odoo;desc="call@').length - 1, 32)
  t.match(timing, /, omitted;desc="8"$/)
  t.ok(timing.length < 2000)
})

test('without demo mode no answer of any route has the header, and nothing is wrapped', async (t) => {
  // Of the one the addon's own routes; of the other those that ask an Odoo as it comes.
  const [paired, stock] = [await startPairedBridge(t), await startBridge(t)]
  for (const { app } of [paired, stock]) {
    await app.ready()
    const signedIn = await login(app)
    const claims = accessClaims(accessTokenOf(signedIn))
    const answers = [
      signedIn,
      await refresh(app, refreshTokenOf(signedIn)),
      await app.inject({ url: PATHS.jwks }),
      await app.inject({ url: '/nothing' }),
    ]
    if (app === stock.app) {
      answers.push(await app.inject({ url: PATHS.protectedData, headers: gateHeaders(claims) }))
      t.equal(answers.at(-1)?.statusCode, 200)
    }
    t.same(
      answers.slice(0, 4).map(({ statusCode }) => statusCode),
      [200, 200, 200, 404],
    )
    const paths = Object.entries(openApiOf(app).paths)
    t.ok(paths.length > 20)
    for (const [path, methods] of paths) {
      for (const method of Object.keys(methods)) {
        const url = path.replaceAll(/\{\w+\}/g, '1')
        answers.push(await app.inject({ method: method.toUpperCase() as 'GET', url }))
      }
    }
    for (const answer of answers) t.equal(timingOf(answer), undefined)
  }
  t.equal(loadConfig(MINIMAL).DEMO_MODE, false, 'nobody gets it unasked')
})

const MINIMAL = {
  ISSUER: 'http://localhost:8080',
  ODOO_URL: 'http://127.0.0.1:8069',
  ODOO_DATABASE: 'drawbridge',
  ODOO_DATABASE_UUID: 'the-uuid',
  KEY_CUSTODY: 'file',
  KEY_FILE: 'keys.json',
  GATE_CREDENTIAL_FILE: 'credential',
}
