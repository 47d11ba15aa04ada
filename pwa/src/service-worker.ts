import type { TrustedScriptURL, TrustedTypePolicyFactory } from 'trusted-types/lib/index.js'
import { Workbox } from 'workbox-window'

/** How long a page that stays open goes without asking for a new version, in milliseconds. */
const UPDATE_INTERVAL = 3_600_000

/** Beside index.html. Its folder is its scope, and is found out here and not when it is built. */
const WORKER = new URL('sw.js', document.baseURI).href

/**
 * Registers the service worker, which keeps the app's own files and nothing else.
 * @param offer is called when there is a new version, once or more; its argument, always the same,
 * switches to it and reloads the page
 */
export async function registerServiceWorker(offer: (accept: () => void) => void): Promise<void> {
  if (!('serviceWorker' in navigator)) return
  const workbox = new Workbox(workerUrl())
  let accepted = false
  const reload = (): void => {
    location.reload()
  }
  const accept = (): void => {
    accepted = true
    const waiting = registration?.waiting
    // Another tab's user was faster.
    if (!waiting) {
      reload()
      return
    }
    // Not before it is in charge: the old one would answer the reload with the old files.
    waiting.addEventListener('statechange', () => {
      if (waiting.state === 'activated') reload()
    })
    workbox.messageSkipWaiting()
  }
  const offerIt = (): void => {
    if (!accepted) offer(accept)
  }
  workbox.addEventListener('waiting', offerIt)
  // Another tab's user agreed. This one may have written half of something, and is asked again.
  workbox.addEventListener('controlling', offerIt)
  // A page that came without a worker, on the first visit, holds none back that comes later.
  workbox.addEventListener('activated', ({ isExternal }) => {
    if (isExternal === true) offerIt()
  })
  const registration = await workbox.register()
  keepLooking(workbox)
}

/** The only address that may become a script's here, where the browser asks for such a promise. */
function workerUrl(): string | TrustedScriptURL {
  const { trustedTypes } = globalThis as { trustedTypes?: TrustedTypePolicyFactory }
  const policy = trustedTypes?.createPolicy('drawbridge-worker', {
    createScriptURL(url) {
      if (url !== WORKER) throw new TypeError(`${url} is not the service worker`)
      return url
    },
  })
  return policy?.createScriptURL(WORKER) ?? WORKER
}

/** Looks for a new version now and then, while somebody looks at the page. */
function keepLooking(workbox: Workbox): void {
  let last = Date.now()
  const look = (): void => {
    if (document.visibilityState !== 'visible' || Date.now() - last < UPDATE_INTERVAL) return
    last = Date.now()
    // Offline, or a version that does not work: the one that is there goes on.
    workbox.update().catch(() => undefined)
  }
  document.addEventListener('visibilitychange', look)
  setInterval(look, UPDATE_INTERVAL)
}
