import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { shell } from './vite-shell.ts'

/** The gate of a running `npm start`. */
const GATE = 'http://localhost:8080'

/** The first with all that the app cannot do without: see CONTRIBUTING.md. */
const BROWSERS = ['chrome120', 'edge120', 'firefox124', 'safari17.4']

export default defineConfig({
  // One build for any folder of any origin.
  base: './',
  plugins: [
    shell(),
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src/worker',
      filename: 'sw.ts',
      // service-worker.ts registers it, and the manifest is a file of its own.
      injectRegister: null,
      manifest: false,
      injectManifest: {
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
        globIgnores: ['screenshots/**'],
        rollupFormat: 'iife',
      },
    }),
  ],
  build: {
    target: BROWSERS,
    // Beside it lies headers.conf, which is not for browsers.
    outDir: 'dist/site',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    // A screen's script comes along with its styles. Of the page, vite-shell.ts names what it needs.
    modulePreload: {
      polyfill: false,
      resolveDependencies: (_file, needed, { hostType }) => (hostType === 'html' ? [] : needed),
    },
    rolldownOptions: {
      output: {
        // Few files: over HTTP/1.1 each one more waits for its turn. What the first question to the
        // bridge needs, and what all screens are made of; a screen that is not seen stays away.
        codeSplitting: {
          groups: [
            {
              name: 'session',
              test: /src\/(auth|api|language|own-routes|routes|contract|offline\/(join-pages|permission|reconnecting))|@lit\/localize/,
            },
            { name: 'base', test: /node_modules\/(lit|@lit)|elements\/shared/ },
          ],
        },
      },
    },
  },
  server: {
    proxy: Object.fromEntries(
      ['/auth', '/api', '/oauth', '/.well-known'].map((path) => [
        path,
        { target: GATE, changeOrigin: true },
      ]),
    ),
  },
})
