/** An issuer whose keys a test may change: it publishes them over HTTP and signs with the newest. */
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What can be signed with one key, as long as it is trusted. */
export interface Signatures {
  kid: string
  /** An access token for an Odoo user, good for ten minutes. @see RFC 9068 */
  accessToken(uid: number, audience: string, claims?: Record<string, unknown>): string
  /** What proves to the addon that a bridge makes this request. */
  assertion(path: string, body: string, audience: string): string
}

export interface Issuer extends Signatures {
  /** Its address, the `iss` of its tokens. */
  url: string
  /** How often its keys were fetched. */
  fetches: number
  /** Whether it answers at all. */
  isDown: boolean
  /** Withdraws its key and publishes another one. @returns what can be signed with the old one */
  rotate(): Signatures
  /** Lets who asks for its keys wait. */
  hold(): { asked: Promise<unknown>; release: () => void }
  close(): Promise<void>
}

interface Key {
  kid: string
  privateKey: KeyObject
  publicKey: KeyObject
}

const newKey = (): Key => ({
  kid: randomUUID(),
  ...generateKeyPairSync('ec', { namedCurve: 'P-256' }),
})

const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** Signs as an issuer does whose address is `url`; the key need not be one that it publishes. */
export function signatures(url: string, key: Key = newKey()): Signatures {
  const jwt = (typ: string, claims: object): string => {
    const input = `${encode({ typ, alg: 'ES256', kid: key.kid })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(input), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    })
    return `${input}.${signature.toString('base64url')}`
  }
  const now = () => Math.floor(Date.now() / 1000)
  return {
    kid: key.kid,
    accessToken(uid, audience, claims = {}) {
      const iat = now()
      const ids = { client_id: 'test', jti: randomUUID(), sid: randomUUID() }
      const times = { iat, exp: iat + 600, auth_time: iat }
      const subject = { iss: url, aud: audience, sub: String(uid), scope: 'odoo.read odoo.write' }
      return jwt('at+jwt', { ...subject, ...ids, ...times, ...claims })
    },
    assertion(path, body, audience) {
      const digest = createHash('sha256').update(body).digest('base64')
      const request = { htm: 'POST', htu: path, content_digest: `sha-256=:${digest}:` }
      const times = { iat: now(), exp: now() + 60 }
      return jwt('drawbridge-assertion+jwt', {
        ...{ iss: url, aud: audience, jti: randomUUID() },
        ...times,
        ...request,
      })
    },
  }
}

/** Starts one on a free port of 127.0.0.1. */
export async function startIssuer(): Promise<Issuer> {
  let key = newKey()
  let held: Promise<unknown> = Promise.resolve()
  let tellAsked: () => void = () => undefined
  const server = createServer((_request, response) => {
    issuer.fetches++
    tellAsked()
    const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256' }
    void held.then(() => {
      response.statusCode = issuer.isDown ? 503 : 200
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify({ keys: [{ ...jwk, use: 'sig' }] }))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const issuer: Issuer = {
    ...signatures(url, key),
    url,
    fetches: 0,
    isDown: false,
    rotate() {
      const withdrawn = signatures(url, key)
      key = newKey()
      Object.assign(issuer, signatures(url, key))
      return withdrawn
    },
    hold() {
      const asked = Promise.withResolvers<undefined>()
      const released = Promise.withResolvers<undefined>()
      held = released.promise
      tellAsked = () => {
        asked.resolve(undefined)
      }
      return {
        asked: asked.promise,
        release: () => {
          released.resolve(undefined)
        },
      }
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
  return issuer
}
