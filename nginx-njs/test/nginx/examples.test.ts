/** The examples that operators start from are valid configurations. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { inRoot, type RootName } from '../../../e2e/stack/roots.ts'
import { buildModule } from '../../build.ts'

const CONF = join(import.meta.dirname, '../../conf')

const examples: [string, RootName][] = [
  ['example.conf', 'stack'],
  ['example-auth-request.conf', 'stable'],
]

for (const [name, root] of examples) {
  t.test(`${name} passes nginx -t`, async (t) => {
    const work = mkdtempSync(join(tmpdir(), 'drawbridge-example-'))
    t.teardown(() => {
      rmSync(work, { recursive: true })
    })
    chmodSync(work, 0o777)
    await buildModule(join(work, 'drawbridge.js'))
    const text = readFileSync(join(CONF, name), 'utf8')
      .replaceAll('/etc/nginx/drawbridge/drawbridge.js', '/mnt/work/drawbridge.js')
      .replaceAll('/etc/nginx/drawbridge/', '/mnt/conf/')
      .replaceAll('/var/lib/nginx/drawbridge/', '/mnt/work/')
      .replaceAll('/var/log/nginx/', '/mnt/work/')
      .replaceAll('/run/', '/mnt/work/')
      .replace('listen 127.0.0.1:8000', 'listen unix:/mnt/work/nginx.sock')
    writeFileSync(join(work, 'nginx.conf'), text)
    const [command, ...args] = inRoot(
      root,
      ['nginx', '-t', '-c', '/mnt/work/nginx.conf', '-e', 'stderr'],
      { binds: { '/mnt/work': work }, readOnlyBinds: { '/mnt/conf': CONF } },
    )
    const result = spawnSync(command as string, args, { encoding: 'utf8' })
    t.match(result.stderr, 'test is successful')
    t.equal(result.status, 0, result.stderr)
  })
}
