import { lookup as resolve } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import ipaddr from 'ipaddr.js'
import type { CustomFetch } from 'openid-client'
import { Agent, request } from 'undici'

/** Bytes: discovery documents and key sets have some thousands. */
const LONGEST_ANSWER = 256 * 1024

/** Not of this machine or network, nor of nobody's. @see RFC 6890 */
const isPublic = (address: string): boolean => ipaddr.process(address).range() === 'unicast'

const withoutBrackets = (hostname: string): string => hostname.replace(/^\[(.*)\]$/, '$1')

export interface UpstreamFetch {
  fetch: CustomFetch
  /** Whether a provider's address may be used at all: https, or as plain as the issuer itself. */
  permits(address: string): boolean
  close(): Promise<void>
}

/**
 * The way to one provider. What its metadata names is the provider's word: nothing there must make
 * the bridge ask around in the operator's network, so only the issuer's own host may be a private
 * one. Redirects are not followed, answers are bounded, and nothing is unpacked.
 * @param issuer its own protocol and host are what the operator configured
 * @see RFC 9700 §4.11, OWASP on server-side request forgery
 */
export function upstreamFetch(issuer: URL): UpstreamFetch {
  const home = issuer.hostname

  const refusal = (hostname: string, address: string): Error | undefined =>
    hostname === home || isPublic(address)
      ? undefined
      : new TypeError(`${hostname} is no public address, and not the issuer's own.`)

  // At the very look-up that the connection is made by: a second one may answer something else.
  const lookup: LookupFunction = (hostname, options, callback) => {
    resolve(hostname, { ...options, all: true }, (error, addresses) => {
      const found = addresses as typeof addresses | undefined
      const problem =
        error ?? found?.map(({ address }) => refusal(hostname, address)).find((it) => it)
      if (problem) callback(problem, [])
      else callback(null, addresses)
    })
  }
  // One family after the other would ask for a single address; so it always takes all.
  const agent = new Agent({
    maxResponseSize: LONGEST_ANSWER,
    autoSelectFamily: true,
    connect: { lookup },
  })

  const permits = (address: string): boolean => {
    if (!URL.canParse(address)) return false
    const { protocol, hostname } = new URL(address)
    return protocol === 'https:' || (protocol === issuer.protocol && hostname === home)
  }

  return {
    permits,
    fetch: async (address, { method, headers, body, signal }) => {
      const { hostname } = new URL(address)
      if (!permits(address)) throw new TypeError(`${address} is not https.`)
      // An address in the place of a name is not looked up.
      const literal = withoutBrackets(hostname)
      const problem = isIP(literal) ? refusal(hostname, literal) : undefined
      if (problem) throw problem
      const answer = await request(address, {
        dispatcher: agent,
        method,
        headers,
        body: body instanceof URLSearchParams ? body.toString() : ((body ?? null) as string | null),
        signal: signal ?? null,
      })
      const text = await answer.body.text()
      const type = answer.headers['content-type']
      return new Response(text === '' ? null : text, {
        status: answer.statusCode,
        headers: typeof type === 'string' ? { 'content-type': type } : {},
      })
    },
    close: () => agent.destroy(),
  }
}
