import { defineConfig } from 'vitest/config'
import main from '../../vitest.config.js'

// What `.ci/run` runs of the chaos: a tenth of what `npm run chaos -- --events 1000000` does by hand.
export default defineConfig({
  ...main,
  test: { ...main.test, include: ['test/chaos/chaos.test.ts'], exclude: ['**/node_modules/**'] },
})
