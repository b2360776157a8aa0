// `npm run example -- NAME`: bundles an example with the library's sources and runs it, against a local hub where
// EVENTHUB_CONNECTION_STRING names no event hub.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const { name: packageName, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
/** Of each entry of the package, by the name that examples import. */
const sources = Object.fromEntries(
  Object.entries(exports)
    .filter(([, { types }]) => types !== undefined)
    .map(([entry, { types }]) => [
      `${packageName}${entry.slice(1)}`,
      types.replace('./dist/', '').replace('.d.ts', '.ts'),
    ]),
)

const names = readdirSync(join(root, 'examples')).filter((name) => existsSync(join(root, 'examples', name, 'main.ts')))
const [name, ...others] = process.argv.slice(2)
if (!names.includes(name) || others.length > 0) {
  if (name !== undefined && !names.includes(name)) console.error(`There is no example "${name}".`)
  console.error(`Usage: npm run example -- NAME, where NAME is one of:\n  ${names.join('\n  ')}`)
  process.exit(2)
}

mkdirSync(join(root, '.cache'), { recursive: true })
const folder = mkdtempSync(join(root, '.cache/example-'))
try {
  await build({
    entryPoints: {
      example: join(root, 'examples', name, 'main.ts'),
      hub: join(root, sources['eventhub-sluice/local-hub']),
    },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    platform: 'node',
    target: 'node20',
    format: 'esm',
    conditions: ['sluice-source'],
    alias: Object.fromEntries(Object.entries(sources).map(([entry, file]) => [entry, join(root, file)])),
    packages: 'external',
    logLevel: 'warning',
  })
  process.exitCode = process.env.EVENTHUB_CONNECTION_STRING ? await run({}) : await runWithLocalHub()
} finally {
  rmSync(folder, { recursive: true, force: true })
}

/** @returns the exit code */
async function runWithLocalHub() {
  const { startLocalHub } = await import(pathToFileURL(join(folder, 'hub.mjs')).href)
  const hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 4 } } })
  try {
    const code = await run({ EVENTHUB_CONNECTION_STRING: hub.connectionString, EVENTHUB_NAME: 'orders' })
    const events = hub.events('orders')
    console.log(
      `\nIn the local hub now: ${events.length} events${events.length > 10 ? ', the first ten of them:' : ''}`,
    )
    for (const { partitionId, sequenceNumber, partitionKey, body } of events.slice(0, 10)) {
      const text = body.toString().slice(0, 80)
      console.log(
        `  partition ${partitionId}, ${sequenceNumber}${partitionKey === undefined ? '' : `, key ${partitionKey}`}: ${text}`,
      )
    }
    return code
  } finally {
    await hub.close()
  }
}

function run(environment) {
  const child = spawn(process.execPath, [join(folder, 'example.mjs')], {
    stdio: 'inherit',
    env: { ...process.env, ...environment },
  })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code, signal) => resolve(signal === null ? code : 1))
  })
}
