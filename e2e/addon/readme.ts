/**
 * The pages of an addon, made from the fragments in its `readme/` the way OCA lays them out:
 * `README.md` for who reads the sources, `static/description/index.html` for Odoo's list of apps.
 *
 * `npm run readme:addons` writes them; a test tells when they are not what the fragments say.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { marked } from 'marked'
import { ADDONS_FOLDER } from '../stack/parts/odoo.ts'

/** OCA's fragments in the order of its own pages, each with its heading; the first needs none. */
const FRAGMENTS = [
  ['DESCRIPTION', undefined],
  ['INSTALL', 'Installation'],
  ['CONFIGURE', 'Configuration'],
  ['USAGE', 'Usage'],
  ['ROADMAP', 'Known issues / Roadmap'],
  ['HISTORY', 'Changelog'],
  ['CONTRIBUTORS', 'Contributors'],
] as const

/** All addons of this repository. */
export const ADDONS: readonly string[] = readdirSync(ADDONS_FOLDER)
  .filter((name) => existsSync(join(ADDONS_FOLDER, name, '__manifest__.py')))
  .sort()

export interface AddonPages {
  readme: string
  html: string
}

/** Where the pages of an addon lie. */
export const pageFiles = (addon: string): Record<keyof AddonPages, string> => ({
  readme: join(ADDONS_FOLDER, addon, 'README.md'),
  html: join(ADDONS_FOLDER, addon, 'static/description/index.html'),
})

/** @throws Error if the manifest lacks it, or spells it over several lines */
function fromManifest(addon: string, key: string): string {
  const manifest = readFileSync(join(ADDONS_FOLDER, addon, '__manifest__.py'), 'utf8')
  const value = new RegExp(`^ {4}"${key}": "(.+)",$`, 'm').exec(manifest)?.[1]
  if (value === undefined) throw new Error(`The manifest of ${addon} has no ${key}.`)
  return value
}

/**
 * Makes the pages of an addon.
 * @throws Error if `readme/` holds a fragment that no page would show
 */
export function addonPages(addon: string): AddonPages {
  const name = fromManifest(addon, 'name')
  const summary = fromManifest(addon, 'summary')
  const facts = [
    `Technical name \`${addon}\``,
    `Odoo ${fromManifest(addon, 'version').split('.').slice(0, 2).join('.')}`,
    fromManifest(addon, 'development_status'),
    fromManifest(addon, 'license'),
  ].join(' · ')
  const body = [facts, ...sections(addon)].join('\n\n')
  return {
    readme: `# ${name}\n\n${summary}.\n\n${body}\n`,
    // That page lies beside its pictures.
    html: page(
      name,
      summary,
      marked.parse(body.replaceAll('](static/description/', ']('), { async: false }),
    ),
  }
}

function sections(addon: string): string[] {
  const folder = join(ADDONS_FOLDER, addon, 'readme')
  const files = new Set(readdirSync(folder))
  const shown = FRAGMENTS.flatMap(([fragment, heading]) => {
    if (!files.delete(`${fragment}.md`)) return []
    const text = readFileSync(join(folder, `${fragment}.md`), 'utf8').trim()
    return [heading === undefined ? text : `## ${heading}\n\n${text}`]
  })
  const [forgotten] = files
  if (forgotten !== undefined) throw new Error(`No page shows ${addon}/readme/${forgotten}.`)
  return shown
}

/** Odoo's list of apps throws head and style away and uses its own; then the classes count. */
const page = (name: string, summary: string, body: string): string => `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${name}</title>
<style>
:root { color-scheme: light dark; --quiet: #6b6472; --line: #d9d4de; --plate: #f5f3f7; --accent: #714b67; }
@media (prefers-color-scheme: dark) {
  :root { --quiet: #aba3b3; --line: #443d4b; --plate: #26212b; --accent: #d3a6c6; }
}
body { margin: 0; font: 1rem/1.6 system-ui, sans-serif; }
main { box-sizing: border-box; max-width: 52rem; margin: 0 auto; padding: 2rem 1.25rem 4rem; }
main img { max-width: 100%; height: auto; }
header { display: flex; gap: 1.25rem; align-items: center; margin-bottom: 1.5rem; }
header img { width: 4.5rem; height: 4.5rem; flex: none; }
h1 { margin: 0; font-size: 2rem; line-height: 1.2; }
header p { margin: 0.25rem 0 0; color: var(--quiet); }
h2 { margin: 2.5rem 0 0.75rem; padding-bottom: 0.25rem; border-bottom: 1px solid var(--line); }
a { color: var(--accent); }
code { padding: 0.1em 0.3em; border-radius: 4px; background: var(--plate); overflow-wrap: anywhere; font-size: 0.9em; }
pre { padding: 0.9rem 1rem; border-radius: 6px; background: var(--plate); overflow-x: auto; }
td:first-child code { white-space: nowrap; }
pre code { padding: 0; background: none; overflow-wrap: normal; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: 0.5rem 0.75rem; border: 1px solid var(--line); text-align: left; vertical-align: top; }
</style>
</head>
<body>
<main class="container py-3">
<header>
<img src="icon.png" alt="" width="72" height="72">
<div>
<h1>${name}</h1>
<p>${summary}</p>
</div>
</header>
${body
  .replaceAll('<table>', '<table class="table table-bordered">')
  .replaceAll('<pre>', '<pre class="p-3 bg-light">')
  .trim()}
</main>
</body>
</html>
`

if (import.meta.main) {
  for (const addon of ADDONS) {
    const files = pageFiles(addon)
    const pages = addonPages(addon)
    writeFileSync(files.readme, pages.readme)
    writeFileSync(files.html, pages.html)
  }
}
