import { createHash } from 'node:crypto'
import { afterEach, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

let hub: LocalHub | undefined
afterEach(async () => {
  await hub?.close()
})

const partitionIds = ['0', '1', '2', '3']

/** Every third a few KiB, so that it has a buffer of its own; each begins with the digest of the rest. */
function bodyOf(number: number): Buffer {
  const rest = Buffer.alloc(number % 3 === 0 ? 9000 : 300 + (number % 1500), `event ${number}`)
  return Buffer.concat([createHash('sha256').update(rest).digest(), rest])
}

function isWhole(body: Uint8Array): boolean {
  const digest = createHash('sha256').update(body.subarray(32)).digest()
  return Buffer.compare(digest, body.subarray(0, 32)) === 0
}

test('events of all partitions, written side by side into memory that is used again, arrive as they were given', async () => {
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: partitionIds.length } } })
  const { faults } = hub
  let accepted = 0
  const failed: unknown[] = []
  const client = EventHubProducerClient.fromConnectionString(hub.connectionString, {
    bufferedMode: true,
    maxConcurrentSendsPerPartition: 2,
    retryOptions: { maxRetries: 20, retryDelayInMs: 10, tryTimeoutInMs: 1500 },
    onSuccess: (events) => {
      accepted += events.length
    },
    onError: (_events, _partitionId, error) => {
      failed.push(error)
    },
  })
  const eventCount = 12_000
  for (let i = 0; i < eventCount; i++) {
    // Batches are cut off in the middle, and some are sent again whose answer was lost.
    if (i % 3000 === 1500) faults.destroyConnections()
    if (i % 6000 === 2500) faults.dropAcknowledgements(1)
    await client.sendEvent(
      { body: bodyOf(i) },
      i % 2 === 0 ? { partitionId: partitionIds[i % 4] as string } : { partitionKey: `key ${i % 50}` },
    )
  }
  await client.close()
  expect(failed).toEqual([])
  expect(accepted).toBe(eventCount)
  const stored = hub.events('events')
  expect(stored.filter(({ body }) => !isWhole(body as Buffer))).toHaveLength(0)
  expect(new Set(stored.map(({ body }) => body.toString('hex', 0, 32))).size).toBe(eventCount)
})
