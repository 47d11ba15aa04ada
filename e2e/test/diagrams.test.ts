/**
 * Sequence diagrams of the documentation are ones that mermaid can draw. What stands here is the
 * part of its grammar that they use: mermaid itself would bring a browser's worth of packages.
 * @see https://mermaid.js.org/syntax/sequenceDiagram.html
 */
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { REPOSITORY } from '../stack/paths.ts'

/** `;` ends a line to mermaid, and `#` begins a character's name. */
const TEXT = '[^;#]+'
const LINES = {
  participant: /^(?:participant|actor) (?<named>\w+)(?: as .+)?$/,
  message: new RegExp(`^(?<from>\\w+)--?>>(?<to>\\w+): ${TEXT}$`),
  note: new RegExp(`^Note (?:over|left of|right of) (?<from>\\w+)(?:,(?<to>\\w+))?: ${TEXT}$`),
  begin: new RegExp(`^(?:alt|opt|loop|par|critical) ${TEXT}$`),
  else: new RegExp(`^(?:else|and|option)(?: ${TEXT})?$`),
  end: /^end$/,
}

/** @returns what mermaid would not understand */
function problemsIn(diagram: string): string[] {
  const problems: string[] = []
  const known = new Set<string>()
  let depth = 0
  for (const line of diagram.split('\n').slice(1)) {
    const text = line.trim()
    const found = Object.entries(LINES).flatMap(([kind, pattern]) => {
      const groups = pattern.exec(text)
      return groups ? [{ kind, ...groups.groups }] : []
    })
    const [match] = found as { kind: string; named?: string; from?: string; to?: string }[]
    if (match === undefined) problems.push(text)
    if (match?.named !== undefined) known.add(match.named)
    for (const name of [match?.from, match?.to]) {
      if (name !== undefined && !known.has(name)) problems.push(`${name} is nobody: ${text}`)
    }
    if (match?.kind === 'begin') depth += 1
    if (match?.kind === 'end') depth -= 1
    if (match?.kind === 'else' && depth === 0) problems.push(`outside: ${text}`)
    if (depth < 0) problems.push('one end too many')
  }
  return depth === 0 ? problems : [...problems, 'an end is missing']
}

t.test('every sequence diagram can be drawn', (t) => {
  const files = globSync('{*,docs/**/*,odoo-addon/**/*}.md', { cwd: REPOSITORY })
  let count = 0
  for (const file of files) {
    const page = readFileSync(join(REPOSITORY, file), 'utf8')
    for (const [, diagram = ''] of page.matchAll(/^```mermaid\n(.*?)\n```$/gms)) {
      if (!diagram.startsWith('sequenceDiagram')) continue
      count += 1
      t.same(problemsIn(diagram), [], `${file}: ${diagram.split('\n')[1]?.trim() ?? ''}`)
    }
  }
  t.ok(count >= 12, `${count} diagrams`)
  t.end()
})

t.test('what mermaid does not understand is found', (t) => {
  const drawn = (...lines: string[]) =>
    problemsIn(['sequenceDiagram', 'participant A as An app', 'participant B', ...lines].join('\n'))
  t.same(drawn('A->>B: GET /', 'alt yes', 'B-->>A: 200', 'else', 'Note over A,B: no', 'end'), [])
  t.same(drawn('A->>B: a token; a cookie').length, 1)
  t.same(drawn('A->>B: #1').length, 1)
  t.same(drawn('A->>C: hello').length, 1)
  t.same(drawn('A->B').length, 1)
  t.same(drawn('opt maybe'), ['an end is missing'])
  t.same(drawn('end').length, 2)
  t.same(drawn('else').length, 1)
  t.end()
})
