/** What each client of `registered.ts` is a program of. */
import { join } from 'node:path'
import type { Program } from './driver.ts'

/** A program in TypeScript of this folder. */
const node = (file: string) => (): Promise<Program> =>
  Promise.resolve({ command: ['node', join(import.meta.dirname, file)] })

const openidClient = node('openid-client.ts')

/** By `client_id`; each makes what it needs before it can be started. */
export const PROGRAMS: Record<string, () => Promise<Program>> = {
  'openid-client': openidClient,
  'openid-client-key': openidClient,
}
