import type { Signer } from '../keys/port.ts'

/** Of a type that nobody takes for anything, and it says nothing. */
const TYP = 'drawbridge-status+jwt'

/**
 * Tells which key signs now, by a signature: that there is one is what the question is about.
 * @returns its `kid`
 * @throws KeysUnavailable
 */
export async function signingKid(signer: Signer): Promise<string> {
  const [header = ''] = (await signer.sign(TYP, {})).split('.')
  return (JSON.parse(Buffer.from(header, 'base64url').toString()) as { kid: string }).kid
}
