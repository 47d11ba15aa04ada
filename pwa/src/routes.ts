/** The app's own addresses. */
export const ROUTES = {
  contacts: '/',
  account: '/account',
  activity: '/activity',
  signIn: '/sign-in',
} as const

export type Route = keyof typeof ROUTES

/** The route of a path; an unknown one is the start. */
export function routeOf(pathname: string): Route {
  const known = Object.entries(ROUTES).find(([, path]) => path === pathname)
  return (known?.[0] ?? 'contacts') as Route
}

/** Whether an address of this origin is one of the app's own, with any query and fragment. */
export const isOwnAddress = (address: string): boolean =>
  Object.values<string>(ROUTES).includes(address.split(/[?#]/)[0] ?? '')

/**
 * What the service worker answers with the shell: these addresses, with any query, and no others.
 * Whatever else lies on this origin (sign-in, tokens, data) is the network's, now and when
 * somebody adds to it.
 */
export const SHELL_PATTERNS: RegExp[] = Object.values(ROUTES).map(
  (path) => new RegExp(`^${path}(\\?|$)`),
)

/** The address of the sign-in page that comes back to `path` afterwards. */
export const signInAddress = (path: string): string =>
  path === ROUTES.contacts
    ? ROUTES.signIn
    : `${ROUTES.signIn}?${new URLSearchParams({ return: path }).toString()}`
