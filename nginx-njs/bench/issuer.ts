/** Issuers whose tokens the gate lets through: real bridges, with their keys at hand. */
import { createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startBridge } from '../../bridge/bench/bridge.ts'
import { apiAudience, PATHS } from '@drawbridge/bridge/contract'
import type { Minting } from './tokens.ts'

export interface Issuer {
  /** Where its bridge listens. */
  origin: string
  /** What the gate proves itself to the bridge with. */
  credential: string
  /** PEM. */
  publicKey: string
  /** How to sign as it does. */
  minting: Minting
  stop: () => Promise<void>
}

export interface IssuerOptions {
  /** Holds keys and sessions, and may do so already. */
  folder: string
  odooUrl: string
  issuer: string
  alg: Minting['alg']
  /** Seconds: life of its tokens, and so of its revocations. */
  ttl: number
}

/** Starts a bridge on SQLite, with its key in a file. */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const { folder, odooUrl, issuer, alg, ttl } = options
  const { origin, authorization, part } = await startBridge('sqlite', {
    folder,
    odooUrl,
    databaseUrl: '',
    environment: { ISSUER: issuer, KEY_FILE_ALGORITHM: alg, ACCESS_TOKEN_TTL: String(ttl) },
  })
  const { signing_key: pem } = JSON.parse(readFileSync(join(folder, 'keys.json'), 'utf8')) as {
    signing_key: string
  }
  return {
    origin,
    credential: authorization.replace('Bearer ', ''),
    publicKey: createPublicKey(pem).export({ format: 'pem', type: 'spki' }).toString(),
    minting: {
      ...{ pem, alg, kid: await publishedKid(origin) },
      ...{ issuer, audience: apiAudience(issuer), ttl },
    },
    stop: () => part.stop(),
  }
}

async function publishedKid(origin: string): Promise<string> {
  const response = await fetch(`${origin}${PATHS.jwks}`)
  const { keys } = (await response.json()) as { keys: { kid: string }[] }
  const [key] = keys
  if (key === undefined) throw new Error('The bridge publishes no key.')
  return key.kid
}
