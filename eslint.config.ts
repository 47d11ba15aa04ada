import { defineConfig } from 'eslint/config'
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript'
import { importX } from 'eslint-plugin-import-x'
import tseslint from 'typescript-eslint'
import njs from './nginx-njs/eslint-njs.ts'

/** What any room of the bridge may know: names, refusals, and what an adapter promises. */
const common = [
  './contract',
  './errors.ts',
  './version.ts',
  './keys/port.ts',
  './sessions/port.ts',
  './odoo/port.ts',
  './providers/port.ts',
]

/** A room of the bridge, and the others that it may look into. */
const room = (name: string, ...others: string[]) => ({
  target: `./bridge/src/${name}`,
  from: './bridge/src',
  except: [`./${name}`, ...others],
})

/** Data flows routes → oauth | data | tokens → sessions, keys, odoo; only app.ts sees them all. */
const doors = [
  room('contract'),
  room('keys', './contract', './batches.ts'),
  room('sessions', './contract', './batches.ts'),
  room('odoo', './contract'),
  room('providers', './keys/shared-call.ts', ...common),
  room('tokens', ...common),
  room('clients', './tokens', ...common),
  room('oauth', './tokens', ...common),
  room('pages', './contract'),
  room('plugins', './pages', ...common),
  room('demo', './keys/vault-client.ts', './odoo/http.ts', ...common),
  room('data', ...common),
  room('routes', './plugins', './oauth', './data', './tokens', ...common),
  ...['nginx-njs', 'pwa', 'e2e'].map((other) => ({
    target: `./${other}`,
    from: './bridge/src',
    except: ['./contract'],
  })),
  // A package of its own: it knows nothing of the PWA, which uses what others get, too.
  { target: './pwa/src/auth', from: './pwa/src', except: ['./auth'] },
  {
    target: ['./pwa/src/api', './pwa/src/elements', './pwa/src/*.ts'],
    from: './pwa/src/auth',
    except: ['./index.ts'],
  },
]

export default defineConfig(
  // What lit-localize writes keeps its own style, and says so in the files.
  { ignores: ['**/dist', '.stack', '.tsc', '**/.tap', 'odoo-addon', 'pwa/src/locales'] },
  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked],
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    languageOptions: {
      parserOptions: { projectService: { allowDefaultProject: ['eslint.config.ts'] } },
    },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones: doors }],
      'import-x/no-cycle': 'error',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/no-non-null-assertion': 'error',
      eqeqeq: 'error',
    },
  },
  njs,
  {
    // tap's and Playwright's test() give back a promise that the runner itself awaits.
    files: ['**/test/**/*.ts', '**/*.spec.ts'],
    rules: { '@typescript-eslint/no-floating-promises': 'off' },
  },
)
