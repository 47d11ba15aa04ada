/** Each step of docs/flows.md has a test that runs end to end, and no test names a step of its own. */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REPOSITORY } from '../stack/paths.ts'

const page = readFileSync(join(REPOSITORY, 'docs/flows.md'), 'utf8')
const steps = Array.from(page.matchAll(/^\| ([AB]\d+(?:\.\d+)*) /gm), ([, step]) => step ?? '')

const STEP = '[AB]\\d+(?:\\.\\d+)*'
const CALL = '(?:await )?(?:test|test\\.step|t\\.test)?[(\\[]?'
const NUMBERS = new RegExp(`^\\s*${CALL}\\s*['"\`](${STEP}(?:[, –-]+${STEP})*): `)

/** The steps that the title of a test names: one, several, or from one to another. */
function namedIn(title: string): string[] {
  return title.split(/,\s*/).flatMap((part) => {
    const [from = '', to] = part.split(/[–-]/)
    if (to === undefined) return [from]
    const [begin, end] = [steps.indexOf(from), steps.indexOf(to)]
    if (begin < 0 || end < begin) return [part]
    // What happens within a step is named by itself.
    return steps.slice(begin, end + 1).filter((step) => !step.includes('.'))
  })
}

const titlesIn = (pattern: string): string[] =>
  globSync(pattern, { cwd: REPOSITORY }).flatMap((file) =>
    readFileSync(join(REPOSITORY, file), 'utf8')
      .split('\n')
      .flatMap((line) => NUMBERS.exec(line)?.[1] ?? []),
  )

t.test('each step has an end-to-end test of its number', (t) => {
  const named = new Set(titlesIn('e2e/*.spec.ts').flatMap(namedIn))
  t.ok(steps.length > 30)
  t.same(
    steps.filter((step) => !named.has(step)),
    [],
  )
  t.end()
})

t.test('each number in a test is that of a step', (t) => {
  const suites = [
    'e2e/*.spec.ts',
    'bridge/test/**/*.ts',
    'nginx-njs/test/**/*.ts',
    'pwa/test/**/*.ts',
  ]
  const named = suites.flatMap(titlesIn).flatMap(namedIn)
  t.same(
    named.filter((step) => !steps.includes(step)),
    [],
  )
  t.end()
})
