import { Type, type Static, type TSchema } from 'typebox'

/** Printable ASCII but `"`, `#` and `\`: of these a Location header can be made as they are. */
const REST = '[\\x21\\x24-\\x5b\\x5d-\\x7e]*'

/** `https`, or `http` where it never leaves the machine; no fragment. @see RFC 6749 §3.1.2, RFC 9700 §2.1 */
const SAFE_ADDRESS = `(https://[\\x21\\x24-\\x2e\\x30-\\x3e\\x41-\\x5b\\x5d-\\x7e]+|http://(localhost|127\\.0\\.0\\.1|\\[::1\\])(:\\d+)?)([/?]${REST})?`

/**
 * A scheme that a native app has for itself: a name that its maker has in the DNS, backwards. The
 * dot keeps out what browsers and systems understand, `javascript:` for one. @see RFC 8252 §7.1
 */
const OWN_SCHEME_ADDRESS = `[a-z][a-z0-9+-]*(\\.[a-z0-9+-]+)+:/${REST}`

/** A scope word or a resource holds no space: lists of them are stored with spaces between. */
const WORD = '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+$'
const WORDS = '^[\\x21\\x23-\\x5b\\x5d-\\x7e]+( [\\x21\\x23-\\x5b\\x5d-\\x7e]+)*$'

const address = (description: string) => Type.String({ pattern: `^${SAFE_ADDRESS}$`, description })
const addresses = (description: string) =>
  Type.Array(
    Type.String({
      pattern: `^(${SAFE_ADDRESS}|${OWN_SCHEME_ADDRESS})$`,
      description:
        'an absolute https address (http on loopback alone; com.example.app:/… of a native app) without a fragment',
    }),
    { uniqueItems: true, description },
  )
const oneOf = <const Name extends string>(names: Name[], description: string) =>
  Type.Unsafe<Name>({ type: 'string', enum: names, description })
const seconds = (description: string) =>
  Type.Integer({ minimum: 1, description: `seconds, not above the bridge's own: ${description}` })
const optional = <Schema extends TSchema>(schema: Schema) => Type.Optional(schema)

/** One client, as people write it. Each description completes "expected …". */
export const ClientEntry = Type.Object(
  {
    client_id: Type.String({
      pattern: '^[\\w.-]{1,100}$',
      description: 'letters, digits, ".", "_" and "-"',
    }),
    client_name: optional(
      Type.String({
        minLength: 1,
        maxLength: 100,
        pattern: '^[^\\p{Cc}\\p{Cs}]+$',
        description: 'the name that people read; client_id where absent',
      }),
    ),
    redirect_uris: optional(
      addresses(
        'addresses to return to, letter by letter; http://127.0.0.1/… and http://[::1]/… without a port match any port',
      ),
    ),
    post_logout_redirect_uris: optional(
      addresses('addresses to return to after a sign-out, letter by letter'),
    ),
    backchannel_logout_uri: optional(
      address(
        'the https address (http on loopback alone), without a fragment, where it is told of sign-outs',
      ),
    ),
    backchannel_logout_session_required: optional(
      Type.Boolean({
        default: false,
        description: 'true or false; logout tokens have both sub and sid in any case',
      }),
    ),
    first_party: optional(
      Type.Boolean({ default: false, description: 'true or false: true asks nobody for consent' }),
    ),
    grant_types: optional(
      Type.Array(
        oneOf(
          ['authorization_code', 'refresh_token', 'client_credentials'],
          'authorization_code, refresh_token or client_credentials',
        ),
        {
          minItems: 1,
          uniqueItems: true,
          default: ['authorization_code', 'refresh_token'],
          description: 'how it may come by tokens',
        },
      ),
    ),
    token_endpoint_auth_method: optional(
      oneOf(
        ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        'none, client_secret_basic, client_secret_post or private_key_jwt; none where absent',
      ),
    ),
    client_secret_sha256: optional(
      Type.String({
        pattern: '^([0-9a-f]{64}|[\\w-]{43})$',
        description: 'the SHA-256 of a random secret, in 64 hexadecimal digits or base64url',
      }),
    ),
    jwks: optional(
      Type.Object(
        {
          keys: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
            minItems: 1,
            description: 'a list of public keys (RFC 7517)',
          }),
        },
        { additionalProperties: false, description: 'its public keys, {"keys": […]} (RFC 7517)' },
      ),
    ),
    jwks_uri: optional(
      address('the https address (http on loopback alone) of its public keys (RFC 7517)'),
    ),
    id_token_signed_response_alg: optional(
      oneOf(['ES256', 'RS256'], "ES256 or RS256; what the bridge's signing key signs where absent"),
    ),
    require_pkce: optional(
      Type.Boolean({
        default: true,
        description: 'true or false: false only for old software that can keep a secret',
      }),
    ),
    scope: Type.String({
      pattern: WORDS,
      description: 'the scopes it may ask for, a space between',
    }),
    resources: optional(
      Type.Array(Type.String({ pattern: WORD, description: 'an audience, without a space' }), {
        minItems: 1,
        uniqueItems: true,
        description: 'the audiences it may ask for, its default first; <issuer>/api where absent',
      }),
    ),
    odoo_login: optional(
      Type.String({
        minLength: 1,
        maxLength: 200,
        pattern: '^[^\\p{Cc}\\p{Cs}]+$',
        description: 'the login of the Odoo user as whom a machine acts (client_credentials)',
      }),
    ),
    groups: optional(
      Type.Array(
        Type.String({
          pattern: '^\\w+\\.\\w+$',
          description: 'the external id of an Odoo group: base.group_user',
        }),
        {
          minItems: 1,
          uniqueItems: true,
          description: 'external ids of Odoo groups: who is in none of them may not use it',
        },
      ),
    ),
    origins: optional(
      Type.Array(
        Type.String({
          pattern: '^[a-z][a-z0-9+.-]*://[^\\s/?#@\\\\*A-Z]+$',
          description: 'an origin as browsers send it, lower case: https://app.example.com',
        }),
        {
          uniqueItems: true,
          description:
            'whose pages may call the bridge in its name; those of its redirect_uris where absent (none for a client with a secret)',
        },
      ),
    ),
    access_token_ttl: optional(seconds('the life of an access token')),
    refresh_idle_ttl: optional(seconds('a session ends when it is not used for so long')),
    refresh_absolute_ttl: optional(seconds('a session ends after so long in any case')),
  },
  { additionalProperties: false },
)

export type ClientEntry = Static<typeof ClientEntry>

/** CLIENTS_FILE. `docs/clients.schema.json` is this, for editors; a test compares the two. */
export const ClientsFile = Type.Array(ClientEntry, {
  $schema: 'http://json-schema.org/draft-07/schema#',
  title: 'The OAuth clients of a Drawbridge bridge (CLIENTS_FILE)',
})
