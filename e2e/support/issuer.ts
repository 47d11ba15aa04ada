/** An issuer whose keys a test may change: it publishes them over HTTP and signs with the newest. */
import { createHash, generateKeyPairSync, randomUUID, sign, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Issuer {
  /** Its address, the `iss` of its tokens. */
  url: string
  /** An access token for an Odoo user, good for ten minutes. @see RFC 9068 */
  accessToken(uid: number, audience: string, claims?: Record<string, unknown>): string
  /** What proves that a request is the bridge's: for one path and body, good for a minute. */
  assertion(path: string, body: string, audience: string): string
  /** Withdraws its key and publishes another one. */
  rotate(): void
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

/** Starts one on a free port of 127.0.0.1. */
export async function startIssuer(): Promise<Issuer> {
  let key = newKey()
  const server = createServer((_request, response) => {
    const jwk = { ...key.publicKey.export({ format: 'jwk' }), kid: key.kid, alg: 'ES256' }
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ keys: [{ ...jwk, use: 'sig' }] }))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const signed = (typ: string, claims: object): string => {
    const input = `${encode({ typ, alg: 'ES256', kid: key.kid })}.${encode(claims)}`
    const signature = sign('sha256', Buffer.from(input), {
      key: key.privateKey,
      dsaEncoding: 'ieee-p1363',
    })
    return `${input}.${signature.toString('base64url')}`
  }
  return {
    url,
    accessToken(uid, audience, claims = {}) {
      const iat = Math.floor(Date.now() / 1000)
      const ids = { client_id: 'test', jti: randomUUID(), sid: randomUUID() }
      const times = { iat, exp: iat + 600, auth_time: iat }
      const subject = { iss: url, aud: audience, sub: String(uid), scope: 'odoo.read odoo.write' }
      return signed('at+jwt', { ...subject, ...ids, ...times, ...claims })
    },
    assertion(path, body, audience) {
      const iat = Math.floor(Date.now() / 1000)
      const content_digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
      const request = { htm: 'POST', htu: path, content_digest }
      const times = { iat, exp: iat + 60, jti: randomUUID() }
      return signed('drawbridge-assertion+jwt', { iss: url, aud: audience, ...times, ...request })
    },
    rotate() {
      key = newKey()
    },
    async close() {
      server.close()
      server.closeAllConnections()
      await once(server, 'close')
    },
  }
}
