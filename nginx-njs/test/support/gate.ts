/** A real nginx with the gate in it, on either engine. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type IncomingHttpHeaders, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { inRoot, type RootName } from '../../../e2e/stack/roots.ts'
import { buildModule } from '../../build.ts'
import { CREDENTIAL, type Cleanup, type TestBridge } from './servers.ts'
import { AUDIENCE } from './tokens.ts'

export interface Engine {
  name: string
  root: Extract<RootName, 'stack' | 'stable'>
  /** The snippet that protects a location. */
  protect: string
  http: string
  server: string
  /** Whether its zones can be kept in a file. */
  keepsKeys: boolean
}

/** The two that the gate is made for. */
export const ENGINES: Engine[] = [
  {
    name: 'nginx 1.30, njs 1.0 QuickJS, js_access',
    root: 'stack',
    protect: 'include /mnt/conf/protect.conf;',
    http: `
      js_engine qjs;
      js_shared_dict_zone zone=drawbridge_keys:64k state=/mnt/work/keys.json;`,
    server: '',
    keepsKeys: true,
  },
  {
    name: 'nginx 1.26, njs 0.8 old engine, auth_request',
    root: 'stable',
    protect: 'include /mnt/conf/protect-auth-request.conf;',
    http: 'js_shared_dict_zone zone=drawbridge_keys:64k;',
    server: 'include /mnt/conf/authorize.conf;',
    keepsKeys: false,
  },
]

/**
 * Settings that every token for `AUDIENCE` satisfies.
 * @param more statements, each with its semicolon
 */
export const settings = (more = ''): string =>
  `set $drawbridge "audience ${AUDIENCE}; scope *; ${more}";`

/** Reads the list of revocations in quick succession: how fast it comes is another test's matter. */
export const QUICK_REVOCATIONS = `
  location @drawbridge_revocations {
    js_fetch_timeout 190ms;
    js_periodic drawbridge.pollRevocations interval=200ms;
  }`

/**
 * Looks after the keys in quick succession, and not quicker: a turn that is cut short by the next one
 * leaves it to a request, and then no other may fetch for a while.
 */
export const QUICK_KEYS = `
  location @drawbridge_keys { js_periodic drawbridge.refreshKeys interval=1s; }`

const WORKERS = 2

const CONF = join(import.meta.dirname, '../../conf')

export interface GateConfig {
  bridge: Pick<TestBridge, 'issuer' | 'jwksUrl' | 'validateUrl' | 'revocationsUrl' | 'credential'>
  /** More for the http and for the server level; `PROTECT` stands for the protect snippet. */
  http?: string
  server: string
  /** More in `$drawbridge_issuers`, behind the bridge's. */
  issuers?: string
  /** Other sizes of zones of http.conf, by name. */
  zones?: Record<string, string>
  /** More modules: the name to import each by, and where its source lies. */
  modules?: Record<string, string>
  /**
   * Instead of all of this: a whole nginx.conf. Its folder is /mnt/work: there lies `drawbridge.js`,
   * and there it has to put `nginx.sock`, `nginx.pid` and its logs. It has to say `daemon off`.
   */
  text?: string
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export interface RequestOptions {
  method?: string
  /** Sent as `Authorization: Bearer`. */
  token?: string
  /** Pairs, so that a name can come twice. */
  headers?: [string, string][]
  body?: string
  /** `gate.example` when left out. */
  host?: string
  /** The socket of another server in `http`, by its name in the folder. */
  socket?: string
}

export interface Gate {
  /** The socket that its server listens on. */
  socketPath: string
  request: (path: string, options?: RequestOptions) => Promise<Answer>
  errorLog: () => string
  /** What stands in a file of its folder; nothing while there is none. */
  file: (name: string) => string
  /**
   * Waits for a line of the access log: path, status, `$drawbridge_status`. nginx writes it when
   * the answer has already gone.
   * @throws Error when it does not come
   */
  logged: (line: string) => Promise<void>
  /**
   * Makes nginx read its configuration again (SIGHUP), and waits until the old workers are gone.
   * @param changes of what it was started with
   */
  reload: (changes?: Partial<GateConfig>) => Promise<void>
  /** Stops nginx, and waits until it is gone. */
  stop: () => Promise<void>
  /** Starts it again in the same folder. */
  start: () => Promise<void>
}

/** How `$drawbridge_issuers` declares a bridge. */
export const issuerStatements = (bridge: GateConfig['bridge']): string => `
    issuer ${bridge.issuer};
    jwks ${bridge.jwksUrl};
    revocations ${bridge.revocationsUrl};
    validate ${bridge.validateUrl};
    credential ${bridge.credential};`

const configuration = (engine: Engine, config: GateConfig): string => `
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
user www-data;
daemon off;
worker_processes ${String(WORKERS)};
pid /mnt/work/nginx.pid;
error_log /mnt/work/error.log info;
events { worker_connections 512; }
http {
  log_format gate '$uri $status $drawbridge_status';
  access_log /mnt/work/access.log gate;
  client_body_temp_path /mnt/work/body;
  proxy_temp_path /mnt/work/proxy;
  fastcgi_temp_path /mnt/work/fastcgi;
  uwsgi_temp_path /mnt/work/uwsgi;
  scgi_temp_path /mnt/work/scgi;

  ${engine.http}
  js_import drawbridge from /mnt/work/drawbridge.js;
  ${Object.keys(config.modules ?? {})
    .map((name) => `js_import ${name} from /mnt/work/${name}.js;`)
    .join('\n')}
  include /mnt/work/http.conf;
  js_var $drawbridge_gate_credential ${CREDENTIAL};
  js_var $drawbridge_issuers "${issuerStatements(config.bridge)} ${config.issuers ?? ''}";
  ${config.http ?? ''}

  server {
    listen unix:/mnt/work/nginx.sock;
    root /mnt/work/www;
    ${engine.server}
    ${config.server}
  }
}
`

/** http.conf with other sizes of its zones. */
function httpConf(sizes: Record<string, string>): string {
  let text = readFileSync(join(CONF, 'http.conf'), 'utf8')
  for (const [name, size] of Object.entries(sizes)) {
    const zone = new RegExp(`zone=${name}:\\w+`)
    if (!zone.test(text)) throw new Error(`http.conf has no zone ${name}`)
    text = text.replace(zone, `zone=${name}:${size}`)
  }
  return text
}

/** Fills `PROTECT` with the engine's own snippet. */
const forEngine = (engine: Engine, text: string): string =>
  text.replaceAll('PROTECT', engine.protect)

/** What is needed of a tap test. */
export interface GateTest extends Cleanup {
  passing: () => boolean
  comment: (text: string) => void
}

/**
 * Starts nginx in a folder of its own, listening on a socket there. It ends with the test, whose
 * output gets nginx's error log if it failed.
 */
export async function startGate(t: GateTest, engine: Engine, config: GateConfig): Promise<Gate> {
  const work = mkdtempSync(join(tmpdir(), 'drawbridge-gate-'))
  // The workers run as another user and write the state file here.
  chmodSync(work, 0o777)
  const configure = (changes: Partial<GateConfig> = {}): void => {
    const changed = { ...config, ...changes }
    writeFileSync(join(work, 'http.conf'), httpConf(changed.zones ?? {}))
    writeFileSync(
      join(work, 'nginx.conf'),
      forEngine(engine, changed.text ?? configuration(engine, changed)),
    )
  }
  configure()
  await buildModule(join(work, 'drawbridge.js'))
  for (const [name, source] of Object.entries(config.modules ?? {})) {
    await buildModule(join(work, `${name}.js`), source)
  }

  const socketPath = join(work, 'nginx.sock')
  const file = (name: string): string =>
    existsSync(join(work, name)) ? readFileSync(join(work, name), 'utf8') : ''

  const request: Gate['request'] = async (path, options = {}) => {
    const headers = [...(options.headers ?? [])]
    if (options.token !== undefined) headers.push(['Authorization', `Bearer ${options.token}`])
    const outgoing = httpRequest({
      socketPath: join(work, options.socket ?? 'nginx.sock'),
      path,
      method: options.method ?? 'GET',
      headers: ['Host', options.host ?? 'gate.example', ...headers.flat()],
      agent: false,
    })
    outgoing.end(options.body)
    const [incoming] = (await once(outgoing, 'response')) as [import('node:http').IncomingMessage]
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    return {
      status: incoming.statusCode ?? 0,
      headers: incoming.headers,
      body: Buffer.concat(chunks).toString(),
    }
  }

  let running: Awaited<ReturnType<typeof startProcess>> | undefined
  const startProcess = async () => {
    const [command, ...args] = inRoot(
      engine.root,
      ['nginx', '-c', '/mnt/work/nginx.conf', '-e', '/mnt/work/error.log'],
      { binds: { '/mnt/work': work, '/mnt/conf': CONF } },
    )
    const child = spawn(command as string, args, { stdio: ['ignore', 'ignore', 'pipe'] })
    let stderr = ''
    child.stderr.on('data', (chunk: Buffer) => (stderr += chunk.toString()))
    const ended = once(child, 'exit')
    // nginx answers once it listens; nothing tells from outside when that is.
    while (child.exitCode === null) {
      const up = await request('/').then(
        () => true,
        () => false,
      )
      if (up) return { child, ended }
      await pause(20)
    }
    throw new Error(`nginx did not start: ${stderr}\n${file('error.log')}`)
  }

  // The child is unshare, which ignores SIGTERM; nginx's master is its child.
  const masterOf = (child: ChildProcess): number => {
    const pid = String(child.pid)
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim())
  }

  const reload: Gate['reload'] = async (changes) => {
    if (running === undefined) throw new Error('nginx is not running')
    configure(changes)
    const ends = (): number => file('error.log').match(/worker process \d+ exited/g)?.length ?? 0
    const wanted = ends() + WORKERS
    process.kill(masterOf(running.child), 'SIGHUP')
    // Nothing but its log tells from outside when it is done.
    while (ends() < wanted) await pause(20)
  }

  const stop = async (): Promise<void> => {
    if (running === undefined) return
    const { child, ended } = running
    running = undefined
    process.kill(masterOf(child), 'SIGTERM')
    await ended
    rmSync(socketPath, { force: true })
  }

  t.teardown(async () => {
    await stop()
    if (!t.passing()) t.comment(`nginx's error log:\n${file('error.log')}`)
    rmSync(work, { recursive: true, force: true })
  })

  const start = async (): Promise<void> => {
    running = await startProcess()
  }
  await start()
  return {
    socketPath,
    request,
    file,
    errorLog: () => file('error.log'),
    logged: async (line) => {
      const deadline = Date.now() + 5000
      while (!file('access.log').includes(line)) {
        if (Date.now() > deadline) throw new Error(`Never logged: ${line}\n${file('access.log')}`)
        await pause(10)
      }
    },
    start,
    reload,
    stop,
  }
}
