import { PATHS } from '@drawbridge/bridge/contract'
import { ActivityLog } from './activity-log.ts'
import { createSession } from './auth/index.ts'
import { startLanguage } from './language.ts'

const session = createSession({
  bridge: location.origin,
  resources: ['/api', PATHS.sessions, PATHS.apps].map((path) => location.origin + path),
})
const log = new ActivityLog(session)
const restoring = session.restore()
restoring
  .then(async (isSignedIn) => {
    if (isSignedIn) await import('./elements/contacts/contacts.ts')
  })
  // It is the app that shows a failure.
  .catch(() => undefined)

// Not awaited: a language's file waits for this one in its turn.
const speaking = startLanguage()

const { start } = await import('./start.ts')
start(session, log, restoring, speaking)
