/** What the gate does to the answer of a location that watches its connections. */
import { type Watch, over, readWatch } from './watch.ts'

type Response = Pick<
  NginxHTTPRequest,
  'variables' | 'headersOut' | 'status' | 'done' | 'sendBuffer' | 'subrequest'
>

/** Of the request that this context serves just now. */
let watching: Watch | undefined
let switched = false

/**
 * `js_header_filter`: decides who watches over this answer.
 *
 * No timer may be set in here, and none in the body filter: njs takes it for a fault. So a protocol
 * that was switched to is watched by a subrequest (upgraded.ts), and everything else as it passes.
 */
export function watch(r: Response): void {
  watching = readWatch(r.variables)
  switched = false
  if (watching === undefined) {
    r.done()
  } else if (r.status === 101) {
    r.subrequest('/_drawbridge_upgraded', { detached: true })
  } else if (r.headersOut['Content-Length'] !== undefined) {
    // It ends by itself.
    r.done()
  }
}

/** `js_body_filter`: lets nothing pass that comes when the token is over. */
export function passOn(r: Response, data: Buffer): void {
  if (r.status === 101) {
    // What passes after 101 does not come here. nginx comes twice: to send 101 off, and at the end,
    // whatever the end was. Word of that for upgraded.ts.
    if (switched) r.variables.drawbridge_watch = ''
    switched = true
  } else if (watching !== undefined && data.length > 0) {
    const line = over(watching)
    // An error is the one way to cut an answer short. It ends the connection, upstream included.
    if (line !== undefined) throw new Error(line)
  }
  r.sendBuffer(data)
}
