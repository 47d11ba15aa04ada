import {
  isOwnAddress,
  replaceAddress,
  ROUTES,
  routeOf,
  signInAddress,
  wayBack,
} from '../../own-routes.ts'
import type { Route } from '../../routes.ts'
import { isPlainClick } from '../shared/plain-click.ts'

/** Which screen the address names, and the ways to the sign-in page and back from it. */
export class Address {
  #route: Route = routeOf(location.pathname)

  /** The screen that is to be seen. */
  get route(): Route {
    return this.#route
  }

  /**
   * Takes the screen from the address.
   * @param isInside whether the sign-in page has nothing to ask
   */
  follow(isInside: boolean): void {
    this.#route = routeOf(location.pathname)
    if (isInside && this.#route === 'signIn') {
      replaceAddress(ROUTES.contacts)
      this.#route = 'contacts'
    }
  }

  /** Puts the sign-in page here. @param leadsBack whether whoever signs in comes back to this page */
  toSignIn(leadsBack: boolean): void {
    const here = location.pathname + location.search + location.hash
    const back = leadsBack ? here : ROUTES.contacts
    if (this.#route !== 'signIn') replaceAddress(signInAddress(back))
    this.follow(false)
  }

  /**
   * Goes where this sign-in page was to lead back to; the caller follows.
   * @param mayLeave whether that may be another app of the origin: whoever was signed in already was
   * sent here by a page that would only do so again
   * @returns whether it is in this app
   */
  leaveSignIn(mayLeave: boolean): boolean {
    const back = wayBack()
    const isOwn = isOwnAddress(back)
    if (!isOwn && mayLeave) {
      location.replace(back)
      return false
    }
    replaceAddress(isOwn ? back : ROUTES.contacts)
    return true
  }

  /** @returns whether a click on one of the app's own links was one to go there in this page */
  go(event: MouseEvent): boolean {
    const link = event.currentTarget
    if (!isPlainClick(event) || !(link instanceof HTMLAnchorElement)) return false
    event.preventDefault()
    if (link.href !== location.href) history.pushState(null, '', link.href)
    return true
  }
}
