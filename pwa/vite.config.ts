import { defineConfig } from 'vite'
import { VitePWA } from 'vite-plugin-pwa'
import { SHELL_PATTERNS } from './src/routes.ts'

/** The gate of a running `npm start`. */
const GATE = 'http://localhost:8080'

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
  build: { assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    proxy: Object.fromEntries(
      ['/auth', '/api', '/oauth', '/.well-known'].map((path) => [
        path,
        { target: GATE, changeOrigin: true },
      ]),
    ),
  },
})
