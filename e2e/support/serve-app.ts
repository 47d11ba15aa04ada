import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Serves an app of another origin on loopback: every path is its page.
 * @param folder holds its `index.html` and `app.ts`
 * @param origin where it is served
 * @param constants strings that `app.ts` declares
 */
export async function serveApp(
  folder: string,
  origin: string,
  constants: Record<string, string>,
): Promise<Server> {
  const html = await readFile(join(folder, 'index.html'))
  const bundle = await build({
    entryPoints: [join(folder, 'app.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    define: Object.fromEntries(
      Object.entries(constants).map(([name, value]) => [name, JSON.stringify(value)]),
    ),
    write: false,
  })
  const script = bundle.outputFiles[0]?.contents ?? ''
  const { hostname, port } = new URL(origin)
  const server = createServer((request, response) => {
    const isScript = request.url === '/app.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  })
  server.listen(Number(port), hostname)
  await once(server, 'listening')
  return server
}
