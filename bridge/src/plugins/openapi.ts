import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import type { RouteOptions } from 'fastify'
import fp from 'fastify-plugin'
import { Type } from 'typebox'
import { ERRORS, GATE_HEADERS, type ErrorCode } from '../contract/index.ts'
import { VERSION } from '../version.ts'

export interface OpenApiOptions {
  issuer: string
  /** Whether to serve the page. */
  documentation: boolean
}

/** The body of every refusal. */
export const Refusal = Type.Object(
  {
    error: Type.Unsafe<ErrorCode>({ type: 'string', enum: Object.keys(ERRORS) }),
    error_description: Type.String(),
    odoo_message: Type.Optional(Type.String()),
  },
  { description: 'A refusal. docs/errors.md says what each code asks for.' },
)

/** Every route can refuse, and always in the same way. */
function documentRefusals(route: RouteOptions): void {
  const answers = (route.schema?.response ?? {}) as Record<string, unknown>
  route.schema = { ...route.schema, response: { '4xx': Refusal, '5xx': Refusal, ...answers } }
}

/**
 * Describes the bridge in OpenAPI, from the same schemas that check requests and shape answers.
 * To be registered before the routes.
 */
export const openApi = fp<OpenApiOptions>(async (app, { issuer, documentation }) => {
  app.addHook('onRoute', documentRefusals)
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Drawbridge',
        description: 'Sign in with Odoo, checked at the Nginx gate.',
        version: VERSION,
      },
      servers: [{ url: issuer }],
      tags: [
        { name: 'auth', description: 'Sign-in of the PWA; its refresh token lives in a cookie.' },
        { name: 'oauth', description: 'OAuth 2.0 for other apps: code, PKCE, refresh.' },
        { name: 'api', description: "The user's own data, behind the gate." },
        { name: 'gate', description: 'For the gate alone.' },
        { name: 'odoo', description: 'For the paired Odoo alone.' },
        { name: 'operation', description: 'For whoever runs the bridge; not behind the gate.' },
      ],
      components: {
        securitySchemes: {
          accessToken: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' },
          gateCredential: {
            type: 'http',
            scheme: 'bearer',
            description: 'The secret that gate and bridge share.',
          },
          odoo: {
            type: 'http',
            scheme: 'bearer',
            bearerFormat: 'JWT',
            description: 'Signed by the key of the addon, for this request. See docs/odoo.md.',
          },
          gate: {
            type: 'apiKey',
            in: 'header',
            name: GATE_HEADERS.credential,
            description: 'The gate takes an access token from the caller and adds this.',
          },
          refreshCookie: {
            type: 'apiKey',
            in: 'cookie',
            name: `${issuer.startsWith('https:') ? '__Host-' : ''}drawbridge_refresh`,
          },
        },
      },
    },
  })
  if (!documentation) return
  await app.register(swaggerUi, {
    routePrefix: '/documentation',
    // The page brings all it needs with it; its styles stand in attributes.
    staticCSP: {
      'default-src': ["'none'"],
      'script-src': ["'self'"],
      'style-src': ["'self'", "'unsafe-inline'"],
      'img-src': ["'self'", 'data:'],
      'connect-src': ["'self'"],
      'frame-ancestors': ["'none'"],
      'base-uri': ["'none'"],
    },
    uiConfig: { supportedSubmitMethods: [] },
  })
})
