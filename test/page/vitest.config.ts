import { defineConfig } from 'vitest/config'
import main from '../../vitest.config.js'

// `npm run test:page`: the local hub's page in a real browser, which install.sh finds or installs first.
export default defineConfig({
  ...main,
  test: {
    ...main.test,
    include: [process.env.DOCS_IMAGES ? 'test/page/pictures.test.ts' : 'test/page/page.test.ts'],
    exclude: ['**/node_modules/**'],
    globalSetup: ['test/page/build.ts'],
    fileParallelism: false,
    testTimeout: 60_000,
  },
})
