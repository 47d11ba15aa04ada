import { Workbox } from 'workbox-window'

/**
 * Registers the service worker, which keeps the app's own files and nothing else.
 * @param offer is called when a new version waits; its argument switches to it and reloads the page
 */
export async function registerServiceWorker(offer: (accept: () => void) => void): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const workbox = new Workbox('/sw.js')
  workbox.addEventListener('waiting', () => {
    offer(() => {
      // Not before it is in control: the old one would answer the reload with the old files.
      workbox.addEventListener('controlling', () => {
        location.reload()
      })
      workbox.messageSkipWaiting()
    })
  })
  await workbox.register()
}
