/** What stands above every screen: the ways past it, who is signed in, and the ways elsewhere. */
import { msg } from '@lit/localize'
import { html, nothing } from 'lit'
import type { TemplateResult } from 'lit'
import type { ProtectedData } from '@drawbridge/bridge/contract'
import { ROUTES } from '../../own-routes.ts'
import type { Route } from '../../routes.ts'
import { device, mark, people, signOut, steps } from '../shared/icons.ts'
import { WIDE } from './screens.ts'

export const NAME = 'Drawbridge'

export interface Bar {
  /** The screen that is shown. */
  route: Route
  /** Who is signed in; null until that is known. */
  profile: ProtectedData['user'] | null
  /** Follows a link of the app's own. */
  go: (event: MouseEvent) => void
  /** @param company to work in; null: all of the user's */
  choose: (company: number | null) => void
  signOut: () => void
}

/** The bar, and the tabs. */
export function renderBar({ route, profile, go, choose, signOut: leave }: Bar): TemplateResult {
  const renderTab = (to: Route, text: string, icon: TemplateResult) => html`
    <a href=${ROUTES[to]} aria-current=${route === to ? 'page' : nothing} @click=${go}>
      ${icon}<span>${text}</span>
    </a>
  `
  return html`
    <a class="skip" href=${`#${route}`}>${msg('Skip to the content')}</a>
    ${
      // The steps lie behind a list that may have no end.
      WIDE.matches && route !== 'activity'
        ? html`<a class="skip" href="#activity">${msg('Skip the list')}</a>`
        : nothing
    }
    <header class="bar">
      <a class="brand" href=${ROUTES.contacts} @click=${go}>${mark}<span>${NAME}</span></a>
      <p class="profile">
        ${profile ? html`<strong>${profile.name}</strong><span>${profile.login}</span>` : nothing}
      </p>
      ${profile ? renderCompanies(profile, choose) : nothing}
      <button class="button quiet" type="button" @click=${leave}>
        ${signOut}<span>${msg('Sign out')}</span>
      </button>
    </header>
    <nav class="tabs" aria-label=${msg('Pages')}>
      ${renderTab('contacts', msg('Contacts'), people)}
      ${renderTab('account', msg('Devices'), device)}
      ${renderTab('activity', msg('Steps', { desc: 'Tab; short for “What just happened”' }), steps)}
    </nav>
  `
}

/** For those who work in one company alone there is nothing to choose. */
function renderCompanies(
  { companies }: ProtectedData['user'],
  choose: Bar['choose'],
): TemplateResult | typeof nothing {
  if (companies.length < 2) return nothing
  const changed = ({ currentTarget }: Event) => {
    const { value } = currentTarget as HTMLSelectElement
    choose(value === '' ? null : Number(value))
  }
  return html`
    <select class="companies" aria-label=${msg('Company to work in')} @change=${changed}>
      <option value="">${msg('All companies')}</option>
      ${companies.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}
    </select>
  `
}
