import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { privateFile, privateFolder } from '../stack/folders.ts'
import { REPOSITORY } from '../stack/paths.ts'
import { startPart, untilReady, type Part } from '../stack/process.ts'
import { inRoot, userOf } from '../stack/roots.ts'
import type { StackDescription } from '../stack/description.ts'

const GATE = join(REPOSITORY, 'nginx-njs')

/** The example as an operator would write it for this stack: addresses and folders are its own. */
function configuration({ issuer, inside }: StackDescription, origin: string, app: string): string {
  const credential = readFileSync(inside.gateCredentialFile, 'utf8')
  const changes = {
    'include /etc/nginx/drawbridge/credential.conf;': `js_var $drawbridge_gate_credential ${credential};`,
    '/etc/nginx/drawbridge/drawbridge.js': '/mnt/gate/dist/drawbridge.js',
    '/etc/nginx/drawbridge/': '/mnt/gate/conf/',
    '/var/lib/nginx/drawbridge/': '/mnt/nginx/state/',
    '/run/nginx.pid': '/mnt/nginx/nginx.pid',
    'http {': `http {
      access_log off;
      client_body_temp_path /mnt/nginx/state/body;
      proxy_temp_path /mnt/nginx/state/proxy;
      fastcgi_temp_path /mnt/nginx/state/fastcgi;
      uwsgi_temp_path /mnt/nginx/state/uwsgi;
      scgi_temp_path /mnt/nginx/state/scgi;`,
    'https://id.example.com': issuer,
    'http://127.0.0.1:3000': inside.bridgeUrl,
    'http://127.0.0.1:4000': app,
    '127.0.0.1:8000': new URL(origin).host,
    // As the stack's own gate has it, so that a test can see a token expire.
    'token_cookie ': 'leeway 0; token_cookie ',
  }
  let text = readFileSync(join(GATE, 'conf/example-sign-in.conf'), 'utf8')
  for (const [from, to] of Object.entries(changes)) {
    if (!text.includes(from)) throw new Error(`The example does not hold ${from}`)
    text = text.replaceAll(from, to)
  }
  return text
}

/**
 * Starts a gate of its own in front of an app: nginx-njs/conf/example-sign-in.conf.
 * @param folder a new one of its own; its logs are there
 * @param origin where people see the app
 * @param app where it listens
 */
export async function startGate(
  folder: string,
  stack: StackDescription,
  origin: string,
  app: string,
): Promise<Part> {
  mkdirSync(folder, { recursive: true })
  privateFolder(join(folder, 'state'), userOf('stack', 'www-data'))
  // It holds the gate's credential; nginx reads it before it gives up root.
  const text = configuration(stack, origin, app)
  privateFile(join(folder, 'nginx.conf'), text, { uid: 0, gid: 0 })
  const part = startPart({
    name: 'nginx',
    logFile: join(folder, 'nginx.log'),
    command: inRoot(
      'stack',
      ['nginx', '-e', 'stderr', '-c', '/mnt/nginx/nginx.conf', '-g', 'daemon off;'],
      { binds: { '/mnt/nginx': folder }, readOnlyBinds: { '/mnt/gate': GATE } },
    ),
  })
  try {
    await untilReady(part, async () => (await fetch(origin)).status === 401)
  } catch (error) {
    await part.stop()
    throw error
  }
  return part
}
