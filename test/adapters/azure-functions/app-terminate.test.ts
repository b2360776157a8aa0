import { afterEach, expect, test, vi } from 'vitest'
import { eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const connectionString = 'Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=c2VjcmV0'

const worker = startWorker()

afterEach(() => vi.restoreAllMocks())

/** A transport that is never used but closed. */
function transportThatCloses(close: () => Promise<void>): EventHubProducerClientOptions {
  return { transportType: { close, send: () => {} } as never }
}

test('when the host ends the worker, every shared client is closed, and a client of the user’s is not', async () => {
  const warn = vi.spyOn(console, 'warn')
  const closed: string[] = []
  for (const name of ['orders', 'invoices']) {
    const close = async () => {
      closed.push(name)
      // One that fails must not keep the others from closing.
      if (name === 'orders') throw new Error('cannot close')
    }
    eventHubOutput({ connectionString, eventHubName: name, clientOptions: transportThatCloses(close) })
  }
  const own = new FakeClient()
  const close = vi.fn()
  eventHubOutput({ client: Object.assign(own, { close }).asClient() })
  await vi.dynamicImportSettled()

  await worker.terminate()
  expect(closed.sort()).toEqual(['invoices', 'orders'])
  expect(close).not.toHaveBeenCalled()
  await worker.terminate()
  expect(closed).toHaveLength(2)
  expect(warn).not.toHaveBeenCalled()
})

test('hooks of the user’s run around the wrapped handler', async () => {
  const { app } = await import('@azure/functions')
  const client = new FakeClient()
  const output = eventHubOutput({ client: client.asClient() })
  app.hook.preInvocation((context) => {
    const { functionHandler } = context
    context.inputs = ['from the hook']
    context.functionHandler = async (...args) => {
      const result: unknown = await functionHandler(...args)
      // Everything is accepted when the wrapped handler is done.
      worker.steps.push(`accepted ${client.accepted.length}`)
      return result
    }
  })
  app.storageQueue('hooked', {
    queueName: 'q',
    connection: 'c',
    handler: withEventHub({ return: output }, (message) => message),
  })
  expect((await worker.invoke('hooked', { string: 'original' })).succeeded).toBe(true)
  expect(client.bodies).toEqual(['from the hook'])
  expect(worker.steps).toContain('accepted 1')
})
