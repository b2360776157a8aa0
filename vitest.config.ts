import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  // Tests run the TypeScript sources: the same condition that tsc and esbuild use to find them.
  resolve: { conditions: ['sluice-source', 'node'] },
  ssr: { resolve: { conditions: ['sluice-source', 'node'] } },
  test: {
    include: ['test/**/*.test.ts'],
    // What needs more than npm, or more time, has a command of its own: see CONTRIBUTING.md.
    exclude: ['test/runtimes/**', 'test/interop/**', 'test/page/**', 'test/chaos/chaos.test.ts', '**/node_modules/**'],
    // Much of the time is spent waiting; vitest's own choice is one worker fewer than there are cores.
    maxWorkers: Math.max(3, availableParallelism()),
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
