/** The nginx under measurement, with one worker on a core of its own, and what stands behind it. */
import { chmodSync, chownSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PATHS } from '@drawbridge/bridge/contract'
import { cpuSeconds, treeOf } from '../../e2e/bench/processes.ts'
import { freePort } from '../../e2e/stack/ports.ts'
import { answers, startPart, untilReady, type Part } from '../../e2e/stack/process.ts'
import { inRoot, userOf } from '../../e2e/stack/roots.ts'
import { buildModule } from '../build.ts'
import type { Issuer } from './issuer.ts'
import { OTHER_CORES, pinned, WORKER_CORES } from './cores.ts'

/** What is served, behind every location: 1,024 bytes. */
const FILE = `${'drawbridge '.repeat(93)}\n`
const FILE_NAME = 'file.txt'

/** What stands in front of the file, by location: whose tokens it takes, if it asks for one. */
export const LOCATIONS = {
  plain: undefined,
  gate: 'es256',
  'gate-rs256': 'rs256',
  'c-module': 'es256',
  'c-module-rs256': 'rs256',
  'auth-request': 'es256',
  proxied: undefined,
  'gate-proxied': 'es256',
} as const

export type LocationName = keyof typeof LOCATIONS

export interface NginxOptions {
  /** For its configuration, zones' files and log. */
  folder: string
  es256: Issuer
  rs256: Issuer
  /** Of the nginx to which requests are passed on. */
  upstreamPort: number
  /** Of the peer that is asked by `auth_request`. */
  verifierPort: number
  /** One of each issuer, by which it is seen that all is as it should be. */
  tokens: { es256: string; rs256: string }
}

/** What the zones hold. */
export interface ZonesState {
  /** In the memo. */
  tokens: number
  /** Bytes of the memo, whole pages only. */
  free: number
  revocations: number
}

export interface Nginx {
  url: (location: LocationName) => string
  /** Seconds of CPU that it has used since it started. */
  cpu: () => number
  zones: () => Promise<ZonesState>
  /** Whether a token is let through. */
  lets: (location: LocationName, token: string) => Promise<boolean>
  /** Stops it and starts it with an empty memo; resolves when it lets tokens through. */
  restart: () => Promise<void>
  stop: () => Promise<void>
}

const CONF = join(import.meta.dirname, '../conf')

// Connections live on for as long as the load lasts, on both sides.
const COMMON = `
  default_type text/plain;
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_body_temp_path /mnt/nginx/temp/body;
  proxy_temp_path /mnt/nginx/temp/proxy;
  fastcgi_temp_path /mnt/nginx/temp/fastcgi;
  uwsgi_temp_path /mnt/nginx/temp/uwsgi;
  scgi_temp_path /mnt/nginx/temp/scgi;`

const PROCESS = `
user www-data;
daemon off;
worker_processes 1;
pid /mnt/nginx/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }`

const keepAlive = (name: string, port: number): string => `
  upstream ${name} {
    server 127.0.0.1:${port};
    keepalive 64;
    keepalive_requests 100000000;
  }`

const declare = ({ origin, credential, minting }: Issuer): string =>
  `issuer ${minting.issuer}; jwks ${origin}${PATHS.jwks}; ` +
  `revocations ${origin}${PATHS.revocations}; credential ${credential};`

const configuration = (
  { es256, rs256, upstreamPort, verifierPort }: NginxOptions,
  port: number,
): string => `
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
load_module /usr/lib/nginx/modules/ngx_http_auth_jwt_module.so;
${PROCESS}
http {
  ${COMMON}
  variables_hash_max_size 2048;

  js_engine qjs;
  js_import drawbridge from /mnt/nginx/drawbridge.js;
  js_import zones from /mnt/nginx/zones.js;
  js_shared_dict_zone zone=drawbridge_keys:64k state=/mnt/nginx/state/keys.json;
  include /mnt/conf/http.conf;
  js_var $drawbridge_issuers "${declare(es256)} ${declare(rs256)}";
  ${keepAlive('upstream', upstreamPort)}
  ${keepAlive('verifier', verifierPort)}
  proxy_http_version 1.1;

  server {
    listen 127.0.0.1:${port};
    include /mnt/conf/periodic.conf;

    location = /zones {
      js_content zones.state;
    }

    location /plain/ {
      alias /mnt/nginx/www/;
    }

    location /gate/ {
      set $drawbridge "audience ${es256.minting.audience}; scope odoo.read;";
      include /mnt/conf/protect.conf;
      alias /mnt/nginx/www/;
    }

    location /gate-rs256/ {
      set $drawbridge "issuer ${rs256.minting.issuer}; audience ${rs256.minting.audience}; scope odoo.read;";
      include /mnt/conf/protect.conf;
      alias /mnt/nginx/www/;
    }

    location /c-module/ {
      auth_jwt_enabled on;
      auth_jwt_algorithm ES256;
      auth_jwt_use_keyfile on;
      auth_jwt_keyfile_path /mnt/nginx/es256.pem;
      auth_jwt_location HEADER=Authorization;
      alias /mnt/nginx/www/;
    }

    location /c-module-rs256/ {
      auth_jwt_enabled on;
      auth_jwt_algorithm RS256;
      auth_jwt_use_keyfile on;
      auth_jwt_keyfile_path /mnt/nginx/rs256.pem;
      auth_jwt_location HEADER=Authorization;
      alias /mnt/nginx/www/;
    }

    location = /verify {
      internal;
      proxy_pass http://verifier/verify;
      proxy_pass_request_body off;
      proxy_set_header Content-Length "";
      proxy_set_header Connection "";
    }

    location /auth-request/ {
      auth_request /verify;
      alias /mnt/nginx/www/;
    }

    location /proxied/ {
      proxy_set_header Connection "";
      proxy_pass http://upstream/;
    }

    location /gate-proxied/ {
      set $drawbridge "audience ${es256.minting.audience}; scope odoo.read;";
      include /mnt/conf/protect.conf;
      proxy_set_header Connection "";
      proxy_pass http://upstream/;
    }
  }
}
`

/** Makes a folder that nginx can enter, with the file in it. */
function prepare(folder: string): void {
  const { uid, gid } = userOf('stack', 'www-data')
  mkdirSync(folder, { recursive: true })
  // The run's own folder around it is closed to others.
  chmodSync(folder, 0o755)
  for (const name of ['temp', 'state', 'www']) {
    mkdirSync(join(folder, name))
    chownSync(join(folder, name), uid, gid)
  }
  writeFileSync(join(folder, 'www', FILE_NAME), FILE, { mode: 0o644 })
}

const startProcess = (folder: string, cores: readonly number[], name: string): Part =>
  startPart({
    name,
    logFile: join(folder, 'nginx.log'),
    command: pinned(
      cores,
      inRoot('stack', ['nginx', '-e', 'stderr', '-c', '/mnt/nginx/nginx.conf'], {
        binds: { '/mnt/nginx': folder },
        readOnlyBinds: { '/mnt/conf': CONF },
      }),
    ),
  })

async function started(part: Part, probes: (() => Promise<boolean>)[]): Promise<Part> {
  try {
    for (const probe of probes) await untilReady(part, probe)
  } catch (error) {
    await part.stop()
    throw error
  }
  return part
}

/** Starts the nginx to which requests are passed on: the same file, and nothing in front of it. */
export async function startUpstream(
  folder: string,
): Promise<{ port: number; stop: () => Promise<void> }> {
  prepare(folder)
  const port = await freePort()
  writeFileSync(
    join(folder, 'nginx.conf'),
    `${PROCESS}
http {
  ${COMMON}
  server {
    listen 127.0.0.1:${port};
    root /mnt/nginx/www;
  }
}
`,
  )
  const part = await started(startProcess(folder, OTHER_CORES, 'the upstream nginx'), [
    answers(`http://127.0.0.1:${port}/${FILE_NAME}`),
  ])
  return { port, stop: () => part.stop() }
}

/** Starts an nginx with the gate, its peers and no protection at all beside each other. */
export async function startNginx(options: NginxOptions): Promise<Nginx> {
  const { folder, es256, rs256, tokens } = options
  prepare(folder)
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const url = (location: LocationName): string => `${origin}/${location}/${FILE_NAME}`
  copyFileSync(join(import.meta.dirname, 'zones.js'), join(folder, 'zones.js'))
  writeFileSync(join(folder, 'es256.pem'), es256.publicKey)
  writeFileSync(join(folder, 'rs256.pem'), rs256.publicKey)
  // It holds the gate's credential; nginx reads it before it gives up root.
  writeFileSync(join(folder, 'nginx.conf'), configuration(options, port), { mode: 0o600 })
  await buildModule(join(folder, 'drawbridge.js'))

  const lets: Nginx['lets'] = async (location, token) => {
    const headers = { authorization: `Bearer ${token}` }
    const response = await fetch(url(location), { headers, signal: AbortSignal.timeout(2000) })
    return (await response.text()) === FILE
  }
  const start = (): Promise<Part> =>
    started(startProcess(folder, WORKER_CORES, 'nginx'), [
      () => lets('gate', tokens.es256),
      () => lets('gate-rs256', tokens.rs256),
    ])
  let part = await start()
  return {
    url,
    cpu: () => cpuSeconds(treeOf(part.pid)),
    zones: async () => (await (await fetch(`${origin}/zones`)).json()) as ZonesState,
    lets,
    restart: async () => {
      await part.stop()
      part = await start()
    },
    stop: () => part.stop(),
  }
}
