import { access } from './access.ts'
import { answer } from './answer.ts'
import { authorize } from './authorize.ts'
import { cookie } from './cookie.ts'
import { metrics } from './metrics.ts'
import { pollRevocations, refreshKeys } from './periodic.ts'
import { timing } from './server-timing.ts'
import { passOn, watch } from './stream.ts'
import { upgraded } from './upgraded.ts'

/** What nginx calls by name; `conf/` says where. */
export default {
  access,
  answer,
  authorize,
  cookie,
  metrics,
  passOn,
  pollRevocations,
  refreshKeys,
  timing,
  upgraded,
  watch,
}
