import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { test } from 'tap'
import { SESSION_EVENTS } from '../../src/auth/index.ts'
import { Bridge } from '../support/bridge.ts'

const run = promisify(execFile)
const SOURCE = fileURLToPath(new URL('../../src/auth', import.meta.url))
const REPOSITORY = join(SOURCE, '../../..')
const TSC = join(dirname(fileURLToPath(import.meta.resolve('typescript'))), '../bin/tsc')

/** Bytes, minified and compressed. */
const LIMIT = 4096

const PROGRAM = `
import { createSession, returnPath, SESSION_EVENTS, SessionError } from '@drawbridge/client'
import type { RefreshReason, Session, SessionErrorCode, SessionEvent, SessionOptions } from '@drawbridge/client'

export async function main(bridge: string): Promise<string[]> {
  const said: string[] = []
  const options: SessionOptions = { bridge, requestTimeout: 5000 }
  const session: Session = createSession(options)
  session.addEventListener('refresh', ({ detail }: SessionEvent<'refresh'>) => {
    const reason: RefreshReason = detail.reason
    said.push(reason)
  })
  for (const name of SESSION_EVENTS) session.addEventListener(name, () => said.push(name))
  try {
    await session.login({ login: 'ann', password: 'wrong' })
  } catch (error) {
    if (!(error instanceof SessionError)) throw error
    const code: SessionErrorCode = error.code
    if (code === 'invalid_credentials') said.push(code, String(error.status))
  }
  await session.login({ login: 'ann', password: "ann's" })
  const response: Response = await session.fetch('/api/x')
  const user: { sub: string } | null = session.user
  said.push(String(response.status), user?.sub ?? '', returnPath('//evil.example', bridge))
  await session.logout()
  session.close()
  // @ts-expect-error: types are there, so this is a mistake
  session.addEventListener('refresh', ({ detail }) => detail.nonsense)
  return said
}
`

test('the package, as somebody takes it away', { timeout: 180_000 }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-client-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const app = join(folder, 'app')
  const packed = join(app, 'node_modules/@drawbridge/client')
  await mkdir(packed, { recursive: true })
  const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
    cwd: SOURCE,
  })
  const [archive] = Object.values(JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as object) as {
    filename: string
    files: { path: string }[]
  }[]
  if (!archive) throw new Error(`npm pack said: ${stdout}`)
  await run('tar', ['-xzf', join(folder, archive.filename), '--strip-components=1', '-C', packed])
  const read = (file: string) => readFile(join(packed, file), 'utf8')

  t.test('holds its own files and depends on nothing', async (t) => {
    const files = archive.files.map(({ path }) => path).sort()
    t.strictSame(files, [
      'LICENSE',
      'README.md',
      'dist/index.d.ts',
      'dist/index.js',
      'package.json',
    ])
    const manifest = JSON.parse(await read('package.json')) as Record<string, unknown>
    t.match(manifest, { name: '@drawbridge/client', license: 'Apache-2.0', sideEffects: false })
    t.notOk(manifest['private'])
    for (const kind of ['dependencies', 'peerDependencies', 'optionalDependencies']) {
      t.equal(manifest[kind], undefined, kind)
    }
    for (const file of ['dist/index.js', 'dist/index.d.ts']) {
      t.notMatch(
        await read(file),
        /\bfrom\s*["']|\bimport\s*\(|\brequire\s*\(|reference types/,
        file,
      )
    }
    t.equal(await read('LICENSE'), await readFile(join(REPOSITORY, 'LICENSE'), 'utf8'))
  })

  t.test('exports what is meant to be public', async (t) => {
    const url = pathToFileURL(join(packed, 'dist/index.js')).href
    const names = Object.keys((await import(url)) as object).sort()
    t.strictSame(names, ['SESSION_EVENTS', 'SessionError', 'createSession', 'returnPath'])
  })

  t.test(`is ${LIMIT} bytes at most, minified and compressed`, async (t) => {
    const { outputFiles } = await build({
      entryPoints: [join(packed, 'dist/index.js')],
      bundle: true,
      format: 'esm',
      target: 'es2024',
      minify: true,
      write: false,
    })
    const bytes = gzipSync(outputFiles[0]?.contents ?? '', { level: 9 }).length
    t.comment(`${bytes} bytes`)
    t.ok(bytes > 1000 && bytes <= LIMIT, `${bytes} bytes`)
  })

  for (const [module, moduleResolution] of [
    ['nodenext', 'nodenext'],
    ['esnext', 'bundler'],
  ] as const) {
    t.test(`a strict program compiles with ${moduleResolution}, and runs`, async (t) => {
      const [readme] = /(?<=```ts\n)[^]*?(?=```)/.exec(await read('README.md')) ?? ['']
      await writeFile(join(app, 'package.json'), '{ "type": "module" }')
      await writeFile(join(app, 'program.ts'), PROGRAM)
      await writeFile(join(app, 'example.ts'), readme)
      const compilerOptions = {
        ...{ module, moduleResolution, target: 'es2024', lib: ['es2024', 'dom'], types: [] },
        ...{ strict: true, skipLibCheck: false, exactOptionalPropertyTypes: true },
        ...{ noUncheckedIndexedAccess: true, verbatimModuleSyntax: true, outDir: module },
      }
      const files = ['program.ts', 'example.ts']
      await writeFile(join(app, 'tsconfig.json'), JSON.stringify({ compilerOptions, files }))
      await run(process.execPath, [TSC, '-p', app]).catch((error: unknown) => {
        t.fail((error as { stdout: string }).stdout)
      })
      const bridge = new Bridge()
      await bridge.listen()
      t.teardown(() => bridge.close())
      const url = pathToFileURL(join(app, module, 'program.js')).href
      const { main } = (await import(url)) as { main: (bridge: string) => Promise<string[]> }
      t.strictSame(await main(bridge.url), [
        ...['login', 'invalid_credentials', '401', 'login', 'signed-in', 'call', 'answer'],
        ...['200', 'ann', '/', 'signed-out', 'logout'],
      ])
    })
  }

  t.test('its page names every option, member, event and code of its own', async (t) => {
    const readme = await read('README.md')
    const types = await read('dist/index.d.ts')
    const options = /interface SessionOptions \{([^]*?)\n\}/.exec(types)?.[1] ?? ''
    const members = /class Session extends [^{]*\{([^]*?)\n\}/.exec(types)?.[1] ?? ''
    const named = (text: string) =>
      [...text.matchAll(/^ {2}(?:readonly |get )?(\w+)[?:(]/gm)].flatMap(([, name = '']) => name)
    const codes = /type SessionErrorCode = ErrorCode \|([^;]*)/.exec(types)?.[1] ?? ''
    const words = [
      ...named(options),
      ...named(members).filter((name) => name !== 'constructor'),
      ...[...codes.matchAll(/'(\w+)'/g)].map(([, code = '']) => code),
      ...SESSION_EVENTS,
    ]
    t.ok(words.length > 25, words.join(' '))
    for (const word of words) t.match(readme, new RegExp(`^\\|.*\`${word}\\b`, 'm'), word)
  })
})
