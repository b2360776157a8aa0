import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Worker } from 'node:worker_threads'
import { build } from 'esbuild'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { clientFromEnvironment, forwardToEventHub, withEventHub } from '../../../adapters/aws-lambda/index.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { contextWith } from './fake-client.js'
import { fixture } from './fixtures.js'

let hub: LocalHub

beforeEach(async () => {
  hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 2 } } })
  vi.stubEnv('EVENTHUB_CONNECTION_STRING', hub.connectionString)
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

test('handlers of one instance that are configured alike share a client, and so a connection', async () => {
  const client = await clientFromEnvironment()()
  try {
    const forward = forwardToEventHub()
    const mine = withEventHub({}, (event: unknown, _context, invocation) => {
      void invocation.sendEvent({ body: event })
    })
    await Promise.all([forward(fixture('sqs'), contextWith()), mine({ a: 1 }, contextWith())])
    await mine({ a: 2 }, contextWith())
    expect(hub.events('orders')).toHaveLength(5)
    expect(hub.connections).toHaveLength(1)
    expect(await clientFromEnvironment()()).toBe(client)
  } finally {
    await client.close({ flush: false })
  }
})

test('a handler with options of its own has a client of its own', async () => {
  const shared = await clientFromEnvironment()()
  const own = withEventHub({ clientOptions: { maxWaitTimeInMs: 10 } }, (event: unknown, _context, invocation) => {
    void invocation.sendEvent({ body: event })
  })
  await own({}, contextWith())
  await shared.warmUp()
  expect(hub.connections).toHaveLength(2)
  await shared.close({ flush: false })
})

test('worker threads, as Lambda Managed Instances have them, have one client each, and keep it', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-worker-'))
  try {
    const adapter = fileURLToPath(new URL('../../../adapters/aws-lambda/index.ts', import.meta.url))
    const { outputFiles } = await build({
      stdin: {
        contents: `
          import { parentPort } from 'node:worker_threads'
          import { forwardToEventHub } from ${JSON.stringify(adapter)}
          const handler = forwardToEventHub()
          parentPort.on('message', async (event) => {
            parentPort.postMessage(await handler(event, { getRemainingTimeInMillis: () => 10_000 }))
          })`,
        resolveDir: directory,
      },
      bundle: true,
      write: false,
      platform: 'node',
      format: 'cjs',
      conditions: ['sluice-source'],
      external: ['@azure/identity', 'ws'],
      logLevel: 'silent',
    })
    const file = join(directory, 'worker.cjs')
    writeFileSync(file, outputFiles[0]!.contents)
    const workers = [1, 2, 3].map(() => new Worker(file))
    const ask = (worker: Worker) =>
      new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
        worker.postMessage(fixture('sqs'))
      })
    for (let round = 0; round < 3; round++) {
      expect(await Promise.all(workers.map(ask))).toEqual(workers.map(() => ({ batchItemFailures: [] })))
    }
    expect(hub.events('orders')).toHaveLength(27)
    expect(hub.connections).toHaveLength(3)
    await Promise.all(workers.map((worker) => worker.terminate()))
  } finally {
    rmSync(directory, { recursive: true, force: true })
  }
})
