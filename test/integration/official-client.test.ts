import {
  EventHubConsumerClient,
  earliestEventPosition,
  EventHubProducerClient as OfficialProducer,
  type ReceivedEventData,
} from '@azure/event-hubs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

/** Reads events with the official consumer until `count` have come, by partition and in order. */
async function readWithOfficialClient(
  hub: LocalHub,
  eventHubName: string,
  count: number,
): Promise<Map<string, ReceivedEventData[]>> {
  const consumer = new EventHubConsumerClient('$Default', hub.connectionStringFor(eventHubName))
  const received = new Map<string, ReceivedEventData[]>()
  let left = count
  await new Promise<void>((resolve, reject) => {
    consumer.subscribe(
      {
        processEvents: async (events, { partitionId }) => {
          const known = received.get(partitionId) ?? []
          received.set(partitionId, [...known, ...events])
          left -= events.length
          if (left <= 0) resolve()
        },
        processError: async (error) => reject(error),
      },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
    )
  })
  // Its close takes seconds; the hub's own close ends it, and nothing here waits for it.
  void consumer.close().catch(() => {})
  return received
}

describe('the official client', () => {
  let hub: LocalHub
  beforeAll(async () => {
    hub = await startLocalHub({
      eventHubs: { ours: { partitionCount: 4 }, theirs: { partitionCount: 4 }, types: { partitionCount: 1 } },
    })
  })
  afterAll(() => hub.close())

  test('reads back exactly what an invocation sent: bodies, properties, keys, and order within a partition', async () => {
    await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
    const invocation = client.beginInvocation()
    const sent = Array.from({ length: 500 }, (_, i) => ({
      body: new TextEncoder().encode(`event ${i} ${'é'.repeat(i % 300)}`),
      contentType: 'text/plain',
      messageId: `id-${i}`,
      correlationId: `correlation-${i % 3}`,
      properties: { number: i, text: `t${i}`, flag: i % 2 === 0 },
      key: `key-${i % 17}`,
    }))
    for (const { key, ...event } of sent) void invocation.sendEvent(event, { partitionKey: key })
    expect(await invocation.end()).toMatchObject({ accepted: 500, failures: [] })

    const received = await readWithOfficialClient(hub, 'ours', 500)
    const all = [...received.values()].flat()
    expect(all).toHaveLength(500)
    const byId = new Map(all.map((event) => [event.messageId, event]))
    for (const { key, body, messageId, correlationId, contentType, properties } of sent) {
      expect(byId.get(messageId)).toMatchObject({ partitionKey: key, correlationId, contentType, properties })
      expect(Buffer.from(body).equals(byId.get(messageId)?.body)).toBe(true)
    }
    for (const events of received.values()) {
      const numbers = events.map((event) => Number(event.properties?.number))
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  })

  test('reads back every kind of body and property', async () => {
    await using client = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('types'))
    const when = new Date('2026-01-02T03:04:05.678Z')
    await client.sendBatch(
      [
        { body: 'a string is its UTF-8 bytes' },
        { body: { json: [1, null, 'two'] } },
        { body: new Uint8Array([0, 255, 128]) },
        { body: null },
        {
          body: 'p',
          properties: { when, bytes: new Uint8Array([1, 2]), big: 2n ** 40n, negative: -5, fraction: 1.5, none: null },
        },
        { body: { a: 1 }, bodyType: 'value', applicationProperties: { k: 'v' } },
        { body: [[1, 'two']], bodyType: 'sequence' },
        {
          body: 'annotated',
          bodyType: 'data',
          messageAnnotations: { 'x-mine': 'yes' },
          properties: { subject: 's', replyTo: 'r' },
        },
      ],
      { partitionId: '0' },
    )
    const received = [...(await readWithOfficialClient(hub, 'types', 8)).values()].flat()
    const raw = received.map((event) => event.getRawAmqpMessage())
    expect(received.slice(0, 4).map((event) => Buffer.from(event.body).toString('latin1'))).toEqual([
      'a string is its UTF-8 bytes',
      '{"json":[1,null,"two"]}',
      '\u0000ÿ\u0080',
      'null',
    ])
    // The official client hands out dates as numbers.
    expect(received[4]?.properties).toMatchObject({
      when: when.getTime(),
      big: 2 ** 40,
      negative: -5,
      fraction: 1.5,
      none: null,
    })
    // It also takes binary properties apart; the hub tells what they were.
    expect(hub.events('types')[4]?.applicationProperties.bytes).toEqual(Buffer.from([1, 2]))
    expect(raw[5]).toMatchObject({ bodyType: 'value', body: { a: 1 }, applicationProperties: { k: 'v' } })
    expect(raw[6]).toMatchObject({ bodyType: 'sequence' })
    expect(raw[7]).toMatchObject({
      messageAnnotations: { 'x-mine': 'yes' },
      properties: { subject: 's', replyTo: 'r' },
    })
  })

  test('sends the same event to the same partition, and the hub stores it alike', async () => {
    const theirs = new OfficialProducer(hub.connectionStringFor('theirs'))
    await using ours = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('theirs'))
    const event = {
      body: { same: 'for both' },
      contentType: 'application/json',
      messageId: 'the-id',
      correlationId: 'the-correlation',
      properties: { text: 'x', number: 7, flag: true },
    }
    for (const partitionKey of ['a', 'device-42', 'Привет', '😀']) {
      await theirs.sendBatch([event], { partitionKey })
      await ours.sendEvent(event, { partitionKey })
      const invocation = ours.beginInvocation()
      void invocation.sendEvent(event, { partitionKey })
      expect((await invocation.end()).accepted).toBe(1)
      const stored = hub.events('theirs').filter((each) => each.partitionKey === partitionKey)
      expect(stored).toHaveLength(3)
      const [first, ...others] = stored
      for (const other of others) {
        const { sequenceNumber: _s, offset: _o, enqueuedTime: _t, encoded: _e, ...content } = other
        expect(first).toMatchObject(content)
      }
    }
    await theirs.close()
  })

  test('and ours agree on the properties of hub and partitions', async () => {
    const theirs = new OfficialProducer(hub.connectionStringFor('ours'))
    await using ours = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('ours'))
    const { name: eventHubName, createdOn: createdAt, partitionIds } = await theirs.getEventHubProperties()
    expect(await ours.getEventHubProperties()).toEqual({ eventHubName, createdAt, partitionIds })
    expect(await ours.getPartitionIds()).toEqual(await theirs.getPartitionIds())
    const { beginningSequenceNumber, lastEnqueuedSequenceNumber, isEmpty } = await theirs.getPartitionProperties('0')
    expect(await ours.getPartitionProperties('0')).toMatchObject({
      id: '0',
      eventHubName: 'ours',
      beginningSequenceNumber,
      lastEnqueuedSequenceNumber,
      isEmpty,
    })
    await theirs.close()
  })
})
