import type { ActivityLog } from './activity-log.ts'
import type { Session } from './auth/index.ts'
import { DrawbridgeApp } from './elements/app/app.ts'
import { DrawbridgeUpdatePrompt } from './elements/update-prompt/update-prompt.ts'
import { registerServiceWorker } from './service-worker.ts'
import './styles.css'

/**
 * Puts the app in the place of the splash.
 * @param restoring what `session.restore()` has given
 * @param speaking settled when the app can show in its language
 */
export function start(
  session: Session,
  log: ActivityLog,
  restoring: Promise<boolean>,
  speaking: Promise<void>,
): void {
  const app = new DrawbridgeApp()
  app.session = session
  app.log = log
  app.restoring = restoring

  const updatePrompt = new DrawbridgeUpdatePrompt()
  void speaking.then(() => {
    // The splash of index.html goes; the style sheet that stands below it stays.
    document.querySelector('.splash')?.replaceWith(app, updatePrompt)
  })

  if (!import.meta.env.PROD) return
  const register = (): void => {
    registerServiceWorker((accept) => {
      updatePrompt.addEventListener('accept', accept, { once: true })
      updatePrompt.open = true
    }).catch((error: unknown) => {
      // The app works without it, only not offline.
      console.warn('The service worker could not be registered.', error)
    })
  }
  // What it fetches and does would be in the way of the first screen.
  app.addEventListener('shown', register, { once: true })
}
