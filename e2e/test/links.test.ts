/** What the documentation points to is there: files, and headings in them. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import t from 'tap'
import { REPOSITORY } from '../stack/paths.ts'

const FOLDERS = ['', 'docs', 'bridge', 'nginx-njs', 'pwa', 'pwa/src/auth', 'odoo-addon', 'e2e']
const PAGES = FOLDERS.flatMap((folder) => globSync(join(REPOSITORY, folder, '*.md')))

/** A page without its examples. */
const textOf = (file: string): string =>
  readFileSync(file, 'utf8').replaceAll(/^ *```[^]*?^ *```/gm, '')

/** The names that GitHub gives to the headings of a page. */
const anchorsOf = (file: string): Set<string> =>
  new Set(
    [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )

for (const page of PAGES) {
  t.test(relative(REPOSITORY, page), (t) => {
    for (const [, target = ''] of textOf(page).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue
      const [path = '', anchor] = target.split('#')
      const file = path === '' ? page : resolve(dirname(page), path)
      t.ok(existsSync(file), target)
      if (anchor !== undefined && existsSync(file)) t.ok(anchorsOf(file).has(anchor), target)
    }
    t.end()
  })
}
t.ok(PAGES.length > 20)
