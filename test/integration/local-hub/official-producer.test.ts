import { EventHubBufferedProducerClient, EventHubProducerClient } from '@azure/event-hubs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { partitionIndexForKey } from '../../../infra/local-hub/partition-key-hash.js'
import { signature } from './raw-client.js'

let hub: LocalHub
const noRetries = { retryOptions: { maxRetries: 0 } }

beforeAll(async () => {
  hub = await startLocalHub({
    eventHubs: {
      events: {},
      keyed: { partitionCount: 7 },
      idempotent: { partitionCount: 2 },
      properties: { partitionCount: 3 },
      small: { partitionCount: 1 },
    },
    maxMessageSizeInBytes: 100_000,
  })
})
afterAll(() => hub.close())

function producerFor(
  eventHubName: string,
  change: (connectionString: string) => string = (same) => same,
): EventHubProducerClient {
  return new EventHubProducerClient(change(hub.connectionStringFor(eventHubName)), noRetries)
}

/** The plain client has this as internal fields only: it is the buffered client that sets them. */
function idempotentProducer(partitionOptions?: object): IdempotentProducer {
  const internals = { _enableIdempotentRetries: true, _partitionOptions: partitionOptions }
  return Object.assign(producerFor('idempotent'), internals) as unknown as IdempotentProducer
}

type IdempotentProducer = Pick<EventHubProducerClient, 'sendBatch' | 'close'> & {
  getPartitionPublishingProperties(partitionId: string): Promise<Record<string, unknown>>
}

describe('the official producer', () => {
  test('stores bodies, properties and partition key as they were sent, in order', async () => {
    const producer = producerFor('events')
    const when = new Date('2026-01-02T03:04:05.678Z')
    const binary = Buffer.from([0, 255, 1])
    await producer.sendBatch(
      [
        { body: { a: 1 }, properties: { text: 'ä', integer: 7, real: 1.5, yes: true, no: null, when, binary } },
        { body: 'two', contentType: 'text/plain', messageId: 'm-2', correlationId: 'c-2' },
        { body: binary },
      ],
      { partitionKey: 'device-42' },
    )
    const stored = hub.events('events')
    expect(stored.map(({ body }) => body.toString('latin1'))).toEqual(['{"a":1}', '"two"', '\x00\xff\x01'])
    expect(stored.map(({ sequenceNumber }) => sequenceNumber)).toEqual([0, 1, 2])
    expect(new Set(stored.map(({ partitionId }) => partitionId))).toEqual(new Set(['0']))
    expect(stored.map(({ partitionKey }) => partitionKey)).toEqual(['device-42', 'device-42', 'device-42'])
    expect(stored[0]?.applicationProperties).toEqual({
      text: 'ä',
      integer: 7,
      real: 1.5,
      yes: true,
      no: null,
      when,
      binary,
    })
    expect(stored[1]?.properties).toEqual({
      'message-id': 'm-2',
      'correlation-id': 'c-2',
      'content-type': 'text/plain',
    })
    const offsets = stored.map(({ offset }) => Number(offset))
    expect(offsets[0]).toBeLessThan(offsets[1] ?? 0)
    expect(offsets[1]).toBeLessThan(offsets[2] ?? 0)
    await producer.close()
  })

  test('buffered by key: every event is where the service would have put it', async () => {
    const keys = Array.from({ length: 60 }, (_, index) => `ключ-${index}-😀`)
    const producer = new EventHubBufferedProducerClient(hub.connectionStringFor('keyed'), {
      maxWaitTimeInMs: 20,
      onSendEventsErrorHandler: async ({ error }) => {
        throw error
      },
    })
    for (const key of keys) await producer.enqueueEvent({ body: key }, { partitionKey: key })
    await producer.flush()
    // The buffered client hashes by itself and does not send the key along; the body tells it.
    const stored = hub.events('keyed').map(({ body, partitionId }) => ({ key: JSON.parse(String(body)), partitionId }))
    expect(stored.map(({ key }) => key).sort()).toEqual([...keys].sort())
    for (const { key, partitionId } of stored) expect(partitionId).toBe(String(partitionIndexForKey(key, 7)))
    await producer.close()
  })

  test('reads the properties of the event hub and of a partition', async () => {
    const producer = producerFor('properties')
    expect(await producer.getEventHubProperties()).toMatchObject({ name: 'properties', partitionIds: ['0', '1', '2'] })
    expect(await producer.getPartitionProperties('2')).toMatchObject({ isEmpty: true, lastEnqueuedSequenceNumber: -1 })
    const before = Date.now()
    await producer.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: '2' })
    const properties = await producer.getPartitionProperties('2')
    expect(properties).toMatchObject({
      partitionId: '2',
      eventHubName: 'properties',
      beginningSequenceNumber: 0,
      lastEnqueuedSequenceNumber: 1,
      lastEnqueuedOffset: hub.events('properties', '2')[1]?.offset,
      isEmpty: false,
    })
    expect(properties.lastEnqueuedOnUtc.getTime()).toBeGreaterThanOrEqual(before)
    await expect(producer.getPartitionProperties('3')).rejects.toMatchObject({ code: 'ArgumentOutOfRangeError' })
    await producer.close()
  })

  test('a wrong key, an unknown hub and an unknown partition are the errors that the service gives', async () => {
    const wrongKey = producerFor('events', (text) => text.replace(/SharedAccessKey=[^;]+/, 'SharedAccessKey=bm90IGl0'))
    await expect(wrongKey.sendBatch([{ body: 1 }])).rejects.toMatchObject({ code: 'UnauthorizedError' })
    const unknownHub = producerFor('events', (text) => text.replace('EntityPath=events', 'EntityPath=none'))
    await expect(unknownHub.sendBatch([{ body: 1 }])).rejects.toMatchObject({ code: 'MessagingEntityNotFoundError' })
    await expect(unknownHub.getPartitionIds()).rejects.toMatchObject({ code: 'MessagingEntityNotFoundError' })
    const producer = producerFor('events')
    await expect(producer.sendBatch([{ body: 1 }], { partitionId: '4' })).rejects.toMatchObject({
      code: 'ArgumentOutOfRangeError',
    })
    await Promise.all([wrongKey.close(), unknownHub.close(), producer.close()])
  })

  test('learns the largest size when it attaches, and is refused beyond it', async () => {
    const producer = producerFor('small')
    const batch = await producer.createBatch()
    expect(batch.maxSizeInBytes).toBe(100_000)
    expect(batch.tryAdd({ body: Buffer.alloc(100_000) })).toBe(false)
    await expect(producer.sendBatch([{ body: Buffer.alloc(150_000) }])).rejects.toMatchObject({
      code: 'MessageTooLargeError',
    })
    expect(hub.events('small')).toEqual([])
    await producer.sendBatch([{ body: Buffer.alloc(99_000) }])
    expect(hub.events('small').map(({ body }) => body.length)).toEqual([99_000])
    await producer.close()
  })

  test('idempotent: counts on from what the hub tells it, across clients', async () => {
    const first = idempotentProducer()
    await first.sendBatch([{ body: 1 }, { body: 2 }], { partitionId: '0' })
    await first.sendBatch([{ body: 3 }], { partitionId: '0' })
    const known = await first.getPartitionPublishingProperties('0')
    expect(known).toMatchObject({ isIdempotentPublishingEnabled: true, ownerLevel: 0, lastPublishedSequenceNumber: 3 })
    const { producerGroupId } = known
    expect(producerGroupId).toBeGreaterThan(0)
    await first.close()

    const second = idempotentProducer({ 0: { ownerLevel: 1, producerGroupId } })
    await second.sendBatch([{ body: 4 }], { partitionId: '0' })
    expect(await second.getPartitionPublishingProperties('0')).toMatchObject({
      ownerLevel: 1,
      lastPublishedSequenceNumber: 4,
    })
    const stamps = hub.events('idempotent', '0').map(({ messageAnnotations }) => messageAnnotations)
    expect(stamps.map((stamp) => stamp['com.microsoft:producer-sequence-number'])).toEqual([1, 2, 3, 4])
    expect(stamps.map((stamp) => stamp['com.microsoft:producer-epoch'])).toEqual([0, 0, 0, 1])
    await second.close()
  })
})

test('made from a signature instead of a key it has no SASL layer: `optional` admits it, `required` does not', async () => {
  const sharedAccessKeys = { root: 'secret' }
  for (const sasl of ['optional', 'required'] as const) {
    await using other = await startLocalHub({ sasl, sharedAccessKeys })
    const endpoint = `sb://127.0.0.1:${other.amqpPort}`
    const token = signature(`${endpoint}/events`, { key: 'secret', keyName: 'root' })
    const producer = new EventHubProducerClient(
      `Endpoint=${endpoint};SharedAccessSignature=${token};EntityPath=events;UseDevelopmentEmulator=true`,
      { retryOptions: { maxRetries: 0, timeoutInMs: 1000 } },
    )
    const sent = producer.sendBatch([{ body: 1 }]).then(
      () => 'sent',
      () => 'refused',
    )
    expect(await sent).toBe(sasl === 'optional' ? 'sent' : 'refused')
    expect(other.events('events')).toHaveLength(sasl === 'optional' ? 1 : 0)
    void producer.close().catch(() => {})
  }
})
