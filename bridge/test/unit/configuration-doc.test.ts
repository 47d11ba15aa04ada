import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'
import { schema } from '../../src/config.ts'

const page = readFileSync(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8')

/** Cells of the tables, by the variable in the first. */
const rows = new Map(
  page
    .split('\n')
    .map((line) => line.split(/ *\| */).slice(1, -1))
    .flatMap(([first = '', ...others]) => {
      const name = /^`([A-Z_]+)`$/.exec(first)?.[1]
      return name === undefined ? [] : [[name, others] as const]
    }),
)

const properties = Object.entries(schema.properties) as [string, { default?: string | number }][]

/** Too wide for a table. */
const roleMap = /default of `ROLE_MAP`:\s+```json\s+(.*)/.exec(page)?.[1] ?? ''

/** What the page says of a default. */
function expected(name: string, fallback: string | number | undefined): string {
  if (fallback !== undefined) return `\`${fallback}\``
  return schema.required.includes(name as (typeof schema.required)[number]) ? 'required' : 'none'
}

test('every setting is documented, with its default', (t) => {
  for (const [name, { default: fallback }] of properties) {
    const [shown = '', meaning = ''] = rows.get(name) ?? []
    if (name === 'ROLE_MAP') t.same(JSON.parse(roleMap), JSON.parse(String(fallback)), name)
    else t.equal(shown, expected(name, fallback), name)
    t.match(meaning, /^.{10,}\.$/, `${name}: a meaning`)
  }
  t.end()
})

test('nothing is documented that is no setting', (t) => {
  t.same([...rows.keys()].sort(), properties.map(([name]) => name).sort())
  t.end()
})
