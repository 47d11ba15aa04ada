import { createHash, createPublicKey, type JsonWebKey } from 'node:crypto'
import { odooClient } from './client.ts'
import { onBehalfOf, rolesOf, type OdooOptions } from './common.ts'
import type { OdooHttp } from './http.ts'
import { callJsonRpc } from './json-rpc.ts'
import {
  OdooSessionEnded,
  OdooUnavailable,
  type EventKey,
  type Identity,
  type PairedOdoo,
  type SignIn,
} from './port.ts'

export interface AddonOdooOptions extends OdooOptions {
  /** Proves to the addon that a request is this bridge's. */
  assertion: (request: { method: string; path: string; body: string }) => Promise<string>
}

/** Who somebody is, as the addon tells. */
interface Profile {
  uid: number
  active: boolean
  /** External ids. */
  groups: string[]
  /** That Odoo gives for these groups, beside those of ROLE_MAP; an addon of before tells none. */
  roles?: string[]
  stamp: string
}

type IdentityAnswer = {
  outcome: 'identity'
  amr: string[]
  /** Seconds since 1970; with a hand-off alone, as the next. */
  auth_time?: number
  browser?: string
} & Profile

type SignInAnswer =
  IdentityAnswer | { outcome: 'second_factor_required' | 'second_factor_denied' | 'denied' }

const API = '/auth_drawbridge/1'

/** @throws OdooUnavailable if it is no such key */
function toEventKey(jwk: unknown): EventKey {
  try {
    const key = createPublicKey({ key: jwk as JsonWebKey, format: 'jwk' })
    const { kty, crv, x, y } = key.export({ format: 'jwk' })
    if (kty === 'EC' && crv === 'P-256' && x !== undefined && y !== undefined) {
      const kid = createHash('sha256').update(JSON.stringify({ crv, kty, x, y }))
      return { kty, crv, x, y, kid: kid.digest('base64url') }
    }
  } catch (cause) {
    throw new OdooUnavailable('Odoo told no key for its requests: is the addon up to date?', {
      cause,
    })
  }
  throw new OdooUnavailable('Odoo told a key for its requests that is not one on P-256.')
}

/** A role as the addon lets administrators write it. */
const ROLE = /^[a-z0-9_.-]{1,64}$/

/** From a block that nobody has. @see RFC 5737 §3 */
const PROBE_ADDRESS = '192.0.2.1'

/**
 * An Odoo with the addon, paired with this bridge: nothing of the user's is stored. The bridge asks
 * the addon by signed requests, and acts as a user by an access token of that user.
 */
export function addonOdoo(options: AddonOdooOptions): PairedOdoo {
  const { http, checkHttp, roleMap, issuer, assertion } = options

  const ask = async (
    through: OdooHttp,
    name: string,
    parameters: object,
    headers: Record<string, string> = {},
  ): Promise<unknown> => {
    const request = { method: 'POST', path: `${API}/${name}`, body: JSON.stringify(parameters) }
    const { status, text } = await through.send({
      ...request,
      method: 'POST',
      headers: {
        ...headers,
        authorization: `Bearer ${await assertion(request)}`,
        'content-type': 'application/json',
      },
    })
    if (status === 401 || status === 404) {
      throw new OdooUnavailable(
        `Odoo answered ${name} with status ${status}: is the addon installed and paired with ${issuer}?`,
      )
    }
    if (status !== 200) throw new OdooUnavailable(`Odoo answered ${name} with status ${status}.`)
    try {
      return JSON.parse(text) as unknown
    } catch (cause) {
      throw new OdooUnavailable(`Odoo answered ${name} with no JSON.`, { cause })
    }
  }

  /** By the configured map, and those that Odoo itself names. */
  const standingOf = ({ groups, roles = [] }: Pick<Profile, 'groups' | 'roles'>) => ({
    groups,
    // A space in one would make two of it.
    roles: [...new Set([...rolesOf(roleMap, groups), ...roles.filter((role) => ROLE.test(role))])],
  })

  const toIdentity = (answer: IdentityAnswer): Identity => ({
    uid: answer.uid,
    amr: answer.amr,
    ...standingOf(answer),
    odooSession: null,
    odooStamp: answer.stamp,
    authTime: answer.auth_time === undefined ? null : answer.auth_time * 1000,
    odooBrowser: answer.browser ?? null,
  })

  return {
    signIn: async (credentials): Promise<SignIn> => {
      const { login, password, totp } = credentials
      const parameters = { login, password, ...(totp === undefined ? {} : { code: totp }) }
      const headers = onBehalfOf(issuer, credentials)
      const answer = (await ask(http, 'sign_in', parameters, headers)) as SignInAnswer
      return answer.outcome === 'identity'
        ? { outcome: 'identity', identity: toIdentity(answer) }
        : { outcome: answer.outcome }
    },

    redeem: async (code, codeVerifier) => {
      const parameters = { code, code_verifier: codeVerifier }
      const answer = (await ask(http, 'redeem', parameters)) as
        IdentityAnswer | { outcome: 'denied' }
      return answer.outcome === 'identity' && answer.active ? toIdentity(answer) : undefined
    },

    lookup: async (by) => {
      const answer = (await ask(http, 'lookup', by)) as Profile & {
        login: string
        second_factor?: boolean
      }
      if (!answer.active) return undefined
      // By that very login, and not by what another addon takes for one.
      const isOf = 'oauth' in by || answer.login.toLowerCase() === by.login.toLowerCase()
      if (!isOf) return undefined
      return {
        identity: toIdentity({ ...answer, outcome: 'identity', amr: [] }),
        // An addon that is too old to say so does not say that there is none.
        secondFactor: answer.second_factor !== false,
      }
    },

    signedOut: async (browsers) => {
      const { signed_out } = (await ask(checkHttp, 'browsers', { browsers })) as {
        signed_out?: string[]
      }
      if (!Array.isArray(signed_out)) throw new OdooUnavailable('Odoo answered no browsers.')
      return signed_out
    },

    asUser: ({ accessToken }) => {
      // One for all calls of a request: it lives a minute, and the client does not outlive its request.
      let token: Promise<string> | undefined
      return odooClient(async (model, method, args, kwargs) => {
        token ??= accessToken()
        const headers = { authorization: `Bearer ${await token}` }
        const path = `${API}/call/${model}/${method}`
        return (await callJsonRpc(http, path, { args, kwargs }, headers)).result
      })
    },

    check: async ({ uid, odooStamp }) => {
      const profile = (await ask(checkHttp, 'profile', { uid })) as Profile
      if (!profile.active || profile.stamp !== odooStamp) throw new OdooSessionEnded()
      return standingOf(profile)
    },

    stamps: async (uids) => {
      const { stamps } = (await ask(checkHttp, 'stamps', { uids })) as {
        stamps?: Record<string, string>
      }
      // Nothing must be taken for "all of them are gone".
      if (typeof stamps !== 'object') throw new OdooUnavailable('Odoo answered no stamps.')
      return new Map(Object.entries(stamps).map(([uid, stamp]) => [Number(uid), stamp]))
    },

    eventKey: async () => {
      const { event_key } = (await ask(checkHttp, 'hello', {})) as { event_key?: unknown }
      return toEventKey(event_key)
    },

    fetchKeys: async () => {
      const { kids } = (await ask(checkHttp, 'keys', {})) as { kids?: unknown }
      if (!Array.isArray(kids)) throw new OdooUnavailable('Odoo answered no kids.')
      return kids.map(String)
    },

    refuse: async (revocations) => {
      await ask(checkHttp, 'revocations', revocations)
    },

    // The bridge itself has no session at Odoo.
    signOut: async ({ uid, odooBrowser }) => {
      if (odooBrowser !== null) await ask(http, 'sign_out', { uid, browser: odooBrowser })
    },

    believesForwardedAddress: async () => {
      const headers = onBehalfOf(issuer, { clientAddress: PROBE_ADDRESS, userAgent: 'Drawbridge' })
      const answer = (await ask(http, 'hello', {}, headers)) as { client_address: string }
      return answer.client_address === PROBE_ADDRESS
    },

    // As somebody who signs in would find it: without the addon, or with keys that Odoo could not
    // fetch yet, nobody can.
    ping: async () => {
      await ask(http, 'stamps', { uids: [] })
    },
    close: async () => {
      await Promise.all([http.close(), checkHttp.close()])
    },
  }
}
