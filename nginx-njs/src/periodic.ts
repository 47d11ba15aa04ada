/** What js_periodic does for every issuer, so that no request has to wait for it. */
import { poll } from './feed.ts'
import { refreshKeySet } from './key-sets.ts'
import { type Issuer, issuersOf } from './settings.ts'

type Session = Pick<NginxPeriodicSession, 'variables'>

async function forEachIssuer(
  session: Session,
  work: (issuer: Issuer) => Promise<void>,
): Promise<void> {
  const issuers = issuersOf(session.variables.drawbridge_issuers ?? '')
  if ('problem' in issuers) {
    ngx.log(ngx.ERR, `drawbridge: ${issuers.problem}`)
    return
  }
  // Side by side: one that does not answer must not hold up the others.
  await Promise.all(issuers.map(work))
}

/** Keeps the key sets fresh. */
export const refreshKeys = (session: Session): Promise<void> =>
  forEachIssuer(session, (issuer) => refreshKeySet(issuer.jwks))

/** Keeps the lists of revocations fresh. */
export const pollRevocations = (session: Session): Promise<void> =>
  forEachIssuer(session, (issuer) => (issuer.revocations === '' ? Promise.resolve() : poll(issuer)))
