/** The screens that come when they are seen: whoever has to sign in does not wait for them. */
import type { Route } from '../../routes.ts'

/** A screen that is not the door. */
export type Screen = Exclude<Route, 'signIn'>

const FILES: Record<Screen, () => Promise<unknown>> = {
  contacts: () => import('../contacts/contacts.ts'),
  account: () => Promise.all([import('../account/account.ts'), import('../keeping/keeping.ts')]),
  activity: () => import('../activity/activity.ts'),
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

/** Which screens are there, and how more come. */
export class Screens {
  readonly #here = new Set<Screen>()

  /** Whether its elements are known to the browser: before that they must not be rendered. */
  has(screen: Screen): boolean {
    return this.#here.has(screen)
  }

  /**
   * Fetches those that are to be seen at a route and are not there yet, one after the other.
   * @param changed is called after each
   * @throws TypeError where a file cannot be had
   */
  async bring(route: Route, changed: () => void): Promise<void> {
    for (const screen of seenAt(route)) {
      if (this.#here.has(screen)) continue
      await FILES[screen]()
      this.#here.add(screen)
      changed()
    }
  }
}
