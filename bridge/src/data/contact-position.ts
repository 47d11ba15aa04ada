import { BridgeError } from '../errors.ts'

/** A place in the list of contacts: behind this name and, of equal names, this id. */
export interface ContactPosition {
  name: string
  id: number
}

/** As callers carry it, without reading it. */
export const encodePosition = ({ name, id }: ContactPosition): string =>
  Buffer.from(JSON.stringify([name, id])).toString('base64url')

/** Text and id as Postgres takes them: anybody can write a place, and Odoo would fail on others. */
const isPlace = (name: unknown, id: unknown): boolean =>
  typeof name === 'string' &&
  name.isWellFormed() &&
  !name.includes('\0') &&
  Number.isInteger(id) &&
  (id as number) > 0 &&
  (id as number) < 2 ** 31

/** @throws BridgeError invalid_request for what was not made here */
export function decodePosition(encoded: string): ContactPosition {
  try {
    const [name, id] = JSON.parse(Buffer.from(encoded, 'base64url').toString()) as unknown[]
    if (isPlace(name, id)) return { name: name as string, id: id as number }
  } catch (cause) {
    throw new BridgeError('invalid_request', { cause })
  }
  throw new BridgeError('invalid_request')
}
