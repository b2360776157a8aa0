import type { EventGridEvent } from '@azure/functions'
import { afterAll, expect, test } from 'vitest'
import {
  eventData,
  eventHubOutput,
  withEventHub,
  withEventHubOutputs,
} from '../../../adapters/azure-functions/index.js'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app: functions } = await import('@azure/functions')
const app = withEventHubOutputs(functions)
const hub = await startLocalHub({ eventHubs: { grid: {}, many: {}, bytes: {}, durable: {} } })
const outputTo = (eventHubName: string) => eventHubOutput({ connectionString: hub.connectionString, eventHubName })

afterAll(async () => {
  await worker.terminate()
  await hub.close()
})

test('Event Grid: the event is in the hub before Event Grid is told', async () => {
  const grid = outputTo('grid')
  app.eventGrid('grid', {
    extraOutputs: [grid],
    handler: (event: EventGridEvent, context) => {
      context.extraOutputs.set(grid, eventData({ body: event.data, messageId: event.id, partitionKey: event.subject }))
    },
  })
  const event = { id: 'g-1', subject: 'device-42', eventType: 't', data: { temperature: 21 } }
  hub.faults.rejectNext({ condition: 'com.microsoft:argument-error' })
  const invoke = () => worker.invoke('grid', { json: JSON.stringify(event) })
  expect((await invoke()).error).toMatch(/^1 of 1 events were not accepted/)
  expect((await invoke()).succeeded).toBe(true)
  expect(
    hub
      .events('grid')
      .map(({ partitionKey, properties, body }) => [partitionKey, properties['message-id'], String(body)]),
  ).toEqual([['device-42', 'g-1', '{"temperature":21}']])
})

test('Event Hubs, many at once: each event of the batch goes on, and one that fails fails the batch', async () => {
  const many = outputTo('many')
  functions.eventHub('many', {
    connection: 'EventHubConnection',
    eventHubName: 'in',
    cardinality: 'many',
    handler: withEventHub({ return: many }, (messages: unknown) =>
      (messages as { device: string }[]).map((body) => eventData({ body, partitionKey: body.device })),
    ),
  })
  const messages = Array.from({ length: 100 }, (_, number) => ({ device: `device-${number % 7}`, number }))
  const data = { collectionString: { string: messages.map((message) => JSON.stringify(message)) } }
  expect((await worker.invoke('many', data)).succeeded).toBe(true)
  const numbersOf = (key: string) =>
    hub.events('many').flatMap(({ partitionKey, body }) => {
      const { number } = JSON.parse(String(body)) as { number: number }
      return partitionKey === key ? [number] : []
    })
  for (let device = 0; device < 7; device++) {
    const expected = messages.flatMap(({ number }) => (number % 7 === device ? [number] : []))
    expect(numbersOf(`device-${device}`)).toEqual(expected)
  }

  hub.faults.rejectNext({ condition: 'com.microsoft:argument-error' })
  expect((await worker.invoke('many', data)).error).toMatch(/of 100 events were not accepted.*refused/)
})

test('Event Hubs, many at once as bytes: they go on byte for byte', async () => {
  functions.eventHub('bytes', {
    connection: 'EventHubConnection',
    eventHubName: 'in',
    cardinality: 'many',
    handler: withEventHub({ return: outputTo('bytes') }, (messages) => messages),
  })
  const bytes = [Buffer.from([0xff, 0x00]), Buffer.from([0xc3, 0x28])]
  expect((await worker.invoke('bytes', { collectionBytes: { bytes } })).succeeded).toBe(true)
  expect(hub.events('bytes').map(({ body }) => body)).toEqual(expect.arrayContaining(bytes))
  expect(hub.events('bytes')).toHaveLength(2)
})

// durable-functions registers an activity as this: app.generic with its trigger and the handler as it is.
test('a Durable Functions activity sends, and its result goes back to the orchestration', async () => {
  const durable = outputTo('durable')
  app.generic('send', {
    trigger: { type: 'activityTrigger', name: 'activityInput' },
    extraOutputs: [durable],
    handler: (order: { id: number }, context) => {
      context.extraOutputs.set(durable, eventData({ body: order, partitionKey: 'k' }))
      return { sent: order.id }
    },
  })
  const response = await worker.invoke('send', { string: '{"id":7}' })
  expect(response).toMatchObject({ succeeded: true, returnValue: { json: '{"sent":7}' } })
  expect(hub.events('durable').map(({ body }) => String(body))).toEqual(['{"id":7}'])
  hub.faults.rejectNext({ condition: 'com.microsoft:argument-error' })
  expect((await worker.invoke('send', { string: '{"id":8}' })).error).toMatch(/not accepted/)
})
