import { defineConfig } from 'vitest/config'

// Each runtime is a project of its own beside this one, so that `npm test -- --project aws-lambda` runs it alone.
export default defineConfig({
  // Finds the TypeScript sources behind #transports, as in the repository's own configuration.
  resolve: { conditions: ['sluice-source', 'node'] },
  ssr: { resolve: { conditions: ['sluice-source', 'node'] } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'aws-lambda',
          include: ['aws-lambda/**/*.test.ts'],
          globalSetup: ['aws-lambda/global-setup.ts'],
        },
      },
      {
        extends: true,
        test: { name: 'front-door', include: ['front-door/**/*.test.ts'] },
      },
      { extends: true, test: { name: 'workflows', include: ['workflows/**/*.test.ts'] } },
      {
        extends: true,
        test: { name: 'miniflare', include: ['miniflare/**/*.test.ts'] },
      },
    ],
    // Much of the time is spent waiting; vitest's own choice is one worker fewer than there are cores.
    maxWorkers: 2,
    // Processes that start, freeze and thaw in real time.
    testTimeout: 30_000,
    hookTimeout: 30_000,
  },
})
