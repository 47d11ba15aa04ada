/**
 * The fast lane in front of everything: what this context lately let pass, and until when nothing
 * about it can have changed. njs keeps up to 128 contexts in each worker, hence so few places. The
 * old engine keeps none, so nothing is ever found there.
 */
import type { VerifiedToken } from './verified-token.ts'
import { numberZone, type Zone } from './zones.ts'

/** That a token passed a location. */
export interface Pass {
  /** What the protect snippet made of the location: see decide.ts. */
  exchange: string
  /** The whole header that the token came in. */
  authorization: string
  token: VerifiedToken
  /** While keys and revocations are of this generation. */
  generation: number
  /** In between, no check of the location's can end otherwise. Milliseconds since 1970. */
  from: number
  until: number
}

const GENERATION = 'generation'
let times: Zone<number> | undefined

/** Counts how often keys or revocations were read, by any worker. It never goes back. */
export function generation(): number {
  times = times ?? numberZone('drawbridge_times')
  return times.get(GENERATION) ?? 0
}

/** Ends every pass in every worker: to be called when newly read keys or revocations are in place. */
export const nextGeneration = (): void => {
  numberZone('drawbridge_times').incr(GENERATION, 1, 0)
}

const PLACES = 128
const places: (Pass | undefined)[] = []

// Each token has one place, by characters of its signature. Whoever makes two tokens want the same
// one wins nothing but the long way. Not the last character: few of its bits belong to a signature.
const placeOf = (authorization: string): number => {
  const end = authorization.length
  return (authorization.charCodeAt(end - 2) * 64 + authorization.charCodeAt(end - 3)) % PLACES
}

/** Remembers that a token passed. */
export const keepPass = (pass: Pass): void => {
  places[placeOf(pass.authorization)] = pass
}

/**
 * The token that this very header brought through this very location before, if it would pass
 * again.
 * @param exchange what the protect snippet made of the location and the request
 * @param now milliseconds
 */
export function findPass(
  exchange: string | undefined,
  authorization: string | undefined,
  now: number,
): VerifiedToken | undefined {
  if (authorization === undefined) return undefined
  const pass = places[placeOf(authorization)]
  return pass !== undefined &&
    pass.authorization === authorization &&
    pass.exchange === exchange &&
    now >= pass.from &&
    now < pass.until &&
    pass.generation === generation()
    ? pass.token
    : undefined
}
