import { expect, test } from 'vitest'
import { eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app } = await import('@azure/functions')

const client = new FakeClient()
const orders = eventHubOutput({ client: client.asClient(), name: 'orders' })
const queue = { queueName: 'q', connection: 'AzureWebJobsStorage' }

app.hook.postInvocation(({ invocationContext }) => {
  if (invocationContext.functionName !== 'plain') invocationContext.extraOutputs.set(orders, 'late')
})

test('what a hook sets after the handler fails the invocation, since nothing would send it', async () => {
  app.storageQueue('hooked', {
    ...queue,
    handler: withEventHub(orders, (_message, context) => context.extraOutputs.set(orders, 'in time')),
  })
  const { succeeded, error } = await worker.invoke('hooked', { string: 'm' })
  expect(succeeded).toBe(false)
  expect(error).toMatch(/"orders" was set after the handler of hooked had ended/)
  expect(client.bodies).toEqual(['in time'])
})

test('an invocation without such a hook succeeds, and an error of the handler stays that error', async () => {
  app.storageQueue('plain', { ...queue, handler: withEventHub(orders, () => 'done') })
  app.storageQueue('throws', {
    ...queue,
    handler: withEventHub(orders, () => {
      throw new Error('mine')
    }),
  })
  expect((await worker.invoke('plain', { string: 'm' })).succeeded).toBe(true)
  expect((await worker.invoke('throws', { string: 'm' })).error).toBe('mine')
})
