/** What no log may hold. */
import type { Gate } from './gate.ts'
import type { Cleanup } from './servers.ts'

// A compact JWS, or what stands behind the name of a scheme.
const TOKEN = /eyJ[\w-]{8,}\.[\w-]{8,}|Bearer [^\s"]{4,}/i

/**
 * Fails the test at its end if a line of the gate's logs holds a token or one of these texts.
 * @param secrets credentials, and whatever else the test sends that must not be there
 */
export function noLeaks(t: Cleanup, gate: Gate, ...secrets: string[]): void {
  t.teardown(() => {
    const lines = [gate.file('error.log'), gate.file('access.log')]
      .flatMap((log) => log.split('\n'))
      .filter((line) => TOKEN.test(line) || secrets.some((secret) => line.includes(secret)))
    if (lines.length > 0) throw new Error(`A log holds a secret:\n${lines.join('\n')}`)
  })
}
