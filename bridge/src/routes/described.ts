import { Type } from 'typebox'

/**
 * A parameter of which the API's description tells, and that may be anything: what is wrong with it
 * is told to the client in an address, or to the person in a page, so the route itself looks.
 */
export const described = (description: string) => Type.Optional(Type.Unknown({ description }))
