import { expect, test, vi } from 'vitest'
import { eventHubOutput, withEventHubOutputs } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app: functions, output } = await import('@azure/functions')
const app = withEventHubOutputs(functions)

const outputTo = (client: FakeClient) => eventHubOutput({ client: client.asClient() })
const types = (name: string) => Object.values(worker.bindings(name)).map(({ type }) => type)

test('extraOutputs takes ours beside the host’s own, and the host sees only its own', async () => {
  const client = new FakeClient()
  const orders = outputTo(client)
  const copies = output.storageQueue({ queueName: 'copies', connection: 'AzureWebJobsStorage' })
  app.http('order', {
    methods: ['POST'],
    extraOutputs: [orders, copies],
    handler: async (request, context) => {
      const order = await request.json()
      context.extraOutputs.set(orders, [order, Buffer.from([0xff])])
      context.extraOutputs.set(copies, 'a copy')
      return { status: 202 }
    },
  })
  expect(types('order')).toEqual(['httpTrigger', 'http', 'queue'])
  expect(() => worker.index()).not.toThrow()
  expect((await worker.fetch('order', { body: '{"id":1}' })).status).toBe(202)
  expect(client.bodies).toEqual([{ id: 1 }, Buffer.from([0xff])])
})

test('return takes ours: the result is its event', async () => {
  const client = new FakeClient()
  app.storageQueue('forward', {
    queueName: 'q',
    connection: 'AzureWebJobsStorage',
    return: outputTo(client),
    handler: (message) => message,
  })
  expect(types('forward')).toEqual(['queueTrigger'])
  expect(await worker.deliver('forward', '{"id":2}')).toMatchObject({ attempts: 1 })
  expect(client.bodies).toEqual([{ id: 2 }])
})

test('an event that is not accepted fails the invocation, as with withEventHub', async () => {
  const client = new FakeClient(() => 'refused')
  const events = outputTo(client)
  app.post('refused', {
    extraOutputs: [events],
    handler: (_request, context) => {
      context.extraOutputs.set(events, 'x')
      return { status: 202 }
    },
  })
  expect((await worker.fetch('refused')).status).toBe(500)
})

test('registrations without ours go on untouched, also those that are a handler alone', async () => {
  const copies = output.storageQueue({ queueName: 'copies', connection: 'AzureWebJobsStorage' })
  const options = { schedule: '0 0 * * * *', return: copies, handler: () => 'tick' }
  const timer = vi.fn()
  withEventHubOutputs({ timer }).timer('t', options)
  expect(timer.mock.calls).toEqual([['t', options]])
  expect(timer.mock.calls[0]?.[1]).toBe(options)
  app.get('plain', () => ({ status: 204 }))
  expect((await worker.fetch('plain')).status).toBe(204)
})

test('hooks register as before, and the given app is not changed', async () => {
  const before = functions.http
  const seen: string[] = []
  app.hook.postInvocation(({ invocationContext }) => {
    seen.push(invocationContext.functionName)
  })
  await worker.deliver('forward', '"x"')
  expect(seen).toEqual(['forward'])
  expect(functions.http).toBe(before)
  expect(app.http).not.toBe(before)
})

test('what is not an app is refused', () => {
  expect(() => withEventHubOutputs(undefined as never)).toThrow(
    /needs the app of @azure\/functions; received undefined/,
  )
})
