import type { GateRequest } from './request.ts'

/** Characters: more than a bridge says, and less than nginx's buffer for all headers of an answer. */
const LONGEST = 3000
const PRINTABLE = /^[\x20-\x7e]+$/

/** nginx's seconds, `0.012`, or several of them for several tries; what is no number counts nothing. */
const milliseconds = (seconds: string | undefined): number =>
  (seconds ?? '')
    .split(/[,:]/)
    .map((text) => Math.round(parseFloat(text) * 1000))
    .reduce((sum, value) => (isNaN(value) ? sum : sum + value), 0)

/**
 * What the client may know of `$drawbridge_status`: the exact reason of a refusal is the operator's.
 */
function wordOf(status: string): string {
  if (status === '') return 'passed_on'
  return status === 'valid' || status === 'expired' ? status : 'refused'
}

/**
 * The value of `$drawbridge_timing`, for `conf/server-timing.conf`: the gate's own entry, the time
 * that the upstream took, and what the upstream says of it. All from nginx's clock, which counts
 * milliseconds. Nothing of the request is in it, and of an upstream that was asked before a refusal
 * nothing either.
 * @see W3C Server Timing §3
 */
export function timing(r: GateRequest): string {
  const v = r.variables
  const word = wordOf(v.drawbridge_status ?? '')
  const upstream = milliseconds(v.upstream_header_time)
  const own = Math.max(0, milliseconds(v.request_time) - upstream)
  const gate = `gate;desc="${word}@0";dur=${own}`
  const isAnswered = (v.upstream_status ?? '') !== ''
  if (!isAnswered || word === 'refused' || word === 'expired') return gate
  const said = v.upstream_http_server_timing ?? ''
  const more = said.length <= LONGEST && PRINTABLE.test(said) ? `, ${said}` : ''
  return `${gate}, upstream;dur=${upstream}${more}`
}
