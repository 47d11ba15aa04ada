import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { FastifyInstance } from 'fastify'
import {
  CONTINUE_PATH,
  ODOO_EVENTS_PATH,
  ODOO_PROOF_TYP,
  SCOPE_READ,
  type OdooProofClaims,
  type OdooRevocations,
} from '../src/contract/index.ts'
import { OWN_PARTNER, OWN_USER } from './fake-odoo.ts'

/** A key for events, as the addon makes it. */
export interface AddonKey {
  kid: string
  privateKey: KeyObject
  publicJwk: object
}

export function newAddonKey(): AddonKey {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const { crv, kty, x, y } = publicKey.export({ format: 'jwk' })
  const members = JSON.stringify({ crv, kty, x, y })
  const kid = createHash('sha256').update(members).digest('base64url')
  return { kid, privateKey, publicJwk: { kty, crv, x, y, kid, alg: 'ES256', use: 'sig' } }
}

export interface FakeAddon {
  url: string
  key: AddonKey
  /** Names of the calls that were answered. */
  calls: string[]
  /** Stamps of those who may sign in. */
  stamps: Map<number, string>
  groups: string[]
  /** Who is signed in to Odoo's own pages, and how. */
  atOdoo: { uid: number; amr: string[]; auth_time: number; browser: string }
  /** Uid by what `lookup` asks for, as JSON. */
  accounts: Map<string, number>
  /** The login of whom `lookup` finds, where that is not what was asked for. */
  loginOf?: (uid: number) => string
  /** Uids of those whom Odoo asks for a second factor. */
  withSecondFactor: Set<number>
  /** Browsers that were signed out of Odoo's own pages. */
  signedOut: Set<string>
  /** Calls of `sign_out`, as they were asked. */
  signOuts: unknown[]
  /**
   * A browser at Odoo's hand-off route.
   * @param address where the bridge sent it
   * @returns the query with which it is sent back
   */
  handOff(address: string): URLSearchParams
  /** The kids that it takes after a fetch. */
  kids: string[]
  /** What it was told to refuse, list by list. */
  refused: OdooRevocations[]
  /** That the addon tells beside them. */
  roles: string[]
  /** What Odoo calls the user. */
  userName: string
  /** Answers with this HTTP status from now on. */
  failWith: number | undefined
  /** Resolves when a call of this name has been answered after now, also where it failed. */
  answered(name: string): Promise<void>
}

/** Uid by login; the password is the login. */
const USERS: Record<string, number> = { demo: 6, other: 7 }

/** Speaks the addon's API, as far as sign-in, checks and events need it. */
export async function startFakeAddon(t: { teardown: (end: () => unknown) => void }) {
  const waiting = new Map<string, (() => void)[]>()

  const profile = (uid: number) =>
    fake.stamps.has(uid)
      ? { uid, active: true, groups: fake.groups, roles: fake.roles, stamp: fake.stamps.get(uid) }
      : { uid, active: false }

  const codes = new Map<string, string>()

  const redeem = (code: string, verifier: string): unknown => {
    const challenge = codes.get(code)
    codes.delete(code)
    if (challenge !== createHash('sha256').update(verifier).digest('base64url')) {
      return { outcome: 'denied' }
    }
    return { outcome: 'identity', ...fake.atOdoo, ...profile(fake.atOdoo.uid) }
  }

  const answer = (name: string, asked: Record<string, unknown>): unknown => {
    switch (name) {
      case 'hello':
        return { client_address: '192.0.2.1', event_key: fake.key.publicJwk }
      case 'sign_in': {
        const uid = USERS[String(asked['login'])]
        const known = uid !== undefined && asked['password'] === asked['login']
        return known && fake.stamps.has(uid)
          ? { outcome: 'identity', amr: ['pwd'], ...profile(uid) }
          : { outcome: 'denied' }
      }
      case 'keys':
        return { kids: fake.kids }
      case 'revocations':
        fake.refused.push(asked as unknown as OdooRevocations)
        return {}
      case 'profile':
        return profile(Number(asked['uid']))
      case 'redeem':
        return redeem(String(asked['code']), String(asked['code_verifier']))
      case 'lookup': {
        const uid = fake.accounts.get(JSON.stringify(asked)) ?? USERS[String(asked['login'])]
        if (uid === undefined) return { uid: null, active: false }
        const login = fake.loginOf?.(uid) ?? asked['login'] ?? 'demo'
        return { login, second_factor: fake.withSecondFactor.has(uid), ...profile(uid) }
      }
      case 'browsers':
        return {
          signed_out: (asked['browsers'] as string[]).filter((it) => fake.signedOut.has(it)),
        }
      case 'sign_out':
        fake.signOuts.push(asked)
        return { ended: true }
      default: {
        const uids = asked['uids'] as number[]
        const found = uids.flatMap((uid) => {
          const stamp = fake.stamps.get(uid)
          return stamp === undefined ? [] : [[String(uid), stamp]]
        })
        return { stamps: Object.fromEntries(found) as unknown }
      }
    }
  }

  /** What a user reads of themselves; Odoo lets those who bring `odoo.read` read, and nobody else. */
  const readOf = ({ url, headers }: IncomingMessage): unknown => {
    const model = /\/call\/([\w.]+)\/read$/.exec(url ?? '')?.[1]
    if (model === undefined) return undefined
    const [, claims = ''] = (headers.authorization ?? '').split('.')
    const { scope } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as { scope: string }
    if (!scope.split(' ').includes(SCOPE_READ)) {
      const name = 'odoo.addons.auth_drawbridge.exceptions.InsufficientScope'
      return { error: { message: 'Odoo Server Error', data: { name } } }
    }
    return { result: [model === 'res.users' ? { ...OWN_USER, name: fake.userName } : OWN_PARTNER] }
  }

  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const name = request.url?.split('/').at(-1) ?? ''
      response.on('close', () => {
        for (const tell of waiting.get(name) ?? []) tell()
        waiting.delete(name)
      })
      if (fake.failWith !== undefined) {
        response.writeHead(fake.failWith).end('broken')
        return
      }
      fake.calls.push(name)
      const asked = JSON.parse(Buffer.concat(chunks).toString() || '{}') as Record<string, unknown>
      response.end(JSON.stringify(readOf(request) ?? answer(name, asked)))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.close()
    server.closeAllConnections()
  })

  const fake: FakeAddon = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    key: newAddonKey(),
    calls: [],
    stamps: new Map([
      [6, 'stamp 6'],
      [7, 'stamp 7'],
    ]),
    groups: ['base.group_user'],
    atOdoo: { uid: 6, amr: ['pop'], auth_time: 1_700_000_000, browser: 'B'.repeat(42) },
    accounts: new Map(),
    withSecondFactor: new Set(),
    signedOut: new Set(),
    signOuts: [],
    handOff: (address) => {
      const { searchParams } = new URL(address)
      const code = randomUUID()
      codes.set(code, searchParams.get('code_challenge') ?? '')
      const state = searchParams.get('state') ?? ''
      return new URLSearchParams({ code, state, iss: 'odoo:the-uuid' })
    },
    kids: [],
    refused: [],
    roles: [],
    userName: OWN_USER.name,
    failWith: undefined,
    answered: (name) =>
      new Promise((resolve) => waiting.set(name, [...(waiting.get(name) ?? []), resolve])),
  }
  return fake
}

/**
 * All the way of "Continue with Odoo", in one browser.
 * @returns the bridge's answer to who came back
 */
export async function continueWithOdoo(app: FastifyInstance, addon: FakeAddon) {
  const page = { 'sec-fetch-dest': 'document' }
  const path = `${CONTINUE_PATH}/odoo`
  const begun = await app.inject({ url: path, headers: page })
  const query = addon.handOff(begun.headers.location ?? '')
  const cookies = Object.fromEntries(begun.cookies.map(({ name, value }) => [name, value]))
  return app.inject({ url: `${path}/callback?${query.toString()}`, headers: page, cookies })
}

/** A request as the addon would sign it, with other claims or another header where a test says so. */
export function signRequest(
  key: AddonKey,
  path: string,
  about: object,
  audience: string,
  changes: Partial<Record<keyof OdooProofClaims, unknown>> = {},
  header: { typ?: string; kid?: string } = {},
): { body: string; proof: string } {
  const body = JSON.stringify(about)
  const iat = Math.floor(Date.now() / 1000)
  const claims = {
    iss: 'odoo:the-uuid',
    aud: audience,
    iat,
    exp: iat + 60,
    jti: randomUUID(),
    htm: 'POST',
    htu: path,
    content_digest: `sha-256=:${createHash('sha256').update(body).digest('base64')}:`,
    ...changes,
  }
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString('base64url')
  // By hand: a library would put the claims right that a test wants wrong.
  const input = `${encode({ alg: 'ES256', typ: ODOO_PROOF_TYP, kid: key.kid, ...header })}.${encode(claims)}`
  const signature = sign('sha256', Buffer.from(input), {
    key: key.privateKey,
    dsaEncoding: 'ieee-p1363',
  })
  return { body, proof: `${input}.${signature.toString('base64url')}` }
}

/** An event, which carries its id in its body, too. */
export function signEvent(
  key: AddonKey,
  about: object,
  audience: string,
  changes: Partial<Record<keyof OdooProofClaims, unknown>> = {},
  header: { typ?: string; kid?: string } = {},
): { body: string; proof: string } {
  const id = randomUUID()
  const claims = { jti: id, ...changes }
  return signRequest(key, ODOO_EVENTS_PATH, { ...about, id }, audience, claims, header)
}
