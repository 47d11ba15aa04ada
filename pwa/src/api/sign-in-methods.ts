import { PATHS } from '@drawbridge/bridge/contract'
import type { SignInMethods } from '@drawbridge/bridge/contract'

/** Somewhere else than here to sign in. */
export interface Provider {
  id: string
  name: string
  /** To be opened: it leads back to this app. */
  href: string
}

/**
 * Where else one may sign in. A sign-in page that cannot learn of any goes without.
 * @param returnTo path of this app to come back to
 */
export async function readProviders(returnTo: string, signal: AbortSignal): Promise<Provider[]> {
  try {
    const response = await fetch(PATHS.methods, { signal, credentials: 'omit' })
    const { providers } = (await response.json()) as SignInMethods
    const query = new URLSearchParams({ return_to: returnTo }).toString()
    return providers.map(({ id, name, url }) => ({ id, name, href: `${url}?${query}` }))
  } catch {
    return []
  }
}
