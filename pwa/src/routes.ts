/** What follows the app's own folder. One level deep: index.html finds its files beside itself. */
const NAMES = {
  contacts: '',
  account: 'account',
  activity: 'activity',
  signIn: 'sign-in',
} as const

/** A screen of the app that has an address of its own. */
export type Route = keyof typeof NAMES

/** The app's own addresses. */
export interface Routes {
  /** The path of each. */
  ROUTES: Readonly<Record<Route, string>>
  /** The route of a path; an unknown one is the start. */
  routeOf: (pathname: string) => Route
  /** Whether a path is one of the app's own, with any query and fragment. */
  isOwnAddress: (address: string) => boolean
  /** The address of the sign-in page that comes back to `path` afterwards. */
  signInAddress: (path: string) => string
}

/**
 * The addresses of an app that is served from a folder. It is not known when the app is built.
 * @param base path of the folder, with a slash at its end
 */
export function routesIn(base: string): Routes {
  const routes = Object.entries(NAMES).map(([route, name]) => [route, base + name])
  const ROUTES = Object.fromEntries(routes) as Record<Route, string>
  return {
    ROUTES,
    routeOf(pathname) {
      const known = Object.entries(ROUTES).find(([, path]) => path === pathname)
      return (known?.[0] ?? 'contacts') as Route
    },
    isOwnAddress: (address) => Object.values(ROUTES).includes(address.split(/[?#]/)[0] ?? ''),
    signInAddress: (path) =>
      path === ROUTES.contacts
        ? ROUTES.signIn
        : `${ROUTES.signIn}?${new URLSearchParams({ return: path }).toString()}`,
  }
}
