import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

// What the official consumer has received, sent on as it is.

let hub: LocalHub
let received: ReceivedEventData

beforeAll(async () => {
  hub = await startLocalHub({ eventHubs: { source: { partitionCount: 1 }, sink: { partitionCount: 1 } } })
  await using source = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('source'))
  await source.sendEvent(
    {
      body: Buffer.from('{"order":7}'),
      bodyType: 'data',
      properties: { contentType: 'application/json', messageId: 'm-7', correlationId: 'c', subject: 'an order' },
      applicationProperties: { tenant: 'blue' },
      messageAnnotations: { 'x-opt-own': 'kept' },
    },
    { partitionKey: 'customer-7' },
  )
  received = await firstEvent('source')
})

afterAll(() => hub.close())

async function firstEvent(eventHubName: string): Promise<ReceivedEventData> {
  const consumer = new EventHubConsumerClient('$Default', hub.connectionStringFor(eventHubName))
  const event = await new Promise<ReceivedEventData>((resolve, reject) => {
    consumer.subscribe(
      { processEvents: async ([first]) => first && resolve(first), processError: async (error) => reject(error) },
      { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1 },
    )
  })
  // Its close takes seconds; the hub's own close ends it, and nothing here waits for it.
  void consumer.close().catch(() => {})
  return event
}

test('a received event is an event: its content goes on, what the service told of it does not', async () => {
  // The fields that make it one: without them this test would prove nothing.
  expect(received).toMatchObject({ sequenceNumber: 0, partitionKey: 'customer-7', systemProperties: {} })
  await using sink = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('sink'))
  await sink.sendEvent(received)
  const [sent] = hub.events('sink').slice(-1)
  expect(sent).toMatchObject({
    partitionKey: undefined,
    properties: { 'message-id': 'm-7', 'correlation-id': 'c', 'content-type': 'application/json' },
    applicationProperties: { tenant: 'blue' },
    messageAnnotations: {},
  })
  expect(JSON.parse(String(sent?.body))).toEqual({ order: 7 })
})

test('its key goes on where it is passed on', async () => {
  await using sink = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('sink'))
  const invocation = sink.beginInvocation()
  void invocation.sendEvent(received, { partitionKey: received.partitionKey ?? undefined })
  expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
  expect(hub.events('sink').at(-1)?.partitionKey).toBe('customer-7')
})

test('its raw message goes on with every section', async () => {
  await using sink = EventHubProducerClient.fromConnectionString(hub.connectionStringFor('sink'))
  await sink.sendEvent(received.getRawAmqpMessage())
  expect(hub.events('sink').at(-1)).toMatchObject({
    properties: { 'message-id': 'm-7', subject: 'an order' },
    applicationProperties: { tenant: 'blue' },
    messageAnnotations: { 'x-opt-own': 'kept' },
  })
})
