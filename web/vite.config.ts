import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/** The oldest browsers that rooms have: Chrome and Edge 109 are the last on Windows 7 and 8.1. */
const FLOOR = ['chrome109', 'edge109', 'firefox115', 'safari16']

export default defineConfig({
  base: '/',
  build: {
    outDir: '../signaling/pages',
    emptyOutDir: true,
    target: FLOOR,
    cssTarget: FLOOR,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: {
        'sign-in': here('./sign-in.html'),
        operator: here('./operator.html'),
        site: here('./site.html'),
        join: here('./join.html'),
        technician: here('./technician.html'),
      },
    },
  },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
  },
})
