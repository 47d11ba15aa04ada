import { PATHS } from '@drawbridge/bridge/contract'
import { ActivityLog } from './activity-log.ts'
import { createSession } from './auth/index.ts'
import { startLanguage } from './language.ts'
import { browserStorage, Permission } from './offline/permission.ts'

const session = createSession({
  bridge: location.origin,
  resources: ['/api', PATHS.sessions, PATHS.apps].map((path) => location.origin + path),
})
const log = new ActivityLog(session)
const restoring = session.restore()
// It is the app that shows a failure.
restoring.catch(() => undefined)

// Whoever has contacts on this device will see them, live or kept: fetched while the bridge is asked.
if (new Permission(browserStorage()).sid !== null) {
  import('./elements/contacts/contacts.ts').catch(() => undefined)
}

// Not awaited: a language's file waits for this one in its turn.
const speaking = startLanguage()

const { start } = await import('./start.ts')
start(session, log, restoring, speaking)
