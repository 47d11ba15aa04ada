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
  let offered = false
  let accepted = false
  let active = false
  const accept = (): void => {
    accepted = true
    if (active) location.reload()
    else workbox.messageSkipWaiting()
  }
  workbox.addEventListener('waiting', () => {
    offered = true
    offer(accept)
  })
  workbox.addEventListener('activated', ({ isExternal }) => {
    // The very first one: what it has is what this page has.
    if (!offered && isExternal !== true) return
    active = true
    // Not earlier: the old worker would answer the reload with the old files. A page whose user was
    // not asked, because another tab's was, may hold something half written and waits to be told.
    if (accepted) location.reload()
    else offer(accept)
  })
  await workbox.register()
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
