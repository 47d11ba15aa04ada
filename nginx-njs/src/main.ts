import { access } from './access.ts'
import { answer } from './answer.ts'
import { authorize } from './authorize.ts'
import { cookie } from './cookie.ts'
import { refreshKeySets } from './key-sets.ts'

/** `js_periodic`: keeps the key sets fresh. */
const refreshKeys = (session: Pick<NginxPeriodicSession, 'variables'>): Promise<void> =>
  refreshKeySets(session.variables.drawbridge_default_jwks_url)

/** What nginx calls by name; `conf/` says where. */
export default { access, answer, authorize, cookie, refreshKeys }
