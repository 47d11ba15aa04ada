/** What a running stack tells tests about itself. Imports nothing of the tree, so any test may use it. */
import type { JsonWebKey } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { STACK_DIR } from './paths.ts'

/** `login` and `password` of somebody in Odoo's demo data. */
export interface Account {
  login: string
  password: string
}

/** An OAuth client that the bridge knows. @see RFC 7591 §2 */
export interface RegisteredClient {
  client_id: string
  client_name: string
  /** Whether its users are not asked for consent. */
  first_party: boolean
  redirect_uris: string[]
  scope: string
  /** @see RFC 8707 */
  resources: string[]
  post_logout_redirect_uris?: string[]
  grant_types?: string[]
  id_token_signed_response_alg?: 'RS256'
  token_endpoint_auth_method?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /** What it proves itself with; the bridge's file has the hash alone. */
  client_secret?: string
  /** The private key that it proves itself with, as a JWK; the bridge's file has the public half. */
  client_key?: JsonWebKey
}

/** Somebody else's OpenID provider, as the bridge has it registered; a test starts it. */
export interface RegisteredProvider {
  id: string
  name: string
  /** On a free port of loopback. */
  issuer: string
  client_id: string
  client_secret: string
  match: 'email'
  email_domains: string[]
}

/** A running stack. Addresses have no slash at their end. */
export interface StackDescription {
  /** The process that runs it. */
  pid: number
  /** Address of the PWA and the gate, which is the `iss` of every token. */
  issuer: string
  /**
   * Address of Odoo's own pages, for browsers: they find every name below localhost on this machine
   * (RFC 6761 §6.3). Other programs take `inside.odooUrl`.
   */
  odooUrl: string
  accounts: Record<'admin' | 'demo' | 'portal', Account>
  clients: RegisteredClient[]
  /** Where people may sign in besides Odoo. */
  providers: RegisteredProvider[]
  /** Seconds. */
  accessTokenTtl: number
  /** Behind the gate: reached by tests alone. */
  inside: {
    bridgeUrl: string
    odooUrl: string
    odooDatabase: string
    odooDatabaseUuid: string
    /** PostgreSQL as the bridge reaches it. */
    bridgeDatabaseUrl: string
    /** Holds what the gate proves itself with. */
    gateCredentialFile: string
    vault: {
      address: string
      roleId: string
      secretIdFile: string
      transitKey: string
      kvPath: string
      /** JSON `{ root_token, keys_base64 }`. */
      initFile: string
    }
  }
  /** Process ids as the machine sees them. */
  parts: { name: string; pid: number; logFile: string }[]
}

/** The file that describes the stack in a folder. */
export const descriptionFile = (folder: string): string => join(folder, 'stack.json')

/** The folder of the stack that `npm start` runs. */
export const START_FOLDER = join(STACK_DIR, 'start')

/**
 * The stack to test against: the file that `DRAWBRIDGE_STACK` names, else the one of `npm start`.
 * @throws Error when none runs
 */
export function readStack(): StackDescription {
  const file = process.env['DRAWBRIDGE_STACK'] ?? descriptionFile(START_FOLDER)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    throw new Error(`No stack is described in ${file}. Start one with: npm start`)
  }
  return JSON.parse(text) as StackDescription
}
