/** SECURITY.md answers every attack of RFC 9700 §4, by files and tests that there are. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'tap'

const ROOT = join(import.meta.dirname, '../../..')
const read = (file: string): string => readFileSync(join(ROOT, file), 'utf8')

const [, section = ''] =
  /\n## Threat model: the attacks of RFC 9700\n(.*?)\n## /s.exec(read('SECURITY.md')) ?? []

/** Its table: number, name, what stops it, tests. */
const rows = section
  .split('\n')
  .map((line) => line.split(/ *\| */).slice(1, -1))
  .filter(([number = '']) => /^4\.\d+$/.test(number))

/** Whether a file has a test of this title. */
function hasTest(file: string, title: string): boolean {
  const titles = [...read(file).matchAll(/\btest\(\s*(['"`])(.+?)\1/g)].map(([, , found]) => found)
  return titles.includes(title)
}

test('every attack has its row', (t) => {
  const numbers = Array.from({ length: 17 }, (_, index) => `4.${index + 1}`)
  t.same(
    rows.map(([number]) => number),
    numbers,
  )
  t.end()
})

test('each row names a file that does it, and tests that show it', (t) => {
  for (const [number = '', , stops = '', shown = ''] of rows) {
    const files = [...stops.matchAll(/`((?:bridge|nginx-njs|pwa|e2e)\/[\w./-]+)`/g)]
    t.ok(files.length > 0, `${number} names a file`)
    for (const [, file = ''] of files) t.ok(existsSync(join(ROOT, file)), `${number} ${file}`)

    const named = [...shown.matchAll(/`([\w./-]+)`: ((?:“[^”]+”(?:, )?)+)/g)]
    t.ok(named.length > 0, `${number} names a test`)
    // All of the cell was understood: what is spelt otherwise would not be looked at.
    t.equal(named.map(([text]) => text).join('; '), shown, number)
    for (const [, file = '', titles = ''] of named) {
      for (const [, title = ''] of titles.matchAll(/“([^”]+)”/g)) {
        t.ok(hasTest(file, title), `${number} ${file}: ${title}`)
      }
    }
  }
  t.end()
})
