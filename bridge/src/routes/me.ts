import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox'
import { Type } from 'typebox'
import { PATHS, SCOPE_READ, type Me } from '../contract/index.ts'
import { BridgeError } from '../errors.ts'
import type { OdooClient } from '../odoo/port.ts'
import { languageOf, text, type OdooText } from '../data/values.ts'
import type { AsOdooUser } from './as-odoo-user.ts'

interface User {
  name: string
  login: string
  lang: OdooText
  company_id: [id: number, name: string]
  company_ids: number[]
}

async function readMe(odoo: OdooClient, uid: number): Promise<Me> {
  const fields = ['name', 'login', 'lang', 'company_id', 'company_ids']
  const [user] = await odoo.read<User>('res.users', [uid], fields)
  if (!user) throw new BridgeError('session_ended')
  const [ownId, ownName] = user.company_id
  const others = user.company_ids.filter((id) => id !== ownId)
  const companies =
    others.length === 0
      ? []
      : await odoo.read<{ id: number; name: string }>('res.company', others, ['name'])
  return {
    uid,
    name: user.name,
    login: user.login,
    language: languageOf(text(user.lang)),
    companies: [{ id: ownId, name: ownName }, ...companies.map(({ id, name }) => ({ id, name }))],
  }
}

const SCHEMA = {
  tags: ['api'],
  summary: 'Who the user is at Odoo',
  security: [{ accessToken: [], gate: [] }],
  response: {
    200: Type.Object({
      uid: Type.Integer(),
      name: Type.String(),
      login: Type.String(),
      language: Type.Unsafe<string | null>({ type: ['string', 'null'] }),
      companies: Type.Array(Type.Object({ id: Type.Integer(), name: Type.String() })),
    }),
  },
}

/** Who is signed in, for requests that the gate let through. */
export const meRoute: FastifyPluginCallbackTypebox<{ asOdooUser: AsOdooUser }> = (
  app,
  { asOdooUser },
  done,
) => {
  app.get(PATHS.me, { schema: SCHEMA }, (request, reply) =>
    asOdooUser(request, reply, SCOPE_READ, readMe),
  )

  done()
}
