import { expect, test } from 'vitest'
import { eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app } = await import('@azure/functions')

test.each([undefined, null])(
  'a handler that rejects with %s fails, which the worker alone would take for success',
  async (nothing) => {
    const client = new FakeClient()
    const orders = eventHubOutput({ client: client.asClient() })
    app.storageQueue(`rejects with ${nothing}`, {
      queueName: 'q',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub(orders, (_message, context) => {
        context.extraOutputs.set(orders, 'never')
        return Promise.reject(nothing)
      }),
    })
    const { succeeded, error } = await worker.invoke(`rejects with ${nothing}`, { string: 'm' })
    expect(succeeded).toBe(false)
    expect(error).toBe(`The handler of rejects with ${nothing} threw ${nothing}. Throw an Error that says why.`)
    expect(client.accepted).toEqual([])
  },
)
