/** Makes what the client programs are started from, so that no test has to wait for it. */
import type { Progress } from '../stack/progress.ts'
import { compileGo, compileJava } from './compile.ts'

/** @throws StackError with what to do */
export async function installClients(progress: Progress): Promise<void> {
  await Promise.all([
    progress.step('client in Go', compileGo),
    progress.step('client in Java', compileJava),
  ])
}
