import { returnPath } from './auth/index.ts'
import { routesIn } from './routes.ts'

/** Of the page that this runs in: every address of the app lies in the same folder. */
export const { ROUTES, routeOf, isOwnAddress, signInAddress } = routesIn(
  new URL('.', document.baseURI).pathname,
)

/**
 * Where this sign-in page is to lead back to.
 * @returns a path of this origin; the app's start where the address says nothing, or would lead
 * elsewhere
 */
export function wayBack(): string {
  const asked = new URLSearchParams(location.search).get('return')
  const path = returnPath(asked, location.origin)
  // The root of the origin may be somebody else's: only who asks for it goes there.
  return path === '/' && asked !== '/' ? ROUTES.contacts : path
}
