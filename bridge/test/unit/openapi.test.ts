import { Validator } from '@seriousme/openapi-schema-validator'
import type { LightMyRequestResponse } from 'fastify'
import { test } from 'tap'
import { PATHS } from '../../src/contract/index.ts'
import { answerChecker, openApiOf } from '../answers.ts'
import { login, startBridge } from '../helper.ts'

/** `GET /readyz` and the like, from the tree that Fastify draws of its routes. */
function routesIn(tree: string): string[] {
  const parents: string[] = []
  return tree.split('\n').flatMap((line) => {
    const [, indent = '', segment = '', methods = ''] =
      /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line) ?? []
    if (segment === '') return []
    const depth = indent.length / 4
    const path = `${parents[depth - 1] ?? ''}${segment}`
    parents[depth] = path
    return methods
      .split(', ')
      .filter((method) => !['', 'HEAD', 'OPTIONS'].includes(method))
      .map((method) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)
  })
}

test('the document is valid OpenAPI 3.1 and lists every route', async (t) => {
  const { app } = await startBridge(t)
  await app.ready()
  const document = openApiOf(app)
  const validator = new Validator()
  const { valid, errors } = await validator.validate({ ...document })
  t.ok(valid, JSON.stringify(errors))
  t.equal(validator.version, '3.1')

  const routes = routesIn(app.printRoutes({ commonPrefix: false }))
  t.ok(routes.includes(`POST ${PATHS.login}`), 'the reader of the tree is able')
  const documented = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  t.same(documented.sort(), routes.sort())
  for (const path of Object.values(PATHS)) t.ok(document.paths[path], path)
})

test('every route says what it answers, in words too', async (t) => {
  const { app } = await startBridge(t)
  await app.ready()
  for (const [path, methods] of Object.entries(openApiOf(app).paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      t.match(operation, { tags: [String], summary: String }, `${method} ${path}`)
      const statuses = Object.keys(operation.responses)
      t.ok(statuses.includes('5XX') && statuses.includes('4XX'), `${method} ${path}`)
      t.ok(
        statuses.some((status) => /^[23]/.test(status)),
        `${method} ${path}`,
      )
    }
  }
})

test('an answer that is not as documented is noticed', async (t) => {
  const { app } = await startBridge(t)
  const answer = await login(app)
  const check = answerChecker(openApiOf(app))
  check('POST', PATHS.login, answer)
  const changed = (change: object) => ({ ...answer, ...change }) as LightMyRequestResponse
  const { headers } = answer
  const wrong: Record<string, [string, LightMyRequestResponse]> = {
    'a status': [PATHS.login, changed({ headers, statusCode: 201 })],
    'a shape': [PATHS.login, changed({ headers, statusCode: 200, json: () => ({}) })],
    'a type': [
      PATHS.login,
      changed({ statusCode: 200, headers: { 'content-type': 'text/html' }, json: () => ({}) }),
    ],
    'a route': ['/elsewhere', changed({ headers, statusCode: 200 })],
  }
  for (const [what, [url, response]] of Object.entries(wrong)) {
    t.throws(() => {
      check('POST', url, response)
    }, what)
  }
})

test('the page is served where it is asked for, under a policy that it can live with', async (t) => {
  const { app } = await startBridge(t)
  t.equal((await app.inject({ url: '/documentation' })).statusCode, 404)

  const documented = await startBridge(t, { DOCUMENTATION: 'true' })
  const get = async (url: string) => {
    const { body, headers, statusCode } = await documented.app.inject({ url })
    return { body, statusCode, policy: String(headers['content-security-policy']) }
  }
  const page = await get('/documentation/')
  t.equal(page.statusCode, 200)
  t.match(page.policy, /default-src 'none'; script-src 'self';/)
  t.notMatch(page.policy, /script-src[^;]*unsafe/)
  t.notMatch(page.body, /<script(?![^>]*\bsrc=)/, 'no script stands in the page itself')
  const sources = [...page.body.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)].map(([, link]) => link)
  t.ok(sources.length >= 4)
  for (const link of sources) {
    const url = new URL(link ?? '', 'http://localhost/documentation/').pathname
    t.equal((await get(url)).statusCode, 200, url)
  }
  t.match(JSON.parse((await get('/documentation/json')).body), { openapi: '3.1.0' })
  t.notMatch((await get(PATHS.jwks)).policy, 'script-src', 'and nothing else is allowed more')
})
