/** Settings that were read before: in this context, or by any worker. */
import { type Settings, type SettingsError, isSettingsError, readSettings } from './settings.ts'
import { textZone } from './zones.ts'

// The digest of these sources: build.ts. What another build read is not taken over at a reload.
declare const BUILD: string

// Where the engine keeps a context, a location's settings are looked up once. Bounded, because a
// setting may hold a variable that differs from request to request.
const MOST_KEPT = 64
interface Kept {
  exchange: string
  settings: Settings | SettingsError
}
let kept: Kept[] = []

/**
 * Settings that this context knows.
 *
 * The texts are compared one by one: to look one up as a property means to hash all of it, on every
 * request, while texts of different lengths differ at once.
 */
export function findSettings(exchange: string): Settings | SettingsError | undefined {
  for (let i = 0; i < kept.length; i++) {
    const candidate = kept[i] as Kept
    if (candidate.exchange === exchange) return candidate.settings
  }
  return undefined
}

/** For the old engine, which keeps no context: taking the text apart takes it longest of all. */
function readShared(exchange: string, text: string): Settings | SettingsError {
  const zone = textZone('drawbridge_settings')
  const name = `${BUILD}${exchange}`
  const known = zone.get(name)
  if (known !== undefined) return JSON.parse(known) as Settings
  const read = readSettings(text)
  if (isSettingsError(read)) return read
  const settings = Object.assign(read, { exchange })
  try {
    zone.add(name, JSON.stringify(settings))
  } catch (error) {
    // Read again each time: slower, and the same.
    ngx.log(ngx.WARN, `drawbridge: no room for settings: ${(error as Error).message}`)
  }
  return settings
}

/**
 * The settings of a location.
 * @param exchange what the protect snippet made of it, by which they are found again
 * @param text the part of it that holds them
 */
export function settingsOf(exchange: string, text: string): Settings | SettingsError {
  const settings = readShared(exchange, text)
  if (kept.length >= MOST_KEPT) kept = []
  kept.push({ exchange, settings })
  return settings
}
