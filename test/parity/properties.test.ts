import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventHubProducerClient, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

const largest = 300_000
/** The hub's clock, which stands still. */
let now = 0
let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  // Signatures are judged by it, too.
  now = Date.now()
  hub = await startLocalHub({
    eventHubs: { orders: { partitionCount: 3 } },
    sharedAccessKeys: { root: 'key' },
    maxMessageSizeInBytes: largest,
    now: () => now,
  })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await hub.close()
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])('over %s,', (transportType) => {
  function connect(): EventHubProducerClient {
    const port = transportType === 'amqp' ? hub.amqpPort : hub.httpPort
    const text = hub.connectionString.replace(`:${hub.amqpPort}`, `:${port}`)
    const client = EventHubProducerClient.fromConnectionString(text, { transportType })
    clients.push(client)
    return client
  }

  test('the event hub has a name, a date and partition ids', async () => {
    const created = now
    now += 60_000
    const client = connect()
    expect(await client.getEventHubProperties()).toEqual({
      eventHubName: 'orders',
      createdAt: new Date(created),
      partitionIds: ['0', '1', '2'],
    })
    expect(await client.getPartitionIds()).toEqual(['0', '1', '2'])
    expect([client.eventHubName, client.fullyQualifiedNamespace]).toEqual(['orders', '127.0.0.1'])
  })

  test('a partition has its numbers, its last event’s offset and date', async () => {
    const client = connect()
    for (const body of ['a', 'b', 'c']) await client.sendEvent({ body }, { partitionId: '1' })
    const last = hub.events('orders', '1').at(-1)
    expect(await client.getPartitionProperties('1')).toEqual({
      id: '1',
      eventHubName: 'orders',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 2,
      lastEnqueuedOffset: last?.offset,
      lastEnqueuedTimeUtc: last?.enqueuedTime,
      isEmpty: false,
    })
    expect(last?.enqueuedTime).toBeInstanceOf(Date)
  })

  test('a partition without events says so', async () => {
    expect(await connect().getPartitionProperties('2')).toMatchObject({
      id: '2',
      lastEnqueuedSequenceNumber: -1,
      isEmpty: true,
    })
  })

  test('a partition that does not exist is an error that names what to check', async () => {
    const error = await connect()
      .getPartitionProperties('7')
      .catch((thrown) => thrown)
    expect(error).toMatchObject({ code: 'entity-not-found', retryable: false })
    expect(error.message).toMatch(/Check the names of namespace, event hub and partition/)
  })

  test('a batch may be as large as the link allows, once that is known, and 1 MiB until then', async () => {
    const client = connect()
    expect((await client.createBatch()).maxSizeInBytes).toBe(1024 * 1024)
    await client.sendEvent({ body: 'a' }, { partitionId: '0' })
    for (const target of [{ partitionId: '0' }, { partitionId: '1' }, { partitionKey: 'k' }, {}]) {
      expect((await client.createBatch(target)).maxSizeInBytes).toBe(largest)
    }
    await expect(client.createBatch({ maxSizeInBytes: largest + 1 })).rejects.toThrow(RangeError)
    const batch = await client.createBatch({ maxSizeInBytes: 1000 })
    let events = 0
    while (batch.tryAdd({ body: 'x'.repeat(100) })) events++
    expect(batch.count).toBe(events)
    expect(batch.sizeInBytes).toBeGreaterThan(850)
    expect(batch.sizeInBytes).toBeLessThanOrEqual(1000)
    await client.sendBatch(batch)
    expect(hub.events('orders')).toHaveLength(events + 1)
  })

  test('the full size goes through, and not a byte more', async () => {
    const client = connect()
    await client.sendEvent({ body: 'a' })
    const batch = await client.createBatch()
    expect(batch.tryAdd({ body: Buffer.alloc(largest - 100) })).toBe(true)
    const room = largest - batch.sizeInBytes
    const full = await client.createBatch()
    expect(full.tryAdd({ body: Buffer.alloc(largest - 100 + room + 1) })).toBe(false)
    expect(full.tryAdd({ body: Buffer.alloc(largest - 100 + room) })).toBe(true)
    expect(full.sizeInBytes).toBe(largest)
    await client.sendBatch(full)
  })
})
