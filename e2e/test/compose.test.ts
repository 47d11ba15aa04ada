/** compose.yaml and docker/, as far as they can be checked without Docker. */
import { execFileSync } from 'node:child_process'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parse } from 'yaml'
import { REPOSITORY } from '../stack/paths.ts'

interface Service {
  build?: { dockerfile: string }
  image?: string
  user?: string
  ports?: string[]
  environment?: Record<string, string>
  healthcheck?: { test: string[] }
  volumes?: string[]
  restart: string
  read_only?: boolean
  cap_drop?: string[]
  security_opt?: string[]
}

const read = (file: string): string => readFileSync(join(REPOSITORY, file), 'utf8')

const { services } = parse(read('compose.yaml'), { merge: true }) as {
  services: Record<string, Service>
}
const dockerfiles = globSync('docker/*/Dockerfile', { cwd: REPOSITORY })

/** What the Dockerfiles take out of the checkout. */
const copied = dockerfiles.flatMap((file) =>
  read(file)
    .split('\n')
    .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
    .flatMap((line) => line.split(/\s+/).slice(1, -1)),
)

/** Prints nginx's configuration as the gate's image does. */
const configure = (template: string): string =>
  execFileSync(join(REPOSITORY, 'docker/gate/configure.sh'), {
    encoding: 'utf8',
    stdio: 'pipe',
    env: {
      PATH: process.env['PATH'],
      TEMPLATE: template,
      ISSUER: 'http://localhost:8080',
      BRIDGE: 'bridge:3000',
      ODOO: 'odoo:8069',
      ODOO_PAGES_PORT: '8069',
      ODOO_DATABASE_UUID: 'the-uuid',
      GATE_CREDENTIAL: 'the-credential',
      RESOLVER: '127.0.0.11',
    },
  })

t.test('it follows the compose schema', (t) => {
  const dclint = join(REPOSITORY, 'node_modules/.bin/dclint')
  // Fails with what is wrong; --quiet leaves out matters of taste.
  execFileSync(dclint, ['--quiet', join(REPOSITORY, 'compose.yaml')], { stdio: 'pipe' })
  t.end()
})

t.test('every service is confined, has a policy for its end, and is watched while it runs', (t) => {
  for (const [name, service] of Object.entries(services)) {
    t.equal(service.read_only, true, `${name}: read-only`)
    t.same(service.cap_drop, ['ALL'], `${name}: no capability`)
    t.same(service.security_opt, ['no-new-privileges:true'], `${name}: no new privileges`)
    t.match(service.restart, /^(no|unless-stopped)$/, `${name}: restart`)
    t.equal(service.healthcheck !== undefined, service.restart !== 'no', `${name}: health`)
    if (service.build === undefined) {
      t.match(service.image, /:\d+$/, `${name}: a major version`)
      // The images built here name their user; see the Dockerfiles.
      t.ok(service.user, `${name}: a user`)
    }
  }
  for (const file of dockerfiles) {
    const user = [...read(file).matchAll(/^USER (\w+)$/gm)].at(-1)?.[1]
    t.match(user, /^(node|nginx|odoo)$/, `${file}: not root`)
  }
  t.end()
})

t.test('only the gate is reached from outside, and only from this machine', (t) => {
  for (const [name, { ports = [] }] of Object.entries(services)) {
    t.equal(ports.length, name === 'gate' ? 2 : 0, name)
    for (const port of ports) t.match(port, /^127\.0\.0\.1:\$/, `${name}: loopback`)
  }
  t.end()
})

t.test('it holds no secret', (t) => {
  for (const [name, { environment = {} }] of Object.entries(services)) {
    for (const variable of Object.keys(environment)) {
      if (!/PASSWORD|SECRET|CREDENTIAL|TOKEN|DATABASE_URL/.test(variable)) continue
      // What stands there under VAULT_TRANSIT_… is a key's name.
      const isHarmless = /_FILE$|_TTL$|^VAULT_TRANSIT_/
      t.match(variable, isHarmless, `${name}: ${variable} comes from a file`)
    }
  }
  t.end()
})

t.test('what it names is in the repository, and the build may see it', (t) => {
  const mounted = Object.values(services)
    .flatMap(({ volumes = [] }) => volumes)
    .filter((volume) => volume.startsWith('./'))
    .map((volume) => volume.split(':')[0] ?? '')
  const built = Object.values(services).flatMap(({ build }) => build?.dockerfile ?? [])
  t.same([...new Set(built)].sort(), dockerfiles.sort())
  for (const file of [...mounted, ...copied]) t.ok(existsSync(join(REPOSITORY, file)), file)

  const allowed = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
    .map((line) => line.slice(1))
  for (const file of copied) {
    const visible = allowed.some((path) => `${path}/`.startsWith(file) || file.startsWith(path))
    t.ok(visible, `.dockerignore lets ${file} through`)
  }
  t.end()
})

t.test('every setting of the bridge is one that its documentation knows', (t) => {
  const page = read('docs/configuration.md')
  const names = Object.keys(services['bridge']?.environment ?? {})
  t.ok(names.length > 5)
  for (const name of names) t.match(page, `| \`${name}\` `, name)
  t.end()
})

t.test('Odoo is paired with the bridge that runs beside it', (t) => {
  const needed = read('docker/odoo/parameters.py').matchAll(/environ\["(\w+)"\]/g)
  const given = services['odoo-init']?.environment ?? {}
  for (const [, name = ''] of needed) t.ok(given[name], name)
  t.match(given['BRIDGE_URL'], /^http:\/\/bridge:\d+$/)
  for (const name of ['bridge', 'gate']) {
    t.equal(services[name]?.environment?.['ISSUER'], given['ISSUER'], `${name}: the same issuer`)
  }
  t.match(services['bridge']?.environment?.['ODOO_ADAPTER'], /:-addon\}$/)
  t.end()
})

t.test("the gate's configuration is that of the stack, with the containers' addresses", (t) => {
  const configuration = configure(join(REPOSITORY, 'e2e/stack/nginx/nginx.conf'))
  t.match(configuration, 'server bridge:3000 resolve;')
  t.match(configuration, 'server odoo:8069 resolve;')
  t.match(configuration, /listen 8080;[^]*listen 8069;/)
  t.match(configuration, 'server_name odoo.localhost 127.0.0.1;')
  for (const path of ['/.well-known/jwks.json', '/gate/revocations', '/auth/validate']) {
    t.match(configuration, `http://bridge:3000${path};`)
  }
  t.match(configuration, 'js_var $drawbridge_gate_credential the-credential;')
  t.notMatch(configuration, /@[A-Z_]+@/)
  t.end()
})

t.test('nothing runs in demo mode', (t) => {
  t.notOk(services['bridge']?.environment?.['DEMO_MODE'])
  const template = read('e2e/stack/nginx/nginx.conf')
  const configuration = configure(join(REPOSITORY, 'e2e/stack/nginx/nginx.conf'))
  t.notMatch(configuration, 'server-timing.conf')
  const places = template.split('@SERVER_TIMING@').length
  t.equal(places, template.split('proxy_pass ').length - 1, "all but Odoo's own pages")
  t.equal(configuration.split('proxy_hide_header Server-Timing;').length, places)
  t.end()
})

t.test("a word that the gate's configuration does not know stops it", (t) => {
  const template = join(t.testdir({ 'nginx.conf': 'listen @SOMETHING_NEW@;\n' }), 'nginx.conf')
  t.throws(() => configure(template), /SOMETHING_NEW/)
  t.end()
})
