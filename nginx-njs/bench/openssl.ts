/** What a signature alone costs, by the OpenSSL that nginx uses, on the worker's core. */
import { run } from '../../e2e/stack/process.ts'
import { inRoot } from '../../e2e/stack/roots.ts'
import { pinned, WORKER_CORES } from './cores.ts'

/**
 * Verifications of ECDSA on P-256 per second.
 * @param seconds for signing, which is not asked for but comes along, and again for verifying
 */
export async function opensslVerifications(seconds: number): Promise<number> {
  const speed = ['openssl', 'speed', '-seconds', String(seconds), 'ecdsap256']
  const printed = await run(pinned(WORKER_CORES, inRoot('stack', speed)), { name: 'openssl speed' })
  // "256 bits ecdsa (nistp256)   0.0000s   0.0000s  62000.0  21000.0"
  const rate = /^ *256 bits ecdsa .* ([\d.]+)$/m.exec(printed)?.[1]
  if (rate === undefined) throw new TypeError(`openssl speed printed no rate: ${printed}`)
  return Number(rate)
}
