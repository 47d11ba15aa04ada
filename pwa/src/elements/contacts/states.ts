/** What is said of the list beside its rows: how long it is, how old, and what went wrong. */
import { msg, str } from '@lit/localize'
import { html } from 'lit'
import type { TemplateResult } from 'lit'
import type { ApiErrorCode } from '../../api/api-error.ts'
import { language, numberOf, plural } from '../../language.ts'
import type { Outage } from '../../offline/contacts-reader.ts'
import { explain } from '../shared/explain.ts'
import { offline, people, warning } from '../shared/icons.ts'
import { asOf } from '../shared/time.ts'
import type { ContactsList } from './list.ts'

/** The time of day, to the second. A page's first one takes a slow phone as long as all the rows. */
export const timeOf = (date: Date): string => date.toLocaleTimeString(language())

/** How many there are, and as of when. */
export function renderStatus(list: ContactsList): string | TemplateResult {
  const { contacts, loadedAt, loading, outage, search, total } = list
  if (!contacts || !loadedAt) return loading ? msg('Loading contacts…') : ''
  if (contacts.length === 0) return ''
  if (outage) {
    const kept = numberOf(contacts.length)
    return search === ''
      ? msg(str`${kept} kept on this device`, { desc: 'How many contacts there are offline' })
      : foundText(contacts.length, true)
  }
  const all = numberOf(total)
  const count =
    search === ''
      ? msg(str`${all} in all`, { desc: 'How many contacts there are' })
      : foundText(contacts.length, list.after === null)
  const time = timeOf(loadedAt)
  const at = msg(str`as of ${time}`, { desc: 'The time at which the list was read' })
  return html`${count}<span class="at"> · ${at}</span>`
}

/** @param isAll whether there are no more than these */
function foundText(shown: number, isAll: boolean): string {
  const count = numberOf(shown)
  if (!isAll) return msg(str`${count} and more found`, { desc: 'How many contacts' })
  return plural(shown, {
    one: msg(str`${count} found`, { id: 'found-one', desc: 'How many contacts; of 1' }),
    other: msg(str`${count} found`, { id: 'found-other', desc: 'How many contacts' }),
  })
}

/** In place of the rows, where there are none. @param isSearch whether some were searched for */
export function renderNone(isSearch: boolean): TemplateResult {
  const [title, hint] = isSearch
    ? [
        msg('Nothing found'),
        msg('All words have to stand in a name, a company, an e-mail address or a number.'),
      ]
    : [msg('No contacts'), msg('Odoo shows you none. Contacts that you may see there appear here.')]
  return html`
    <div class="message">
      ${people}
      <h2>${title}</h2>
      <p>${hint}</p>
    </div>
  `
}

/** Above a list that was kept on this device. */
export function renderOutage({ code, readAt }: Outage): TemplateResult {
  const when = asOf(readAt, Date.now(), language())
  return html`<p class="outage">
    ${offline}<span>${explain(code)} ${msg(str`As of ${when}.`)}</span>
  </p>`
}

/**
 * @param again is called when it is to be tried once more
 * @param hint what helps; with one it stands above the list of before, without in place of it
 */
export function renderError(code: ApiErrorCode, again: () => void, hint?: string): TemplateResult {
  const reason =
    code === 'insufficient_scope'
      ? msg('This sign-in does not allow to read contacts.')
      : explain(code)
  return html`
    <div class=${hint === undefined ? 'message' : 'banner'} role="alert">
      ${warning}
      <h2>${msg('The contacts could not be loaded')}</h2>
      <p>${reason} ${hint}</p>
      <button class="button quiet" type="button" @click=${again}>${msg('Try again')}</button>
    </div>
  `
}
