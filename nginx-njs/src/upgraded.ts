import type { GateRequest } from './request.ts'
import { type Watch, over, readWatch } from './watch.ts'

// Closes the client's connection, and with it whatever else belongs to it, without an answer.
const CLOSE = 444

// njs before 0.9.5 does not come back to a subrequest whose timer has answered it.
const COMES_BACK = njs.version_number >= 0x000905

function close(r: GateRequest, line: string): void {
  if (COMES_BACK) {
    r.return(CLOSE)
    return
  }
  // An error in a timer ends the connection as soon as there is an event of it: here it is.
  setTimeout(() => undefined, 0)
  throw new Error(line)
}

function look(r: GateRequest, watch: Watch): void {
  // Without it nginx keeps the client's connection: it waits for this subrequest.
  if (r.variables.drawbridge_watch === '') {
    close(r, 'drawbridge: a watched connection was closed')
    return
  }
  const line = over(watch)
  if (line === undefined) {
    lookLater(r, watch)
    return
  }
  if (COMES_BACK) ngx.log(ngx.WARN, line)
  close(r, line)
}

function lookLater(r: GateRequest, watch: Watch): void {
  const untilEnd = Math.max(0, watch.until - Date.now())
  setTimeout(
    () => {
      look(r, watch)
    },
    Math.min(watch.every, untilEnd),
  )
}

/**
 * `js_content` of the subrequest that accompanies a connection on which the protocol was switched:
 * nginx passes on what comes on it unseen, so its token is looked at by the clock.
 */
export function upgraded(r: GateRequest): void {
  const watch = readWatch(r.variables)
  if (watch === undefined) r.return(204)
  else lookLater(r, watch)
}
