import { CONTINUE_PATH } from '@drawbridge/bridge/contract'
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
  const isElsewhere = path === '/' && asked !== '/'
  return isElsewhere || beginsSignIn(path) ? ROUTES.contacts : path
}

/**
 * Whether a path is no page to come back to, but would begin one more sign-in, at a provider: that
 * is for a person to do, and not for the link that brought them here.
 */
function beginsSignIn(path: string): boolean {
  try {
    // As a server reads it.
    const decoded = decodeURIComponent(path.split(/[?#]/)[0] ?? '').replace(/\/+/g, '/')
    return new URL(decoded, location.origin).pathname.startsWith(CONTINUE_PATH)
  } catch {
    return true
  }
}

/**
 * Puts another address into the bar. A browser that takes it not, because there were too many or it
 * is too long, must not hold up whatever comes next: somebody may have been signed out.
 */
export function replaceAddress(address: string): void {
  try {
    history.replaceState(null, '', address)
  } catch {
    // The one of before stays.
  }
}
