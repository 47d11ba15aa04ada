/** What a run needs before anything is measured: issuers, tokens, servers. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { insertRevokedSessions } from '../../bridge/bench/revoked-sessions.ts'
import { startFakeOdoo } from '../../bridge/test/fake-odoo.ts'
import { startChild } from '../../e2e/bench/child.ts'
import type { Undo } from '../../e2e/bench/command.ts'
import { startIssuer, type Issuer } from './issuer.ts'
import { LOCATIONS, startNginx, startUpstream, type LocationName, type Nginx } from './nginx.ts'
import { firstToken, mintTokens, type Minting } from './tokens.ts'
import type { VerifierJob, VerifierReady } from './verifier.ts'
import type { TokenFile } from './wrk.ts'

/** That many have been seen, and are live. */
export const LIVE_TOKENS = 100_000
const REVOCATIONS = 100_000
/** More than nginx can verify in a turn, and not many more: signing by RSA takes long. */
const RS256_TOKENS = 36_000

/** Seconds: what the gate accepts by default, and longer than a run. */
const TOKEN_TTL = 3600

/** Where a run puts its files, and what it has to give back. */
export interface Run {
  undo: Undo
  /** A path in the run's folder. */
  within: (name: string) => string
}

export interface Issuers {
  empty: Issuer
  /** The same, and many revocations. */
  revoked: Issuer
  /** One of them. */
  revokedSid: string
  rs256: Issuer
}

/** Starts the bridges. */
export async function startIssuers({ undo, within }: Run): Promise<Issuers> {
  const odoo = await startFakeOdoo()
  undo.push(() => odoo.close())
  const start = async (name: string, issuer: string, alg: 'ES256' | 'RS256'): Promise<Issuer> => {
    const options = { folder: within(name), odooUrl: odoo.url, issuer, alg, ttl: TOKEN_TTL }
    const started = await startIssuer(options)
    undo.push(() => started.stop())
    return started
  }
  const empty = await start('bridge', 'http://localhost:8080', 'ES256')
  // Its tokens are to be as good at both.
  mkdirSync(within('bridge-revoked'), { mode: 0o700 })
  copyFileSync(within('bridge/keys.json'), within('bridge-revoked/keys.json'))
  const revokedSid = await insertRevokedSessions(
    within('bridge-revoked/sessions.sqlite'),
    REVOCATIONS,
  )
  return {
    empty,
    revoked: await start('bridge-revoked', 'http://localhost:8080', 'ES256'),
    revokedSid,
    rs256: await start('bridge-rs256', 'http://localhost:8081', 'RS256'),
  }
}

export interface Tokens {
  live: TokenFile
  one: TokenFile
  rs256: TokenFile
  oneRs256: TokenFile
  /** Of a session that was ended. */
  revoked: TokenFile
}

/** Mints all tokens. @param update told what is being minted */
export async function mintAll(
  { within }: Run,
  { empty, rs256, revokedSid }: Issuers,
  update: (text: string) => void,
): Promise<Tokens> {
  mkdirSync(within('tokens'), { mode: 0o700 })
  const mint = (minting: Minting, count: number, name: string): Promise<TokenFile> => {
    update(`${count} by ${minting.alg}`)
    return mintTokens(minting, count, within(`tokens/${name}`))
  }
  return {
    one: await mint(empty.minting, 1, 'one'),
    live: await mint(empty.minting, LIVE_TOKENS, 'live'),
    oneRs256: await mint(rs256.minting, 1, 'one-rs256'),
    rs256: await mint(rs256.minting, RS256_TOKENS, 'rs256'),
    revoked: await mint({ ...empty.minting, sid: revokedSid }, 1, 'revoked'),
  }
}

export interface Servers {
  /** Knows all live tokens. */
  main: Nginx
  /** Is started anew before each turn. */
  fresh: Nginx
  /** Has loaded the revocations. */
  revoked: Nginx
  verifierPid: number
}

/** The same token under a signature that is wrong in one place. */
const forged = (token: string): string => {
  const at = token.length - 20
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}

/** @throws Error unless each location serves the file, and those that protect it do protect it */
async function checkLocations(
  nginx: Nginx,
  tokens: Record<'es256' | 'rs256', string>,
): Promise<void> {
  for (const [name, asksFor] of Object.entries(LOCATIONS)) {
    const location = name as LocationName
    const token = tokens[asksFor ?? 'es256']
    if (!(await nginx.lets(location, token))) throw new Error(`${name} does not serve the file.`)
    const isProtected = !(await nginx.lets(location, forged(token)))
    if (isProtected !== (asksFor !== undefined)) {
      throw new Error(`${name} is ${isProtected ? '' : 'not '}protected.`)
    }
  }
}

/** @throws Error unless one gate has loaded all revocations and goes by them, and the other has none */
async function checkRevocations({ main, revoked }: Servers, token: string): Promise<void> {
  const { revocations } = await revoked.zones()
  if (revocations < REVOCATIONS) throw new Error(`Only ${revocations} revocations were loaded.`)
  if (await revoked.lets('gate', token)) throw new Error('A revoked token was let through.')
  if (!(await main.lets('gate', token))) throw new Error('A good token was refused.')
}

/** Starts all that is measured. */
export async function startServers(
  { undo, within }: Run,
  issuers: Issuers,
  tokens: Tokens,
): Promise<Servers> {
  const upstream = await startUpstream(within('upstream'))
  undo.push(() => upstream.stop())
  const verifier = startChild(join(import.meta.dirname, 'verifier.ts'))
  undo.push(() => verifier.stop())
  const { publicKey, minting } = issuers.empty
  const job: VerifierJob = { publicKey, issuer: minting.issuer, audience: minting.audience }
  verifier.send(job)
  const { port } = await verifier.answer<VerifierReady>()
  const good = { es256: firstToken(tokens.one), rs256: firstToken(tokens.oneRs256) }
  const start = async (name: string, es256: Issuer): Promise<Nginx> => {
    const nginx = await startNginx({
      folder: within(name),
      es256,
      rs256: issuers.rs256,
      upstreamPort: upstream.port,
      verifierPort: port,
      tokens: good,
    })
    undo.push(() => nginx.stop())
    await checkLocations(nginx, good)
    return nginx
  }
  const servers: Servers = {
    main: await start('nginx', issuers.empty),
    fresh: await start('nginx-fresh', issuers.empty),
    revoked: await start('nginx-revoked', issuers.revoked),
    verifierPid: verifier.pid,
  }
  await checkRevocations(servers, firstToken(tokens.revoked))
  return servers
}
