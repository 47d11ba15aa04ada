/**
 * Mints access tokens as the bridge does, in a process of its own: it takes one {@link MintJob},
 * writes the tokens into a file, one a line, and answers with `{}`.
 */
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { finished } from 'node:stream/promises'
import { ACCESS_TOKEN_TYP } from '@drawbridge/bridge/contract'
import { createSigner } from 'fast-jwt'
import { claims, now } from '../test/support/tokens.ts'

export interface MintJob {
  /** Of the signing key. */
  pem: string
  alg: 'ES256' | 'RS256'
  kid: string
  issuer: string
  audience: string
  /** Seconds. */
  ttl: number
  /** Of the first token; each is another user's. */
  sub: number
  /** Of all tokens; without, each has its own. */
  sid?: string
  count: number
  file: string
}

async function mint({ pem, alg, kid, issuer, audience, ttl, sub, sid, count, file }: MintJob) {
  const header = { alg, typ: ACCESS_TOKEN_TYP }
  const signer = createSigner({ key: pem, algorithm: alg, kid, header })
  const lines = createWriteStream(file, { mode: 0o600 })
  for (let index = 0; index < count; index++) {
    const exp = now() + ttl
    const own = {
      iss: issuer,
      aud: audience,
      sub: String(sub + index),
      sid: sid ?? crypto.randomUUID(),
    }
    const line = `${signer(claims({ ...own, exp, iat: exp - ttl }))}\n`
    // Waiting also lets this process notice that the other one is gone.
    if (!lines.write(line)) await once(lines, 'drain')
  }
  lines.end()
  await finished(lines)
}

process.on('message', (job: MintJob) => {
  mint(job)
    .then(() => process.send?.({}))
    .catch((error: unknown) => {
      throw error
    })
})
process.on('disconnect', () => {
  process.exit()
})
