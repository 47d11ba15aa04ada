/** Schemas of what the routes answer. They shape the answers, and describe them in OpenAPI. */
import { Type } from 'typebox'
import type { AccessTokenClaims, RevocationsPage, ValidationStatus } from '../contract/index.ts'

const tokens = {
  access_token: Type.String(),
  token_type: Type.Literal('Bearer'),
  expires_in: Type.Integer({ description: 'seconds' }),
  scope: Type.String(),
}

/** @see RFC 6749 §5.1 */
export const TokenAnswer = Type.Object(tokens)
/** @see SessionTokenResponse */
export const SessionTokenAnswer = Type.Object({
  ...tokens,
  refresh_expires_in: Type.Integer({ description: 'seconds until the session is over' }),
  persistent: Type.Boolean({ description: 'false: of a shared computer, nothing may be kept' }),
})
export const OAuthTokenAnswer = Type.Object({
  ...tokens,
  refresh_token: Type.Optional(Type.String()),
  id_token: Type.Optional(Type.String()),
})

/** @see IntrospectionResponse */
export const IntrospectionAnswer = Type.Object({
  active: Type.Boolean(),
  iss: Type.Optional(Type.String()),
  sub: Type.Optional(Type.String()),
  aud: Type.Optional(Type.Union([Type.String(), Type.Array(Type.String())])),
  client_id: Type.Optional(Type.String()),
  scope: Type.Optional(Type.String()),
  iat: Type.Optional(Type.Integer()),
  exp: Type.Optional(Type.Integer()),
  token_type: Type.Optional(Type.Literal('Bearer')),
  jti: Type.Optional(Type.String()),
  auth_time: Type.Optional(Type.Integer()),
})

/** 200 without a body. */
export const Emptiness = Type.Unsafe<undefined>({
  type: 'null',
  description: 'Done, or nothing to do; there is no body.',
})

/** @see SignInMethods */
export const MethodsAnswer = Type.Object({
  providers: Type.Array(
    Type.Object({ id: Type.String(), name: Type.String(), url: Type.String() }),
  ),
})

const optionalText = Type.Optional(Type.String())

/** @see UserInfo */
export const UserInfoAnswer = Type.Object({
  sub: Type.String(),
  name: optionalText,
  preferred_username: optionalText,
  locale: optionalText,
  zoneinfo: optionalText,
  website: optionalText,
  updated_at: Type.Optional(Type.Integer()),
  email: optionalText,
  email_verified: Type.Optional(Type.Boolean()),
  phone_number: optionalText,
  phone_number_verified: Type.Optional(Type.Boolean()),
  address: Type.Optional(
    Type.Object({
      street_address: optionalText,
      locality: optionalText,
      region: optionalText,
      postal_code: optionalText,
      country: optionalText,
    }),
  ),
})

/** 204. */
export const NoContent = Type.Null({ description: 'Done; there is no body.' })

/** 303. */
export const Redirect = Type.Null({ description: 'The answer to the client, in its address.' })

/** A page for people. */
export const Page = {
  description: "A page of the bridge's own.",
  content: { 'text/html': { schema: Type.String() } },
}

const words = Type.Array(Type.String())

const Claims = Type.Unsafe<AccessTokenClaims>(
  Type.Object(
    {
      iss: Type.String(),
      aud: Type.Union([Type.String(), words]),
      sub: Type.String(),
      client_id: Type.String(),
      scope: Type.String(),
      exp: Type.Integer(),
      iat: Type.Integer(),
      jti: Type.String(),
      sid: Type.String(),
      auth_time: Type.Integer(),
      amr: words,
      roles: words,
    },
    { additionalProperties: true },
  ),
)

export const ValidateAnswer = Type.Object({
  status: Type.Unsafe<ValidationStatus>({ type: 'string', enum: ['Valid', 'Invalid', 'Expired'] }),
  claims: Type.Optional(Claims),
})

/** Of what sort each entry is, says its place: JSON Schema's tuples are not known to Fastify. */
const entries = (description: string) => Type.Array(Type.Array(Type.Unknown()), { description })

/** @see RevocationsPage */
export const RevocationsAnswer = Type.Object({
  epoch: Type.String(),
  all: Type.Boolean(),
  sessions: Type.Unsafe<RevocationsPage['sessions']>(entries('[sid, until] each')),
  users: Type.Unsafe<RevocationsPage['users']>(entries('[sub, cutoff, until] each')),
  after: Type.String(),
  more: Type.Boolean(),
})

/** A document whose members are fixed by an RFC, strings and lists of strings. */
export const Metadata = Type.Object({}, { additionalProperties: true })

export const Jwks = Type.Object({
  keys: Type.Array(Type.Object({ kid: Type.String() }, { additionalProperties: true })),
})

const part = Type.Unsafe<'ok' | 'unavailable'>({ type: 'string', enum: ['ok', 'unavailable'] })

export const Liveness = Type.Object({ status: Type.Literal('ok') })
export const Readiness = Type.Object({ database: part, keys: part, odoo: part })
