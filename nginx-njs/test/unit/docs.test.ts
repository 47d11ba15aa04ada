/** docs/gate.md names everything that an operator can write, read or meet, and what it says holds. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REFUSALS } from '../../src/refusals.ts'
import { readSettings } from '../../src/settings.ts'
import { PAGE } from '../support/page.ts'

const ROOT = join(import.meta.dirname, '../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const sources = readdirSync(join(ROOT, 'src'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(`src/${file}`))
  .join('\n')

/** What stands under a heading, up to the next one. */
function section(heading: string): string {
  const begin = PAGE.indexOf(`\n${heading}\n`)
  if (begin === -1) throw new Error(`docs/gate.md has no ${heading}`)
  const end = PAGE.indexOf('\n#', begin + heading.length + 2)
  return PAGE.slice(begin, end === -1 ? undefined : end)
}

/** The rows of the tables under a heading whose first cell is code. */
const rows = (heading: string): string[][] =>
  section(heading)
    .split('\n')
    .filter((line, at, lines) => line.startsWith('| `') && !/^\| -/.test(lines[at + 1] ?? ''))
    .map((line) =>
      line
        .slice(1, -1)
        .split(' | ')
        .map((cell) => cell.trim()),
    )

const code = (cell = ''): string | undefined => /^`(.*)`$/.exec(cell)?.[1]

const names = (heading: string): string[] => rows(heading).map((row) => code(row[0]) ?? '')

const unique = (list: string[]): string[] => [...new Set(list)].sort()

/** The first group of each match. */
const all = (text: string, pattern: RegExp): string[] =>
  unique([...text.matchAll(pattern)].map((match) => match[1] ?? ''))

/** The statements that settings.ts knows, by the name of their rules. */
const statements = (rules: string): string[] => {
  const body = new RegExp(`const ${rules} = rules\\({(.*?)\\n}\\)`, 's').exec(sources)?.[1] ?? ''
  return all(body, /^ {2}(\w+): (?:one|several)\(/gm)
}

const ISSUERS = `
  issuer https://id.example.com; jwks http://a/jwks; revocations off;
  validate http://a/validate; credential secret;
  issuer https://partner.example; jwks http://b/jwks; revocations off;
  validate http://b/validate; credential secret;
`
const settings = (statement: string, name = ''): object => {
  const needed = ['audience a', 'scope *', 'token_cookie a'].filter(
    (text) => !text.startsWith(`${name} `),
  )
  const location = [...needed, statement].filter((text) => text !== '').join('; ')
  return readSettings(`${ISSUERS}\nlocation;\n${location};`)
}

t.test('every statement of $drawbridge_issuers', (t) => {
  const heading = '### `$drawbridge_issuers`'
  t.ok(statements('ISSUER_RULES').length >= 5)
  t.same(unique(names(heading)), statements('ISSUER_RULES'))
  const example = rows(heading)
    .map((row) => `${code(row[0]) ?? ''} ${code(row[2]) ?? ''};`)
    .join(' ')
  t.match(readSettings(`${example}\nlocation;\naudience a; scope *; mode introspect;`), {
    issuers: [{ issuer: 'https://id.example.com' }],
  })
  t.end()
})

t.test('every statement of $drawbridge, its default and its example', (t) => {
  const heading = '### `$drawbridge`'
  t.ok(statements('LOCATION_RULES').length >= 17)
  t.same(unique(names(heading)), statements('LOCATION_RULES'))
  const without = settings('')
  t.notOk('problem' in without)
  for (const [name, byDefault, example] of rows(heading).map((row) => row.map(code))) {
    const statement = `${name ?? ''} ${example ?? ''}`
    const read = settings(statement, name)
    t.notOk('problem' in read, `${statement}: ${JSON.stringify(read)}`)
    t.notSame(read, without, `${statement} changes something`)
    if (byDefault !== undefined) {
      t.same(settings(`${name ?? ''} ${byDefault}`), without, `the default of ${name ?? ''}`)
    }
  }
  t.end()
})

t.test('every reason to refuse, with its status', (t) => {
  const documented = rows('## Results')
  t.same(unique(documented.map((row) => code(row[0]) ?? '')), Object.keys(REFUSALS).sort())
  for (const [reason, refusal] of Object.entries(REFUSALS)) {
    const row = documented.find((candidate) => code(candidate[0]) === reason)
    t.equal(row?.[1], String(refusal.status), reason)
    t.match(row?.[2], `\`${refusal.error}\``, reason)
  }
  t.end()
})

t.test('every metric, and every rule asks for one that there is', (t) => {
  const metrics = all(sources, /'(drawbridge_gate_\w+)'/g)
  t.ok(metrics.length >= 5)
  t.same(unique(names('## Metrics')), metrics)
  t.same(
    all(PAGE, /\b(drawbridge_gate_[a-z_]+)/g),
    [...metrics, 'drawbridge_gate_credential'].sort(),
  )
  t.end()
})

t.test('every zone, with its size', (t) => {
  const declared = `${read('conf/http.conf')}\n${read('conf/example-api.conf')}`
  const documented = rows('### Zones').map((row) => `${code(row[0]) ?? ''}:${code(row[1]) ?? ''}`)
  t.same(unique(documented), all(declared, /js_shared_dict_zone zone=(\w+:\w+)/g))
  const used = all(read('src/zones.ts'), /'(drawbridge_\w+)'/g)
  t.same(unique(names('### Zones')), used)
  t.end()
})

t.test('every variable that the snippets give', (t) => {
  const given = all(read('conf/http.conf'), /^map \$drawbridge_exchange \$(drawbridge_\w+)/gm)
  t.ok(given.length >= 7)
  for (const name of given) t.match(section('## Results'), `\`$${name}\``, name)
  const upstreams = all(read('conf/http.conf'), /^ {4}([a-z]+) +(?:\$\w+|"");$/gm).filter(
    (word) => word !== 'default',
  )
  t.same(unique(names('### Towards the upstream')), upstreams)
  t.end()
})

t.test('every line that the gate can log', (t) => {
  const said = /(?:\bproblem|new Error)\(\s*(?:'([^']+)'|`([^`]+)`)/g
  const logged = /'(drawbridge: [^']+)'|`(drawbridge: [^`]+)`|"(drawbridge: [^"]+)"/g
  // What is filled in is written as … in both.
  const shape = (text: string): string =>
    text
      .replaceAll(/\$\{[^}]*\}|\$drawbridge(?:_issuers)?/g, '…')
      .replaceAll(/"\w+" in …/g, '"…" in …')
  const log = shape(section('## Error log'))
  let count = 0
  const texts: [string, RegExp][] = [
    [sources, said],
    [sources, logged],
    [read('src/statements.ts'), /return '([^']+)'/g],
  ]
  for (const [text, pattern] of texts) {
    for (const match of text.matchAll(pattern)) {
      const line = shape(match[1] ?? match[2] ?? match[3] ?? '')
      // Of these only the text in place of the … tells anything; it is one of the others.
      if (/^drawbridge: …/.test(line)) continue
      count++
      t.ok(log.includes(line), line)
    }
  }
  t.ok(count >= 25, `${count} lines`)
  t.end()
})

t.test('what it links to is there', (t) => {
  const anchors = all(PAGE, /^#+ (.+)$/gm).map((heading) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\w -]/g, '')
      .replaceAll(' ', '-'),
  )
  for (const anchor of all(PAGE, /\]\(#([\w-]+)\)/g)) t.ok(anchors.includes(anchor), anchor)
  for (const file of all(PAGE, /\]\((\.\.?\/[^)#]+|[\w-]+\.md)/g))
    t.ok(read(`../docs/${file}`), file)
  const listed = all(PAGE, /\[`(example[\w-]*\.conf)`\]/g)
  t.same(
    listed,
    readdirSync(join(ROOT, 'conf')).filter((file) => file.startsWith('example')),
  )
  t.end()
})

t.test('SECURITY.md names tests that there are', (t) => {
  const named = all(read('../SECURITY.md'), /`((?:nginx|unit)\/[\w-]+)`/g)
  t.ok(named.length >= 8)
  for (const name of named) t.ok(read(`test/${name}.test.ts`), name)
  t.end()
})
