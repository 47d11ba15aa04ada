import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { ODOO_STATUS_PATH, type OdooStatus } from '../contract/index.ts'
import { onlyOdoo, type OdooProofs } from '../plugins/odoo.ts'

export interface OdooStatusRouteOptions {
  proofs: OdooProofs
  /** What stands in the settings. */
  facts: Omit<OdooStatus, 'kid'>
  /** Of the key that signs now. @throws KeysUnavailable */
  signingKid: () => Promise<string>
}

const seconds = Type.Integer({ description: 'seconds' })

const SCHEMA = {
  tags: ['odoo'],
  summary: 'What an administrator of Odoo may know of the bridge',
  security: [{ odoo: [] }],
  body: Type.Object({}, { additionalProperties: false }),
  response: {
    200: Type.Object({
      issuer: Type.String(),
      version: Type.String(),
      kid: Type.String({ description: 'of the key that signs now' }),
      access_token_ttl: seconds,
      refresh_idle_ttl: seconds,
      refresh_absolute_ttl: seconds,
      role_map: Type.Record(Type.String(), Type.String(), {
        description: 'external id of a group → role',
      }),
    }),
  },
}

/** Answers the paired Odoo's connection test. Nothing here is secret; it is for Odoo to show. */
export const odooStatusRoute: FastifyPluginCallbackTypebox<OdooStatusRouteOptions> = (
  app,
  { proofs, facts, signingKid },
  done,
) => {
  onlyOdoo(app, { proofs })
  app.post(ODOO_STATUS_PATH, { schema: SCHEMA }, async () => ({
    ...facts,
    kid: await signingKid(),
  }))
  done()
}
