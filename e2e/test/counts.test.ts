import t from 'tap'
import { countOdoo, countPlaywright, countTap } from '../stack/counts.ts'

t.test('TAP: tests are counted, not their assertions', (t) => {
  const counts = countTap(`TAP version 14
# Subtest: a.test.ts
    # Subtest: one
        ok 1 - first
        ok 2 - second
        1..2
    ok 1 - one
    # Subtest: two
        # Subtest: inner
            ok 1 - assertion
            1..1
        ok 1 - inner
        1..1
    ok 2 - two
    1..2
ok 1 - a.test.ts
1..1
`)
  t.strictSame(counts, { passed: 2, failed: [], skipped: [] })
  t.end()
})

t.test('TAP: a failed test counts once, however many levels report it', (t) => {
  const counts = countTap(`TAP version 14
# Subtest: a.test.ts
    # Subtest: good
        ok 1 - assertion
        1..1
    ok 1 - good
    # Subtest: bad
        not ok 1 - assertion
        not ok 2 - another
        1..2
    not ok 2 - bad
    1..2
not ok 1 - a.test.ts
1..1
`)
  t.strictSame(counts, { passed: 1, failed: ['a.test.ts › bad'], skipped: [] })
  t.end()
})

t.test('TAP: a file that crashes after its tests has failed', (t) => {
  const counts = countTap(`TAP version 14
# Subtest: a.test.ts
    # Subtest: good
        ok 1 - assertion
        1..1
    ok 1 - good
    1..1
not ok 1 - a.test.ts
  ---
  exitCode: 1
  ...
1..1
`)
  t.strictSame(counts, { passed: 1, failed: ['a.test.ts'], skipped: [] })
  t.end()
})

t.test('TAP: a file that crashes before any test has failed', (t) => {
  const counts = countTap(
    'TAP version 14\n# Subtest: a.test.ts\n    1..0\nnot ok 1 - a.test.ts\n1..1\n',
  )
  t.strictSame(counts, { passed: 0, failed: ['a.test.ts'], skipped: [] })
  t.end()
})

t.test('TAP: skipped and unwritten tests are named', (t) => {
  const counts = countTap(`TAP version 14
# Subtest: a.test.ts
    ok 1 - later # SKIP no time
    not ok 2 - some day # TODO
    # Subtest: good
        ok 1 - assertion
        1..1
    ok 3 - good
    1..3
ok 1 - a.test.ts
ok 2 - empty.test.ts # SKIP no tests found
1..2
`)
  t.strictSame(counts, {
    passed: 1,
    failed: [],
    skipped: ['a.test.ts › later', 'a.test.ts › some day', 'empty.test.ts'],
  })
  t.end()
})

t.test('Odoo: failures, errors and skipped tests are taken off', (t) => {
  const log = `
2026-01-01 00:00:00,000 1 INFO db odoo.addons.x.tests.test_y: skipped TestY.test_tour : no browser
2026-01-01 00:00:00,000 1 ERROR db odoo.addons.x.tests.test_y: FAIL: TestY.test_z
2026-01-01 00:00:00,000 1 ERROR db odoo.addons.x.tests.test_y: ERROR: TestY.test_a
2026-01-01 00:00:01,000 1 ERROR db odoo.tests.result: 1 failed, 2 error(s) of 10 tests when loading database 'db'
`
  t.strictSame(countOdoo(log), {
    passed: 6,
    failed: ['TestY.test_z', 'TestY.test_a', 'see the log'],
    skipped: ['TestY.test_tour : no browser'],
  })
  t.strictSame(countOdoo('no result'), { passed: 0, failed: [], skipped: [] })
  t.end()
})

t.test('Playwright: nested suites; a second try does not make a test good', (t) => {
  const spec = (title: string, status: string) => ({ title, tests: [{ status }] })
  const report = {
    suites: [
      {
        specs: [spec('a', 'expected'), spec('b', 'flaky')],
        suites: [{ specs: [spec('c', 'unexpected'), spec('d', 'skipped')] }],
      },
    ],
  }
  t.strictSame(countPlaywright(JSON.stringify(report)), {
    passed: 1,
    failed: ['c', 'b'],
    skipped: ['d'],
  })
  t.end()
})
