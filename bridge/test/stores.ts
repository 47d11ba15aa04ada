import { testLogouts } from './logouts.ts'
import { testOauthStores } from './oauth-stores.ts'
import { testPairingStore } from './pairing-store.ts'
import { testSessionStore } from './session-store.ts'

/** What has to hold of all that the bridge keeps, whichever database it is kept in. */
export const STORES = {
  sessions: testSessionStore,
  'the paired Odoo': testPairingStore,
  'other apps': testOauthStores,
  'sign-outs to tell of': testLogouts,
}
