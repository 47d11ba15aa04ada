/** The build's part in a page that is painted at once, under a policy without `unsafe-inline`. */
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Plugin, Rolldown } from 'vite'

const TEMPLATE = join(import.meta.dirname, 'headers.conf')

/**
 * The policy's word for each inline style of a page.
 * @throws Error if the page has none, or an inline script, which no word is given for
 * @see CSP 3 §2.3.1, hash-source
 */
export function styleHashes(html: string): string[] {
  const styles = [...html.matchAll(/<style[^>]*>([^]*?)<\/style>/g)]
  if (styles.length === 0) throw new Error('index.html has no inline style.')
  if (/<script(?![^>]*\ssrc=)/.test(html)) throw new Error('index.html has an inline script.')
  return styles.map(([, style = '']) => {
    const digest = createHash('sha256').update(style).digest('base64')
    return `'sha256-${digest}'`
  })
}

/** nginx's lines for a build whose index.html this is. */
export const headersFor = (html: string, template: string): string =>
  template
    .replace(/^(#.*\n)+/, '# Written by the build of the PWA, for its index.html.\n')
    .replace('@STYLE@', styleHashes(html).join(' '))

/** The style sheets that a chunk brings, as Vite noted them. */
const importedCss = (chunk: Rolldown.OutputChunk): Set<string> =>
  chunk.viteMetadata?.importedCss ?? new Set()

/**
 * Lets the style sheet wait until the shell is painted, has the rest of the app fetched along with
 * its first part, and writes nginx's headers beside the folder of the files, where no request finds
 * them.
 */
export function shell(): Plugin {
  let outDir = ''
  return {
    name: 'drawbridge-shell',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir
    },
    transformIndexHtml: {
      order: 'post',
      handler(html, { bundle }) {
        const chunks = Object.values(bundle ?? {}).filter((each) => each.type === 'chunk')
        const first = chunks.find(({ isEntry }) => isEntry)
        const rest = chunks.find(({ facadeModuleId }) => facadeModuleId?.endsWith('/src/start.ts'))
        if (!first || !rest) throw new Error('There is no chunk of main.ts, or of start.ts.')
        const needed = new Set([...first.imports, rest.fileName, ...rest.imports])
        needed.delete(first.fileName)
        const chunksNeeded = chunks.filter(({ fileName }) => needed.has(fileName))
        const styles = new Set(chunksNeeded.flatMap((chunk) => [...importedCss(chunk)]))
        if (styles.size === 0) throw new Error('There is no style sheet for start.ts.')
        const preloads = [...needed]
          .map((file) => `    <link rel="modulepreload" crossorigin href="./${file}">\n`)
          .join('')
        // Below the shell they do not hold up its painting; the app still waits for them.
        const links = [...styles]
          .map((file) => `    <link rel="stylesheet" crossorigin href="./${file}">\n`)
          .join('')
        return html
          .replace(/[ \t]*<\/head>/, (end) => preloads + end)
          .replace(/[ \t]*<\/body>/, (end) => links + end)
      },
    },
    async writeBundle() {
      const html = await readFile(join(outDir, 'index.html'), 'utf8')
      const template = await readFile(TEMPLATE, 'utf8')
      await writeFile(join(outDir, '..', 'headers.conf'), headersFor(html, template))
    },
  }
}
