import {
  EventHubConsumerClient,
  EventHubProducerClient,
  type EventPosition,
  earliestEventPosition,
  latestEventPosition,
  type ReceivedEventData,
} from '@azure/event-hubs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'

let hub: LocalHub
let producer: EventHubProducerClient
let consumer: EventHubConsumerClient
// Near the real time, because the client's tokens expire by that.
const start = Date.now()
let now = start

beforeAll(async () => {
  hub = await startLocalHub({
    eventHubs: { events: { partitionCount: 2, consumerGroups: ['audit'] }, live: { partitionCount: 1 } },
    now: () => now,
  })
  producer = new EventHubProducerClient(hub.connectionStringFor('events'), { retryOptions: { maxRetries: 0 } })
  consumer = new EventHubConsumerClient('$Default', hub.connectionStringFor('events'))
  for (let i = 0; i < 5; i++) {
    now = start + i * 1000
    await producer.sendBatch([{ body: i, properties: { i } }], { partitionId: '1' })
  }
})
// Not awaited: the official consumer keeps its timers for about ten seconds, and the hub's end closes its sockets.
afterAll(() => hub.close())

/** Reads until `wanted` events have come. */
function read(
  client: EventHubConsumerClient,
  partitionId: string,
  startPosition: EventPosition,
  wanted: number,
): Promise<ReceivedEventData[]> {
  const received: ReceivedEventData[] = []
  return new Promise((resolve, reject) => {
    const subscription = client.subscribe(
      partitionId,
      {
        processEvents: async (events) => {
          received.push(...events)
          if (received.length < wanted) return
          resolve(received)
          void subscription.close()
        },
        processError: async (error) => reject(error),
      },
      { startPosition, maxBatchSize: 10, maxWaitTimeInSeconds: 0.05, skipParsingBodyAsJson: false },
    )
  })
}

const numbers = (events: readonly ReceivedEventData[]): number[] => events.map(({ sequenceNumber }) => sequenceNumber)

describe('the official consumer', () => {
  test('receives what was sent, with everything that the service adds', async () => {
    const [first, ...more] = await read(consumer, '1', earliestEventPosition, 5)
    expect(more).toHaveLength(4)
    expect(first).toMatchObject({
      body: 0,
      properties: { i: 0 },
      sequenceNumber: 0,
      offset: '0',
      enqueuedTimeUtc: new Date(start),
    })
  })

  test('starts where it is told: by offset, sequence number and time, inclusive or not', async () => {
    const offset = hub.events('events', '1')[2]?.offset ?? ''
    const time = start + 2000
    const cases: [EventPosition, number[]][] = [
      [{ offset }, [3, 4]],
      [{ offset, isInclusive: true }, [2, 3, 4]],
      [{ sequenceNumber: 1 }, [2, 3, 4]],
      [{ sequenceNumber: 1, isInclusive: true }, [1, 2, 3, 4]],
      [{ enqueuedOn: time }, [3, 4]],
      [{ enqueuedOn: time - 1 }, [2, 3, 4]],
    ]
    // A client reads a partition once at a time, and a group has room for five readers of it.
    const results = await Promise.all(
      cases.map(async ([position, expected], index) => {
        const client = new EventHubConsumerClient(index % 2 ? 'audit' : '$Default', hub.connectionStringFor('events'))
        const events = await read(client, '1', position, expected.length)
        void client.close()
        return numbers(events)
      }),
    )
    expect(results).toEqual(cases.map(([, expected]) => expected))
  })

  test('from the latest position it sees only what comes later, and at once', async () => {
    const live = new EventHubProducerClient(hub.connectionStringFor('live'))
    await live.sendBatch([{ body: 'before' }])
    const reader = new EventHubConsumerClient('$Default', hub.connectionStringFor('live'))
    const received = read(reader, '0', latestEventPosition, 1)
    // The link is there before the event is sent, or this test would prove nothing.
    while (
      !hub.connections.some(({ links }) => links.some(({ address }) => address.startsWith('live/ConsumerGroups')))
    ) {
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
    await live.sendBatch([{ body: 'after' }])
    expect((await received).map(({ body }) => body)).toEqual(['after'])
    void live.close()
    void reader.close()
  })

  test('another consumer group reads on its own; an unknown one does not exist', async () => {
    const audit = new EventHubConsumerClient('audit', hub.connectionStringFor('events'))
    expect(numbers(await read(audit, '1', earliestEventPosition, 5))).toEqual([0, 1, 2, 3, 4])
    const unknown = new EventHubConsumerClient('nobody', hub.connectionStringFor('events'), {
      retryOptions: { maxRetries: 0 },
    })
    await expect(read(unknown, '1', earliestEventPosition, 1)).rejects.toMatchObject({
      code: 'MessagingEntityNotFoundError',
    })
    void audit.close()
    void unknown.close()
  })

  test('with runtime metrics it learns the end of the partition from each event', async () => {
    const reader = new EventHubConsumerClient('$Default', hub.connectionStringFor('events'))
    const known = await new Promise((resolve, reject) => {
      const subscription = reader.subscribe(
        '1',
        {
          processEvents: async (events, context) => {
            if (events.length === 0) return
            void subscription.close()
            resolve(context.lastEnqueuedEventProperties)
          },
          processError: async (error) => reject(error),
        },
        { startPosition: earliestEventPosition, trackLastEnqueuedEventProperties: true, maxWaitTimeInSeconds: 0.05 },
      )
    })
    expect(known).toMatchObject({ sequenceNumber: 4, offset: hub.events('events', '1')[4]?.offset })
    void reader.close()
  })
})
