/** The clients of the bridge that runs in a test, or for somebody who tries it out. */
import { independentClients } from '../clients/registered.ts'
import type { RegisteredClient } from '../stack/description.ts'
import { askingApp } from './asking-app.ts'

/** Where apps are served that the tests start, on loopback. */
export interface AppOrigins {
  otherApp: string
  handbook: string
}

/** What an app may ask for access to. */
export interface Audiences {
  api: string
  odoo: string
}

const firstParty = { first_party: true, scope: 'odoo.read' }

/** Apps of the house, to try out single sign-on with. */
export const demoClients = ({ api }: Audiences, at: AppOrigins): RegisteredClient[] => [
  {
    ...firstParty,
    client_id: 'other-app',
    client_name: 'Other app',
    redirect_uris: [`${at.otherApp}/callback.html`],
    resources: [api],
  },
  {
    ...firstParty,
    client_id: 'handbook',
    client_name: 'Handbook',
    redirect_uris: [`${at.handbook}/signed-in`],
    resources: [new URL('handbook', api).href],
  },
]

/** Those, and what nobody uses but tests. */
export const testClients = (audiences: Audiences, at: AppOrigins): RegisteredClient[] => [
  ...demoClients(audiences, at),
  { ...askingApp(at.otherApp), resources: [audiences.api] },
  {
    ...firstParty,
    client_id: 'odoo-reader',
    client_name: 'Odoo reader',
    redirect_uris: [`${at.otherApp}/callback.html`],
    resources: [audiences.odoo],
  },
  ...independentClients(audiences.api, at.otherApp),
]
