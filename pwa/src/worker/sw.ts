/**
 * The service worker: it keeps the app's own files and answers for them, and for nothing else.
 *
 * Where it is served is not known when it is built, and others may live on the same origin: the
 * API, pages of other apps, a second install in another folder. All it goes by is its scope.
 */
import { createHandlerBoundToURL, precacheAndRoute } from 'workbox-precaching'
import type { PrecacheEntry } from 'workbox-precaching'
import { registerRoute } from 'workbox-routing'
import { routesIn } from '../routes.ts'

declare const self: ServiceWorkerGlobalScope & {
  /** The build puts the names of all files in its place. */
  readonly __WB_MANIFEST: PrecacheEntry[]
}

// A file has the address that it has, and no other. The cache's name holds the scope, and files of
// an earlier build leave it by themselves: workbox's cleanupOutdatedCaches() stays away, because to
// the worker of "/" the cache of "/app/" would be an outdated one.
precacheAndRoute(self.__WB_MANIFEST, { directoryIndex: '', cleanURLs: false })

const { isOwnAddress } = routesIn(new URL(self.registration.scope).pathname)

registerRoute(
  // Whatever else lies in the scope is the network's, now and when somebody adds to it.
  ({ request, url }) => request.mode === 'navigate' && isOwnAddress(url.pathname),
  createHandlerBoundToURL('index.html'),
)

// Only when a user has agreed: until then the pages that are open have the files they began with.
self.addEventListener('message', ({ data }: ExtendableMessageEvent) => {
  if ((data as { type?: unknown } | null)?.type === 'SKIP_WAITING') void self.skipWaiting()
})
