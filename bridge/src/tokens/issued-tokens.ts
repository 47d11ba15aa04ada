import type { Session } from '../sessions/port.ts'
import type { AccessTokens } from './access-token.ts'
import type { Clients } from './clients.ts'
import type { IdTokens } from './id-token.ts'
import type { RefreshTokens } from './refresh-token.ts'

/** A pair of tokens, fresh. */
export interface IssuedTokens {
  access_token: string
  /** Seconds. */
  expires_in: number
  scope: string
  refresh_token: string
  /** Seconds that the refresh token may be kept. */
  refresh_expires_in: number
  /** Whether it may outlive the browser. */
  persistent: boolean
  /** For a client that asked for `openid`. */
  id_token?: string
  sid: string
}

/** An access token alone, of a session that no refresh carries on. */
export type MachineTokens = Omit<
  IssuedTokens,
  'refresh_token' | 'refresh_expires_in' | 'persistent' | 'id_token'
>

/** What a client wants of the tokens that it is given. */
export interface Asked {
  /** One of the session's audiences, for this access token; all of them where it is not given. */
  resource?: string | undefined
  /** Of the request that the code answers. */
  nonce?: string | null
}

export interface IssueOptions {
  clients: Clients
  accessTokens: AccessTokens
  refreshTokens: RefreshTokens
  idTokens: IdTokens
}

/** Issues the tokens of a session, with the lives that its client is registered for. */
export function createIssue(options: IssueOptions) {
  const { clients, accessTokens, refreshTokens, idTokens } = options

  /** @param resource one of the session's audiences; all of them where it is not given */
  const issueAccess = async (
    session: Session,
    now: number,
    resource?: string,
  ): Promise<MachineTokens> => {
    const life = clients.get(session.client_id)?.access_token_ttl ?? accessTokens.ttl
    const audience = resource ?? session.audience
    return {
      access_token: await accessTokens.mint({ ...session, audience }, now, life),
      expires_in: life,
      scope: session.scope,
      sid: session.sid,
    }
  }

  const issue = async (
    session: Session,
    now: number,
    { resource, nonce = null }: Asked = {},
  ): Promise<IssuedTokens> => {
    const access = await issueAccess(session, now, resource)
    return {
      ...access,
      refresh_token: await refreshTokens.mint(session, now),
      refresh_expires_in: Math.floor((session.expires_at - now) / 1000),
      persistent: session.persistent === 1,
      ...(session.scope.split(' ').includes('openid')
        ? { id_token: await idTokens.mint(session, access.access_token, nonce, now) }
        : {}),
    }
  }

  return {
    /** @throws KeysUnavailable */
    issue,
    /** @throws KeysUnavailable */
    issueAccess,
  }
}

export type Issue = ReturnType<typeof createIssue>
