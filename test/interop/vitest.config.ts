import { defineConfig } from 'vitest/config'
import main from '../../vitest.config.js'

// `npm run interop`: against strangers in other languages, which install.sh fetches from Debian first.
export default defineConfig({
  ...main,
  test: { ...main.test, include: ['test/interop/**/*.test.ts'], exclude: ['**/node_modules/**'], testTimeout: 60_000 },
})
