/** Files of access tokens, signed with a bridge's own key. */
import { readFileSync } from 'node:fs'
import { appendFile, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { startChild } from '../../e2e/bench/child.ts'
import { ALL_CORES, pin } from './cores.ts'
import type { MintJob } from './mint.ts'
import type { TokenFile } from './wrk.ts'

const MINT = join(import.meta.dirname, 'mint.ts')

/** Who signs, and for whom. */
export type Minting = Pick<MintJob, 'pem' | 'alg' | 'kid' | 'issuer' | 'audience' | 'ttl' | 'sid'>

/** Mints `count` tokens, with one process on each core. */
export async function mintTokens(
  minting: Minting,
  count: number,
  path: string,
): Promise<TokenFile> {
  const share = Math.ceil(count / ALL_CORES.length)
  const parts = await Promise.all(
    ALL_CORES.map(async (_, index) => {
      const child = startChild(MINT)
      try {
        // This process may keep off some core, but nothing is measured yet.
        await pin(child.pid, ALL_CORES)
        const first = index * share
        const file = `${path}.${index}`
        const job: MintJob = {
          ...minting,
          sub: first + 1,
          count: Math.max(0, Math.min(share, count - first)),
          file,
        }
        child.send(job)
        await child.answer()
        return file
      } finally {
        await child.stop()
      }
    }),
  )
  for (const part of parts) {
    await appendFile(path, await readFile(part), { mode: 0o600 })
    await rm(part)
  }
  return { path, count }
}

/** The first token of a file. */
export function firstToken({ path }: TokenFile): string {
  const [token = ''] = readFileSync(path, 'utf8').split('\n', 1)
  return token
}
