import { keySetTime } from './key-sets.ts'
import { REFUSALS } from './refusals.ts'
import type { GateRequest } from './request.ts'
import { syncedAt } from './revocations.ts'
import { issuersOf } from './settings.ts'
import { numberZone } from './zones.ts'

// The text format, version 0.0.4.
const CONTENT_TYPE = 'text/plain; version=0.0.4'

type Sample = [labels: string, value: number]

function family(name: string, type: 'counter' | 'gauge', help: string, samples: Sample[]): string {
  const lines = samples.map((sample) => `${name}{${sample[0]}} ${sample[1]}`)
  return [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`].concat(lines).join('\n')
}

function counters(name: string, label: string, values: string[]): Sample[] {
  const zone = numberZone('drawbridge_counts')
  return values.map((value): Sample => [`${label}="${value}"`, zone.get(`${name} ${value}`) ?? 0])
}

/** Seconds since each of the issuers' lists was read; one that never was has no sample. */
function ages(
  urls: [issuer: string, url: string][],
  readAt: (url: string) => number | undefined,
): Sample[] {
  const samples: Sample[] = []
  urls.forEach((pair) => {
    const at = readAt(pair[1])
    // Nothing is escaped: an issuer with a quote or a backslash is refused (settings.ts).
    if (at !== undefined) samples.push([`issuer="${pair[0]}"`, (Date.now() - at) / 1000])
  })
  return samples
}

/**
 * `js_content`: what the gate decided and how its keys and revocations are, for Prometheus. It
 * tells nothing of a user, but a location of its own should still say who may read it.
 */
export function metrics(r: GateRequest): void {
  const issuers = issuersOf(r.variables.drawbridge_issuers ?? '')
  if ('problem' in issuers) {
    r.error(`drawbridge: ${issuers.problem}`)
    r.return(500)
    return
  }
  r.headersOut['Content-Type'] = CONTENT_TYPE
  const text = [
    family(
      'drawbridge_gate_verdicts_total',
      'counter',
      'Requests decided on.',
      counters('verdict', 'verdict', ['valid'].concat(Object.keys(REFUSALS))),
    ),
    family(
      'drawbridge_gate_signatures_total',
      'counter',
      'How valid signatures were known: verified, from the memo of all workers, or by a pass.',
      counters('found', 'found', ['pass', 'memo', 'verified']),
    ),
    family(
      'drawbridge_gate_fetch_failures_total',
      'counter',
      'Fetches from an issuer that failed.',
      counters('failure', 'of', ['keys', 'revocations', 'verdict']),
    ),
    family(
      'drawbridge_gate_keys_age_seconds',
      'gauge',
      'Time since the keys were fetched.',
      ages(
        issuers.map((issuer): [string, string] => [issuer.issuer, issuer.jwks]),
        keySetTime,
      ),
    ),
    family(
      'drawbridge_gate_revocations_age_seconds',
      'gauge',
      'Time since the list of revocations was complete.',
      ages(
        issuers.map((issuer): [string, string] => [issuer.issuer, issuer.revocations]),
        syncedAt,
      ),
    ),
  ].join('\n')
  r.return(200, `${text}\n`)
}
