/** Schemas of what the routes for contacts are asked. */
import { Type, type Static } from 'typebox'

/** Of a record: Postgres' integers end there. */
export const ID = '^[1-9]\\d{0,8}$'

/** In which company somebody works who belongs to several. */
export const Company = Type.Object({
  company: Type.Optional(
    Type.String({ pattern: ID, description: "the company to work in, one of the user's" }),
  ),
})

/** Its id; undefined: all of the user's. */
export const companyOf = ({ company }: Static<typeof Company>): number | undefined =>
  company === undefined ? undefined : Number(company)
