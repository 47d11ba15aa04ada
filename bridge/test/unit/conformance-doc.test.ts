import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'

const docs = join(import.meta.dirname, '../../../docs')
const page = readFileSync(join(docs, 'conformance.md'), 'utf8')

/** Modules of the tables, with the file that the row links to. */
const documented = [...page.matchAll(/^\| `(oidcc-[\w-]+)`.*\]\((\S+)\) *\|$/gm)].map(
  ([, module = '', link = '']) => ({ module, source: readFileSync(join(docs, link), 'utf8') }),
)

/** Modules that a source has a test for. */
const tested = (source: string): string[] =>
  [...source.matchAll(/'(oidcc-[\w-]+)'/g)].map(([, module = '']) => module)

test('each module of the certification has the test that the page says', (t) => {
  for (const { module, source } of documented) t.ok(tested(source).includes(module), module)
  t.end()
})

test('no module is tested that the page does not have', (t) => {
  const files = readdirSync(import.meta.dirname).filter((name) => /^conformance-(?!doc)/.test(name))
  const all = files.flatMap((name) => tested(readFileSync(join(import.meta.dirname, name), 'utf8')))
  t.same([...all].sort(), documented.map(({ module }) => module).sort(), 'once each')
  t.end()
})
