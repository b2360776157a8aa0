import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { build, type Format } from 'esbuild'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** An app that has neither `@azure/functions` nor `@azure/identity`. */
const appDirectory = mkdtempSync(join(tmpdir(), 'sluice-functions-'))
const external = ['@azure/functions', '@azure/identity', 'rhea', 'rhea-promise', 'ws']

beforeAll(async () => {
  mkdirSync(join(appDirectory, 'node_modules'))
  for (const name of ['rhea', 'rhea-promise']) {
    symlinkSync(join(process.cwd(), 'node_modules', name), join(appDirectory, 'node_modules', name))
  }
  const bundle = (format: Format, outfile: string) =>
    build({
      entryPoints: ['adapters/azure-functions/index.ts'],
      bundle: true,
      platform: 'node',
      // A top-level await has no CommonJS form: the build would fail.
      format,
      conditions: ['sluice-source'],
      external,
      outfile: join(appDirectory, outfile),
      logLevel: 'silent',
    })
  await Promise.all([bundle('cjs', 'sluice.cjs'), bundle('esm', 'sluice.mjs')])
})

afterAll(() => rmSync(appDirectory, { recursive: true }))

const use = `
const output = sluice.eventHubOutput({
  connectionString: 'Endpoint=sb://127.0.0.1;SharedAccessKeyName=a;SharedAccessKey=b;UseDevelopmentEmulator=true',
  eventHubName: 'orders',
})
const handler = sluice.withEventHub(output, () => 'ran')
const context = { extraOutputs: { get() {}, set() {} }, options: { extraOutputs: [] } }
handler('input', context).then((result) => console.log(result, Object.keys(sluice).sort().join(' ')))
`

test.each([
  ['CommonJS: require of a CommonJS build', 'app1.cjs', `const sluice = require('./sluice.cjs')`],
  ['CommonJS: require of the ES module', 'app2.cjs', `const sluice = require('./sluice.mjs')`],
  ['ESM: import', 'app3.mjs', `import * as sluice from './sluice.mjs'`],
])('an app in %s runs without @azure/functions and @azure/identity', async (_, file, load) => {
  writeFileSync(join(appDirectory, file), `${load}\n${use}`)
  const { stdout } = await promisify(execFile)(process.execPath, [file], { cwd: appDirectory, timeout: 15_000 })
  expect(stdout.trim()).toBe(
    'ran EventsNotAcceptedError eventData eventHubClient eventHubOutput httpTriggerHandler withEventHub withEventHubOutputs',
  )
})
