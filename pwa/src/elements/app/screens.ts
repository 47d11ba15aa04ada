/** The screens that come when they are seen: whoever has to sign in does not wait for them. */
import type { Route } from '../../routes.ts'

/** A screen that is not the door. */
export type Screen = Exclude<Route, 'signIn'>

/** What each is made of, and where that comes from. */
const FILES: Record<Screen, Record<`drawbridge-${string}`, () => Promise<unknown>>> = {
  contacts: { 'drawbridge-contacts': () => import('../contacts/contacts.ts') },
  account: {
    'drawbridge-account': () => import('../account/account.ts'),
    'drawbridge-keeping': () => import('../keeping/keeping.ts'),
  },
  activity: { 'drawbridge-activity': () => import('../activity/activity.ts') },
}

/** Where there is room for the steps beside the contacts; app.css has it, too. */
export const WIDE = matchMedia('(width >= 64rem)')

/** Those that are to be seen at a route, the one that is waited for first. */
const seenAt = (route: Route): Screen[] => {
  const screen = route === 'signIn' ? 'contacts' : route
  const all: Screen[] = WIDE.matches ? [screen, 'activity'] : [screen]
  // What is searched for stays while another screen is looked at.
  return [...new Set<Screen>([...all, 'contacts'])]
}

/** Whether the browser knows a screen's elements: before that they must not be rendered. */
export const isHere = (screen: Screen): boolean =>
  Object.keys(FILES[screen]).every((name) => customElements.get(name) !== undefined)

/**
 * Fetches the screens that are to be seen at a route and are not here yet, one after the other.
 * @param changed is called after each
 * @throws TypeError where a file cannot be had
 */
export async function bring(route: Route, changed: () => void): Promise<void> {
  for (const screen of seenAt(route)) {
    if (isHere(screen)) continue
    await Promise.all(Object.values(FILES[screen]).map((file) => file()))
    changed()
  }
}
