import type { InvocationContext } from '@azure/functions'
import { afterAll, beforeEach, expect, test, vi } from 'vitest'
import { eventData, eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { systemClock } from '../../../core/clock.js'
import { type LocalHubEvent, startLocalHub } from '../../../infra/local-hub/index.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app } = await import('@azure/functions')
const hub = await startLocalHub({ eventHubs: { orders: {}, audit: { partitionCount: 1 } } })
vi.stubEnv('OrdersConnection', hub.connectionStringFor('orders'))
vi.stubEnv('AuditConnection', hub.connectionStringFor('audit'))

const orders = eventHubOutput({ connection: 'OrdersConnection' })
const audit = eventHubOutput({ connection: 'AuditConnection' })
const hasty = eventHubOutput({ connection: 'OrdersConnection', timeoutInMs: 400 })

const queue = { queueName: 'q', connection: 'AzureWebJobsStorage' }
const forward = (message: unknown) => message
app.storageQueue('forward', { ...queue, handler: withEventHub({ return: orders }, forward) })

/** Events that were not there when the test began. */
const stored = (name: 'orders' | 'audit') => hub.events(name).filter((event) => !seen.has(idOf(name, event)))
const idOf = (name: string, event: LocalHubEvent) => `${name} ${event.partitionId} ${event.sequenceNumber}`
const seen = new Set<string>()

beforeEach(() => {
  hub.faults.reset()
  for (const name of ['orders', 'audit']) for (const event of hub.events(name)) seen.add(idOf(name, event))
})
afterAll(() => hub.close())

test('the events are in both hubs when the answer goes out, with key, properties and id', async () => {
  app.http('order', {
    handler: withEventHub([orders, audit], async (request, context) => {
      const order = (await request.json()) as { id: number; customer: string }
      const about = { partitionKey: order.customer, properties: { kind: 'new' }, messageId: `m${order.id}` }
      context.extraOutputs.set(orders, eventData({ body: order, ...about }))
      context.extraOutputs.set(audit, `order ${order.id}`)
      return { status: 202 }
    }),
  })
  expect((await worker.fetch('order', { body: '{"id":1,"customer":"device-42"}' })).status).toBe(202)
  const [event, ...others] = stored('orders')
  expect(others).toEqual([])
  // The service's hash puts this key on partition 0 of 4.
  expect(event).toMatchObject({ partitionId: '0', partitionKey: 'device-42', applicationProperties: { kind: 'new' } })
  expect(event?.properties['message-id']).toBe('m1')
  expect(JSON.parse(String(event?.body))).toEqual({ id: 1, customer: 'device-42' })
  expect(stored('audit').map(({ body }) => String(body))).toEqual(['order 1'])
})

test('binary in arrays is in the hub byte for byte', async () => {
  const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
  const notUtf8 = Uint8Array.of(0xc3, 0x28, 0x00, 0xff)
  app.storageQueue('bytes', {
    ...queue,
    handler: withEventHub(audit, (_message, context) => {
      context.extraOutputs.set(audit, [everyByte, notUtf8, 'text', everyByte.subarray(10, 20)])
    }),
  })
  expect(await worker.deliver('bytes', 'm')).toMatchObject({ attempts: 1 })
  expect(stored('audit').map(({ body }) => body)).toEqual([
    everyByte,
    Buffer.from(notUtf8),
    Buffer.from('text'),
    everyByte.subarray(10, 20),
  ])
})

test('a refused event fails the invocation; the message comes again and its event is there once', async () => {
  hub.faults.rejectNext({ condition: 'com.microsoft:argument-error' })
  const delivery = await worker.deliver('forward', '{"id":2}')
  expect(delivery).toMatchObject({ attempts: 2, isPoison: false })
  expect(delivery.errors).toEqual([expect.stringMatching(/^1 of 1 events were not accepted.*refused/)])
  expect(stored('orders').map(({ body }) => String(body))).toEqual(['{"id":2}'])
})

test('a hub that says nothing costs the deadline and no more, and the function does not answer 2xx', async () => {
  app.http('hasty', {
    handler: withEventHub(hasty, (_request, context) => {
      context.extraOutputs.set(hasty, 'x')
      return { status: 202 }
    }),
  })
  hub.faults.silence = true
  const startedAt = performance.now()
  expect((await worker.fetch('hasty')).status).toBe(500)
  expect(performance.now() - startedAt).toBeLessThan(1_500)

  hub.faults.silence = false
  expect((await worker.deliver('forward', 'after')).isPoison).toBe(false)
  expect(stored('orders').map(({ body }) => String(body))).toContain('after')
})

test('50 invocations share one connection, and each fails for its own events only', async () => {
  app.storageQueue('many', {
    ...queue,
    handler: withEventHub(orders, (message: unknown, context: InvocationContext) => {
      const number = Number(message)
      const bad = eventData({ body: `${number} bad`, partitionId: '99' })
      context.extraOutputs.set(orders, [`${number} good`, ...(number % 3 === 0 ? [bad] : [])])
    }),
  })
  const invoke = (number: number) => worker.invoke('many', { string: String(number) })
  const responses = await Promise.all(Array.from({ length: 50 }, (_, number) => invoke(number)))
  for (const [number, response] of responses.entries()) {
    expect(response.succeeded).toBe(number % 3 !== 0)
    if (!response.succeeded) expect(response.error).toMatch(/^1 of 2 events were not accepted/)
  }
  const bodies = stored('orders').map(({ body }) => String(body))
  expect(bodies.sort()).toEqual(Array.from({ length: 50 }, (_, number) => `${number} good`).sort())
  const toOrders = hub.connections.filter(({ links }) => links.some(({ address }) => address.startsWith('orders')))
  expect(toOrders).toHaveLength(1)
})

test('a socket that died while the worker idled costs about a second, and no event', async () => {
  vi.stubEnv('IdleConnection', hub.connectionStringFor('audit'))
  // The process stood still: real time went on by five minutes, which only the wall's clock shows.
  let frozenForInMs = 0
  const clock = { ...systemClock, wallNow: () => systemClock.wallNow() + frozenForInMs }
  const idle = eventHubOutput({ connection: 'IdleConnection', clientOptions: { clock } })
  app.storageQueue('idle', { ...queue, handler: withEventHub({ return: idle }, forward) })
  expect((await worker.deliver('idle', 'before')).attempts).toBe(1)
  hub.faults.silenceOpenConnections()
  frozenForInMs = 5 * 60_000
  const startedAt = performance.now()
  expect((await worker.deliver('idle', 'after')).attempts).toBe(1)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect(stored('audit').map(({ body }) => String(body))).toEqual(['before', 'after'])
})

test('when the host ends the worker, no connection stays open', async () => {
  expect((await worker.deliver('forward', 'last')).isPoison).toBe(false)
  await vi.dynamicImportSettled()
  await worker.terminate()
  await vi.waitFor(() => expect(hub.connections).toEqual([]))
})
