import { readFileSync } from 'node:fs'
import t from 'tap'
import { ADDONS, addonPages, pageFiles } from '../addon/readme.ts'

t.same(ADDONS, ['auth_drawbridge', 'auth_drawbridge_demo'])

for (const addon of ADDONS) {
  t.test(`the pages of ${addon} say what its readme/ says`, (t) => {
    const files = pageFiles(addon)
    const { readme, html } = addonPages(addon)
    const advice = 'run: npm run readme:addons'
    t.equal(readFileSync(files.readme, 'utf8'), readme, advice)
    t.equal(readFileSync(files.html, 'utf8'), html, advice)
    t.end()
  })
}
