import { PATHS } from '@drawbridge/bridge/contract'
import { ActivityLog } from './activity-log.ts'
import { createSession } from './auth/index.ts'
import { DrawbridgeApp } from './elements/app/app.ts'
import { DrawbridgeUpdatePrompt } from './elements/update-prompt/update-prompt.ts'
import { startLanguage } from './language.ts'
import { registerServiceWorker } from './service-worker.ts'
import './styles.css'

const app = new DrawbridgeApp()
app.session = createSession({
  bridge: location.origin,
  resources: ['/api', PATHS.sessions, PATHS.apps].map((path) => location.origin + path),
})
app.log = new ActivityLog(app.session)

const updatePrompt = new DrawbridgeUpdatePrompt()
// No `await` here: a language's file waits for this one in its turn.
void startLanguage().then(() => {
  document.body.replaceChildren(app, updatePrompt)
})

if (import.meta.env.PROD) {
  registerServiceWorker((accept) => {
    updatePrompt.addEventListener('accept', accept, { once: true })
    updatePrompt.open = true
  }).catch((error: unknown) => {
    // The app works without it, only not offline.
    console.warn('The service worker could not be registered.', error)
  })
}
