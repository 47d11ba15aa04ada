import type { StackOptions } from '../stack/stack.ts'

/** A stack for pictures: nobody has been there before, and it tells what happens behind the gate. */
export const PICTURES_STACK: StackOptions = {
  name: 'pictures',
  ephemeral: true,
  demo: true,
  environment: { ACCESS_TOKEN_TTL: '5' },
  leeway: 0,
}
