/** The first part that runs. It asks whether somebody is signed in while the rest is on its way. */
import { PATHS } from '@drawbridge/bridge/contract'
import { ActivityLog } from './activity-log.ts'
import { createSession } from './auth/index.ts'

const session = createSession({
  bridge: location.origin,
  resources: ['/api', PATHS.sessions, PATHS.apps].map((path) => location.origin + path),
})
const log = new ActivityLog(session)
const restoring = session.restore()
// It is the app that shows a failure.
restoring.catch(() => undefined)

const { start } = await import('./start.ts')
start(session, log, restoring)
