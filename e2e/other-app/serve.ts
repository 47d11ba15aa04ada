import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'

/**
 * Serves the other app on loopback.
 * @param redirectUri as registered: its host and port are where it is served
 * @param api the address that it calls
 */
export async function serveOtherApp(redirectUri: string, api: string): Promise<Server> {
  const html = await readFile(join(import.meta.dirname, 'index.html'))
  const bundle = await build({
    entryPoints: [join(import.meta.dirname, 'app.ts')],
    bundle: true,
    format: 'esm',
    target: 'es2024',
    define: { API: JSON.stringify(api) },
    write: false,
  })
  const script = bundle.outputFiles[0]?.contents ?? ''
  const { hostname, port } = new URL(redirectUri)
  const server = createServer((request, response) => {
    const isScript = request.url === '/app.js'
    response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
    response.end(isScript ? script : html)
  })
  server.listen(Number(port), hostname)
  await once(server, 'listening')
  return server
}
