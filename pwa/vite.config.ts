import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { SHELL_PATTERNS } from './src/routes.ts'

/** The gate of a running `npm start`. */
const GATE = 'http://localhost:8080'

/** The first with all that the app cannot do without: see CONTRIBUTING.md. */
const BROWSERS = ['chrome120', 'edge120', 'firefox124', 'safari17.4']

export default defineConfig({
  plugins: [
    VitePWA({
      registerType: 'prompt',
      // main.ts registers it, and the manifest is a file of its own.
      injectRegister: null,
      manifest: false,
      workbox: {
        globPatterns: ['**/*.{html,js,css,svg,png,webmanifest}'],
        inlineWorkboxRuntime: true,
        cleanupOutdatedCaches: true,
        sourcemap: false,
        navigateFallback: '/index.html',
        navigateFallbackAllowlist: SHELL_PATTERNS,
      },
    }),
  ],
  build: { target: BROWSERS, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    proxy: Object.fromEntries(
      ['/auth', '/api', '/oauth', '/.well-known'].map((path) => [
        path,
        { target: GATE, changeOrigin: true },
      ]),
    ),
  },
})
