import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js'
import '@fastify/swagger'
import type { FastifyInstance, InjectOptions, LightMyRequestResponse } from 'fastify'

interface Answer {
  content?: Record<string, { schema?: object }>
}
interface Operation {
  responses: Record<string, Answer>
}
/** What is read of an OpenAPI document. */
export interface OpenApiDocument {
  openapi: string
  paths: Record<string, Record<string, Operation>>
}

/** The document as whoever reads it gets it: what is undefined is absent. */
export const openApiOf = (app: FastifyInstance): OpenApiDocument =>
  JSON.parse(JSON.stringify(app.swagger())) as OpenApiDocument

/**
 * Compares answers with what OpenAPI says of them.
 * @returns a function that throws where an answer has a status, a media type or a shape that is
 * not documented
 */
export function answerChecker(document: OpenApiDocument) {
  const ajv = new Ajv2020({ strict: false })
  const compiled = new Map<object, ValidateFunction>()
  const operations = Object.entries(document.paths).map(([path, methods]) => ({
    pattern: new RegExp(`^${path.replace(/[.]/g, '\\.').replace(/\{\w+\}/g, '[^/]+')}$`),
    methods,
  }))

  return (method: string, url: string, response: LightMyRequestResponse): void => {
    const path = url.split('?')[0] ?? ''
    if (path.startsWith('/documentation')) return
    const where = `${method} ${path} ${response.statusCode}`
    const operation = operations.find(({ pattern }) => pattern.test(path))?.methods[
      method.toLowerCase()
    ]
    if (!operation) {
      if ([400, 404].includes(response.statusCode) || ['HEAD', 'OPTIONS'].includes(method)) return
      throw new Error(`${where}: not in the OpenAPI document`)
    }
    const status = String(response.statusCode)
    const answer = operation.responses[status] ?? operation.responses[`${status[0] ?? ''}XX`]
    if (!answer) throw new Error(`${where}: a status that is not documented`)
    const type = (response.headers['content-type'] ?? '').split(';')[0] ?? ''
    if (!answer.content) {
      if (response.body !== '') throw new Error(`${where}: a body that is not documented`)
      return
    }
    const schema = answer.content[type]?.schema
    if (!schema) throw new Error(`${where}: ${type} is not documented`)
    if (type !== 'application/json') return
    const validate = compiled.get(schema) ?? ajv.compile(schema)
    compiled.set(schema, validate)
    if (!validate(response.json())) {
      throw new Error(`${where}: ${ajv.errorsText(validate.errors)} in ${response.body}`)
    }
  }
}

/** Every answer that a test gets from this application is compared with its schema. */
export function checkAnswers(app: FastifyInstance): void {
  const inject = app.inject.bind(app)
  let check: ReturnType<typeof answerChecker> | undefined
  const checked = async (options: InjectOptions): Promise<LightMyRequestResponse> => {
    const response = await inject(options)
    check ??= answerChecker(openApiOf(app))
    check(options.method ?? 'GET', options.url as string, response)
    return response
  }
  app.inject = checked as typeof app.inject
}
