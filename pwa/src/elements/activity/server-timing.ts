/** What the gate decided, as far as it tells. */
const VERDICTS = ['valid', 'expired', 'refused', 'passed_on'] as const
export type Verdict = (typeof VERDICTS)[number]

const PARTIES = ['bridge', 'store', 'vault', 'odoo'] as const

/** Something that was done for one request. Times are milliseconds. */
export interface ServerStep {
  /** Who did it; `store` is the bridge's database. */
  party: (typeof PARTIES)[number]
  word: string
  failed: boolean
  /** Since the bridge got the request; below nought for what was done before, and serves it. */
  offset: number
  duration: number
}

/** What an answer tells of its making. Durations are milliseconds. */
export interface ServerTiming {
  gate: { verdict: Verdict; duration: number } | null
  /** The whole request, in the bridge; null where it did not get there. */
  bridge: number | null
  /** In the order in which they began. */
  steps: ServerStep[]
  /** Steps that the bridge had no room for. */
  omitted: number
}

/** Characters, and entries: an honest answer has fewer. */
const LONGEST = 4096
const MOST = 64

// One entry as gate and bridge write them; others on the way may add their own, which are passed over.
const ENTRY =
  /^([a-z]{1,12})(?:;desc="(\w{1,30}(?:\.\w{1,10})?)(!)?(?:@(-?\d{1,9}(?:\.\d)?))?")?(?:;dur=(\d{1,7}(?:\.\d)?))?$/

const isOneOf = <T extends string>(list: readonly T[], word: string): word is T =>
  (list as readonly string[]).includes(word)

/**
 * Reads `Server-Timing` as docs/demo-mode.md describes it. It comes from the network: whatever is
 * not of that form is passed over, and nothing but words, numbers and a known name comes out.
 * @returns null where it tells nothing
 * @see W3C Server Timing §3
 */
export function readServerTiming(header: string | undefined): ServerTiming | null {
  if (header === undefined || header.length > LONGEST) return null
  const timing: ServerTiming = { gate: null, bridge: null, steps: [], omitted: 0 }
  const entries = header.split(',').slice(0, MOST)
  for (const [index, entry] of entries.entries()) {
    const found = ENTRY.exec(entry.trim())
    if (!found) continue
    const [, name = '', word = '', failed, offset, duration = '0'] = found
    if (name === 'gate') {
      // The gate's own stands first. Another one would be an upstream's.
      if (index === 0 && isOneOf(VERDICTS, word)) {
        timing.gate = { verdict: word, duration: Number(duration) }
      }
    } else if (name === 'omitted') {
      timing.omitted = Number(/^\d{1,4}$/.exec(word)?.[0] ?? 0)
    } else if (name === 'bridge' && word === '') {
      timing.bridge ??= Number(duration)
    } else if (isOneOf(PARTIES, name) && offset !== undefined) {
      timing.steps.push({
        party: name,
        word,
        failed: failed !== undefined,
        offset: Number(offset),
        duration: Number(duration),
      })
    }
  }
  timing.steps.sort((one, other) => one.offset - other.offset)
  return timing.gate === null && timing.bridge === null ? null : timing
}
