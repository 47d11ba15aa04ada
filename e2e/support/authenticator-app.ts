/** An authenticator app. Imports nothing of the tree, so any test may use it. */
import { createHmac } from 'node:crypto'

/** Seconds for which a code is the one that the app shows. @see RFC 6238 §4.1 */
const STEP = 30

/** RFC 4648 §6, as Odoo shows the secret: in groups, with spaces. */
function fromBase32(text: string): Buffer {
  const bits = text
    .replaceAll(' ', '')
    .replace(/./g, (char) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(char).toString(2).padStart(5, '0'),
    )
  return Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)))
}

/** @see RFC 4226 §5.3 */
function hotp(secret: Buffer, counter: number): string {
  const message = Buffer.alloc(8)
  message.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac('sha1', secret).update(message).digest()
  const offset = (mac.at(-1) ?? 0) & 0xf
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

/**
 * An app that has been shown a secret.
 * @param secret in base32, spaces allowed
 * @returns the code that it shows for the `n`th step after the one of now. Odoo takes the code of
 * the next step already, and takes each once.
 */
export function authenticatorApp(secret: string): (n: number) => string {
  const bytes = fromBase32(secret)
  const counter = Math.floor(Date.now() / 1000 / STEP)
  return (n) => hotp(bytes, counter + n)
}
