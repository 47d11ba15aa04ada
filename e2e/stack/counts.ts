/** Reads how many tests ran, from what each test runner writes. */
import { Parser, type Result } from 'tap-parser'

export interface Counts {
  passed: number
  /** Names of those that failed. */
  failed: string[]
  /** Names of those that were skipped or are yet to be written. */
  skipped: string[]
}

interface Node {
  name: string
  children: Node[]
  /** Assertions of its own, those that end a child left out. */
  assertions: Result[]
  ok: boolean
}

function follow(parser: Parser, name: string): Node {
  const node: Node = { name, children: [], assertions: [], ok: true }
  let child: Node | undefined
  parser.on('child', (subtest: Parser) => {
    child = follow(subtest, subtest.name)
    node.children.push(child)
  })
  parser.on('assert', (result: Result) => {
    // The line after a subtest sums it up.
    if (child !== undefined) child.ok = result.ok
    else node.assertions.push(result)
    child = undefined
  })
  return node
}

const sum = (all: Counts[]): Counts => ({
  passed: all.reduce((total, { passed }) => total + passed, 0),
  failed: all.flatMap(({ failed }) => failed),
  skipped: all.flatMap(({ skipped }) => skipped),
})

const isSkipped = ({ skip, todo }: Result): boolean => Boolean(skip) || Boolean(todo)

function countNode(node: Node, path: string): Counts {
  const below = sum(node.children.map((child) => countNode(child, join(path, child.name))))
  const skipped = node.assertions
    .filter(isSkipped)
    .map((assertion) => join(path, assertion.name || String(assertion.skip || assertion.todo)))
  const broken = node.assertions.some((assertion) => !assertion.ok && !isSkipped(assertion))
  // A test without subtests counts as one. One with subtests counts only if it failed by itself:
  // an assertion beside them, a timeout, a crash.
  const isTest = node.children.length === 0 && node.assertions.length > skipped.length
  const failedItself = broken || (!node.ok && below.failed.length === 0)
  const own: Counts = {
    passed: isTest && !failedItself ? 1 : 0,
    failed: failedItself ? [path] : [],
    skipped,
  }
  return sum([below, own])
}

const join = (path: string, name: string): string => (path === '' ? name : `${path} › ${name}`)

/**
 * Counts named tests, not assertions, in TAP.
 * @see https://testanything.org/tap-version-14-specification.html
 */
export function countTap(tap: string): Counts {
  const parser = new Parser()
  const root = follow(parser, '')
  parser.end(tap)
  return countNode(root, '')
}

/** Counts tests in the log of an Odoo that ran them. */
export function countOdoo(log: string): Counts {
  const results = [...log.matchAll(/(\d+) failed, (\d+) error\(s\) of (\d+) tests/g)]
  const names = (line: RegExp): string[] => [...log.matchAll(line)].map(([, name = '']) => name)
  const total = (index: number): number =>
    results.reduce((all, match) => all + Number(match[index]), 0)
  const skipped = names(/ skipped (\S.*)$/gm)
  const named = names(/ (?:FAIL|ERROR): (\S.*)$/gm)
  const count = total(1) + total(2)
  const failed = Array.from({ length: count }, (_, index) => named[index] ?? 'see the log')
  return { passed: total(3) - count - skipped.length, failed, skipped }
}

interface PlaywrightSuite {
  specs: { title: string; tests: { status: string }[] }[]
  suites?: PlaywrightSuite[]
}

/** Counts tests in Playwright's JSON report. One that passed only at a second try has failed. */
export function countPlaywright(report: string): Counts {
  const { suites } = JSON.parse(report) as { suites: PlaywrightSuite[] }
  const count = (suite: PlaywrightSuite): Counts =>
    sum([
      ...(suite.suites ?? []).map(count),
      ...suite.specs.flatMap(({ title, tests }) =>
        tests.map(({ status }) => ({
          passed: status === 'expected' ? 1 : 0,
          failed: status === 'unexpected' || status === 'flaky' ? [title] : [],
          skipped: status === 'skipped' ? [title] : [],
        })),
      ),
    ])
  return sum(suites.map(count))
}
