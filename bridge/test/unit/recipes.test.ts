/** docs/recipes.md: what people paste from there works, as far as that can be seen without their programs. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type Test } from 'tap'
import { parseClients } from '../../src/clients/parse.ts'
import type { ClientEntry } from '../../src/clients/schema.ts'
import { PATHS, type OAuthTokenResponse } from '../../src/contract/index.ts'
import { redeem, startWithBrowser } from '../app.ts'
import { errorOf, SAME_ORIGIN, startBridge } from '../helper.ts'
import { post, registering, SECRET, sha256 } from '../registered-clients.ts'

const PAGE = readFileSync(join(import.meta.dirname, '../../../docs/recipes.md'), 'utf8')

/** What stands below a heading. */
const sections = new Map(
  PAGE.split(/^## /m)
    .slice(1)
    .map((text) => [text.slice(0, text.indexOf('\n')), text] as const),
)

/** What is to be pasted from a section, of one language. */
const blocks = (section: string, language: string): string[] =>
  [...section.matchAll(/^```(\w+)\n(.*?)^```$/gms)].flatMap(([, kind, text = '']) =>
    kind === language ? [text] : [],
  )

const entryOf = (name: string): string => blocks(sections.get(name) ?? '', 'json')[0] ?? ''

test('every entry is one that the bridge takes', (t) => {
  const names = [...sections.keys()].filter((name) => name !== 'What holds for all')
  t.equal(names.length, 9)
  const entries = names.map((name) => {
    t.equal(blocks(sections.get(name) ?? '', 'json').length, 1, name)
    return JSON.parse(entryOf(name)) as ClientEntry
  })
  const clients = parseClients(entries, {
    issuer: 'https://id.example.com',
    databaseUuid: '',
    accessTokenTtl: 600,
    refreshIdleTtl: 6 * 86_400,
    refreshAbsoluteTtl: 180 * 86_400,
    machineClients: false,
    idTokenKey: true,
  })
  t.equal(clients.size, entries.length + 1, 'and the PWA')
  t.end()
})

test('what a program is told of its client is what the entry says', (t) => {
  for (const [name, text] of sections) {
    if (name === 'What holds for all') continue
    const { client_id, redirect_uris = [] } = JSON.parse(entryOf(name)) as ClientEntry
    const settings = ['sh', 'js', 'ini', 'ruby', 'toml', 'kotlin']
      .flatMap((language) => blocks(text, language))
      .join('\n')
    t.match(settings, client_id, name)
    for (const named of settings.matchAll(/https:\/\/\w+\.example\.com\/\S*callback\b/g)) {
      t.ok(redirect_uris.includes(named[0]), `${name}: ${named[0]}`)
    }
  }
  t.end()
})

test('what the page links to on itself is there', (t) => {
  const anchors = [...PAGE.matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const [, anchor = ''] of PAGE.matchAll(/\]\(#([\w-]+)\)/g)) {
    t.ok(anchors.includes(anchor), anchor)
  }
  t.end()
})

/** An address on this machine where nothing listens. */
async function freeOrigin(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return `http://127.0.0.1:${port}`
}

/** Starts the server that the page has, with other addresses. @returns its origin, and the bridge's */
async function startServer(t: Test) {
  const [app, issuer] = [await freeOrigin(), await freeOrigin()]
  const here = (text: string) =>
    text.replaceAll('https://app.example.com', app).replaceAll('https://id.example.com', issuer)
  const entry = JSON.parse(here(entryOf('A web server'))) as ClientEntry
  const bridge = await startBridge(t, {
    ...registering(t, { ...entry, client_secret_sha256: sha256(SECRET) }),
    ISSUER: issuer,
  })
  await bridge.app.listen({ port: Number(new URL(issuer).port), host: '127.0.0.1' })

  const [code = ''] = blocks(sections.get('A web server') ?? '', 'js')
  const proof = 'openid.ClientSecretBasic(CLIENT_SECRET),'
  t.match(code, proof)
  // As the page says for plain http on loopback.
  const insecure = `${proof} { execute: [openid.allowInsecureRequests] },`
  const folder = t.testdir({ 'server.mjs': here(code).replace(proof, insecure) })
  const child = spawn(process.execPath, ['server.mjs'], {
    cwd: folder,
    env: { CLIENT_SECRET: SECRET, PORT: new URL(app).port },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null) await once(child, 'exit')
  })
  let faults = ''
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    faults += chunk
  })
  await Promise.race([
    once(child.stdout, 'data'),
    once(child, 'exit').then(() => Promise.reject(new Error(faults))),
  ])
  return { app, faults: () => faults }
}

/** A browser that keeps cookies, and follows nothing by itself. */
function openJar() {
  const jar = new Map<string, string>()
  return async (url: string, fields?: Record<string, string>) => {
    const response = await fetch(url, {
      redirect: 'manual',
      method: fields ? 'POST' : 'GET',
      headers: {
        ...SAME_ORIGIN,
        cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '),
      },
      ...(fields ? { body: new URLSearchParams(fields) } : {}),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(cookie) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    const next = location === null ? '' : new URL(location, url).href
    return { status: response.status, next, text: await response.text() }
  }
}

test('the web server of the page signs somebody in, and out', async (t) => {
  const { app, faults } = await startServer(t)
  const browse = openJar()
  t.equal((await browse(`${app}/`)).text, 'Nobody is in.')
  const form = await browse(`${app}/login`)
  t.equal((await browse(form.next)).status, 200)
  const back = await browse(form.next, { login: 'demo', password: 'demo' })
  t.match(back.next, `${app}/callback?code=`)

  const stranger = await openJar()(back.next)
  t.equal(stranger.next, `${app}/login`, 'another browser has not begun this')
  const other = openJar()
  await other(`${app}/login`)
  t.equal((await other(back.next)).status, 502, 'nor this one')
  t.match(faults(), /state/)

  const home = await browse(back.next)
  t.equal(home.next, `${app}/`)
  t.equal((await browse(home.next)).text, 'Hello Marc Demo, you are user 6 of Odoo.')
  t.equal((await browse(`${app}/logout`)).next, `${app}/`, 'by a link nobody is signed out')
  t.match((await browse(`${app}/`)).text, /^Hello/)
  const out = await browse(`${app}/logout`, {})
  t.match(out.next, '/oauth/logout?')
  t.equal((await browse(out.next)).next, `${app}/`)
  t.equal((await browse(`${app}/`)).text, 'Nobody is in.')
})

test('oauth2-proxy signs out by a request of its own, without the browser', async (t) => {
  const { app, signIn } = await startWithBrowser(t)
  const tokens: OAuthTokenResponse = await redeem(app, await signIn())
  const [settings = ''] = blocks(sections.get('oauth2-proxy') ?? '', 'toml')
  const setting = /^backend_logout_url = "https:\/\/id\.example\.com(.+)"$/m.exec(settings)?.[1]
  const url = (setting ?? '').replace('{id_token}', tokens.id_token ?? '')
  t.match(url, `${PATHS.endSession}?`)
  t.equal((await app.inject({ url })).statusCode, 200, 'what it takes for success')
  const refresh = { grant_type: 'refresh_token', client_id: 'other-app' }
  const { refresh_token } = tokens
  t.equal(errorOf(await post(app, PATHS.token, { ...refresh, refresh_token })), 'invalid_grant')
})
