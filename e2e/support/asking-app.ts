/** An app that is not of the house: its users are asked. It may be on a device, too. */
import type { RegisteredClient } from '../stack/description.ts'

export const ASKING_APP = 'asking-app'

/** An address of a scheme that no program here takes. @see RFC 8252 §7.1 */
export const NATIVE_CALLBACK = 'com.example.app:/callback'

/** As it is registered. @param origin of its pages, which a test answers for */
export const askingApp = (origin: string): Omit<RegisteredClient, 'resources'> => ({
  client_id: ASKING_APP,
  client_name: 'Asking app',
  first_party: false,
  redirect_uris: [`${origin}/asking.html`, NATIVE_CALLBACK],
  scope: 'odoo.read odoo.write',
})
