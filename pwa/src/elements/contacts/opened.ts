/** Which contact is looked at: its id stands in the address, and the back button closes it. */
import { ROUTES } from '../../own-routes.ts'
import { isPlainClick } from '../shared/plain-click.ts'

/** What a step of the history holds that was made here. */
const OPENED_HERE = 'contact'

/** Where a contact is looked at. */
export const contactAddress = (id: number): string => `${ROUTES.contacts}?contact=${id}`

/** The contact that the address asks for; null: none. */
export function openedId(): number | null {
  if (location.pathname !== ROUTES.contacts) return null
  const asked = new URLSearchParams(location.search).get('contact') ?? ''
  return /^[1-9]\d{0,8}$/.test(asked) ? Number(asked) : null
}

/** Goes where a link to a contact leads, unless the click asks for another tab or window. */
export function goToContact(event: MouseEvent): void {
  if (!isPlainClick(event)) return
  event.preventDefault()
  history.pushState(OPENED_HERE, '', (event.currentTarget as HTMLAnchorElement).href)
}

/** Goes back to the list. */
export function leaveContact(): void {
  // To the one that it was opened from, and not one step on.
  if (history.state === OPENED_HERE) history.back()
  else history.replaceState(null, '', ROUTES.contacts)
}
