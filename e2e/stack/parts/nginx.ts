/** nginx of the stack root: the gate, the PWA, and Odoo's own pages. */
import { mkdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { privateFile, privateFolder } from '../folders.ts'
import { REPOSITORY } from '../paths.ts'
import { hasIPv6Loopback } from '../ports.ts'
import { answers, startPart, untilReady, type Part } from '../process.ts'
import { inRoot, userOf } from '../roots.ts'

const TEMPLATES = join(import.meta.dirname, '../nginx')
const DEFAULT_LEEWAY = 5

export interface NginxOptions {
  /** Holds its configuration, state and temporary files. */
  folder: string
  logFile: string
  /** `access.log` of some folder. */
  accessLogFile: string
  issuer: string
  ports: { gate: number; odoo: number }
  bridgePort: number
  odooPort: number
  odooDatabaseUuid: string
  gateCredentialFile: string
  corsOrigins: string[]
  /** What the build of the PWA has made, another than this checkout's own. */
  pwaFolder?: string
  /** Seconds that clocks may differ. */
  leeway?: number
  /** Whether answers tell how long their steps took. */
  demo: boolean
}

/** Puts values in the place of `@NAMES@`. */
function fill(template: string, values: Record<string, string | number>): string {
  return template.replaceAll(/@([A-Z_]+)@/g, (placeholder, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`Nothing is given for ${placeholder}`)
    return String(value)
  })
}

async function configuration(options: NginxOptions): Promise<string> {
  const addresses = ['127.0.0.1', ...((await hasIPv6Loopback()) ? ['[::1]'] : [])]
  const listen = (port: number, suffix: string): string =>
    addresses.map((address) => `listen ${address}:${port}${suffix};`).join('\n        ')
  return fill(readFileSync(join(TEMPLATES, 'nginx.conf'), 'utf8'), {
    ISSUER: options.issuer,
    BRIDGE_PORT: options.bridgePort,
    ODOO_PORT: options.odooPort,
    ODOO_PAGES_PORT: options.ports.odoo,
    ODOO_DATABASE_UUID: options.odooDatabaseUuid,
    GATE_CREDENTIAL: readFileSync(options.gateCredentialFile, 'utf8'),
    GATE_LISTEN: listen(options.ports.gate, ''),
    GATE_LISTEN_DEFAULT: listen(options.ports.gate, ' default_server'),
    ODOO_LISTEN: listen(options.ports.odoo, ''),
    ODOO_LISTEN_DEFAULT: listen(options.ports.odoo, ' default_server'),
    LEEWAY: options.leeway ?? DEFAULT_LEEWAY,
    SERVER_TIMING: options.demo
      ? 'include /mnt/gate/conf/server-timing.conf;'
      : 'proxy_hide_header Server-Timing;',
    CORS_ORIGINS: options.corsOrigins.map((origin) => `        ${origin} $http_origin;`).join('\n'),
  })
}

/** Starts nginx and waits until it serves. */
export async function startNginx(options: NginxOptions): Promise<Part> {
  const { folder } = options
  const user = userOf('stack', 'www-data')
  for (const name of ['temp', 'state']) {
    mkdirSync(folder, { recursive: true })
    privateFolder(join(folder, name), user)
  }
  // It holds the gate's credential; nginx reads it before it gives up root.
  privateFile(join(folder, 'nginx.conf'), await configuration(options), { uid: 0, gid: 0 })
  const part = startPart({
    name: 'nginx',
    logFile: options.logFile,
    command: inRoot(
      'stack',
      ['nginx', '-e', 'stderr', '-c', '/mnt/nginx/nginx.conf', '-g', 'daemon off;'],
      {
        binds: { '/mnt/nginx': folder, '/mnt/logs': dirname(options.accessLogFile) },
        readOnlyBinds: {
          '/mnt/conf': TEMPLATES,
          '/mnt/gate': join(REPOSITORY, 'nginx-njs'),
          '/mnt/pwa': options.pwaFolder ?? join(REPOSITORY, 'pwa/dist'),
        },
      },
    ),
  })
  try {
    await untilReady(part, answers(`http://localhost:${options.ports.gate}`))
  } catch (error) {
    await part.stop()
    throw error
  }
  return part
}
