import { InvocationContext } from '@azure/functions'
import { describe, expect, test } from 'vitest'
import { eventData, eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'

const newContext = () => new InvocationContext({ functionName: 'f', logHandler: () => {} })

function outputTo(client: FakeClient, options: { name?: string; partitionKey?: string; timeoutInMs?: number } = {}) {
  return eventHubOutput({ client: client.asClient(), ...options })
}

describe('the hub in the handler’s hands', () => {
  test('flush sends what was set so far, and what it reports does not fail the invocation', async () => {
    const client = new FakeClient(({ event }) => (event.body === 'bad' ? 'refused' : undefined))
    const orders = outputTo(client)
    const handler = withEventHub(orders, async (_input: unknown, context) => {
      context.extraOutputs.set(orders, ['good', 'bad'])
      const { accepted, failures } = await orders.for(context).flush()
      context.extraOutputs.set(orders, 'after')
      return { accepted, failed: failures.map(({ index }) => index) }
    })
    expect(await handler(undefined, newContext())).toEqual({ accepted: 1, failed: [1] })
    expect(client.bodies).toEqual(['good', 'after'])
  })

  test('a failure after the last flush still fails the invocation', async () => {
    const client = new FakeClient(({ event }) => (event.body === 'bad' ? 'returned' : undefined))
    const orders = outputTo(client)
    const handler = withEventHub(orders, async (_input: unknown, context) => {
      const hub = orders.for(context)
      hub.send('good')
      await hub.flush()
      await hub.send('bad')
    })
    await expect(handler(undefined, newContext())).rejects.toThrow(/1 of 1 events were not accepted/)
  })

  test('a flush that the handler does not await hides no failure', async () => {
    const client = new FakeClient(({ event }) => (event.body === 'bad' ? 'refused' : undefined))
    const orders = outputTo(client)
    const handler = withEventHub(orders, (_input: unknown, context) => {
      orders.for(context).send(['good', 'bad'])
      void orders.for(context).flush()
      return 'done'
    })
    await expect(handler(undefined, newContext())).rejects.toThrow(/1 of 2 events were not accepted/)
  })

  test('nor does it end the worker for a value that cannot be an event', async () => {
    const unhandled: unknown[] = []
    const listener = (reason: unknown) => unhandled.push(reason)
    process.on('unhandledRejection', listener)
    const orders = outputTo(new FakeClient())
    const handler = withEventHub(orders, async (_input: unknown, context) => {
      context.extraOutputs.set(orders, Promise.resolve('forgotten await'))
      void orders.for(context).flush()
      await new Promise(setImmediate)
    })
    await expect(handler(undefined, newContext())).rejects.toThrow(/Promise/)
    process.off('unhandledRejection', listener)
    expect(unhandled).toEqual([])
  })

  test('a routing that gives nothing leaves the output’s own key', async () => {
    const client = new FakeClient()
    const orders = outputTo(client, { partitionKey: 'shared' })
    await withEventHub(orders, (_input: unknown, context) => {
      orders.for(context).send('a', {})
      orders.for(context).send('b', { partitionKey: undefined })
      orders.for(context).send('c', { partitionId: '1' })
    })(undefined, newContext())
    expect(client.accepted.map(({ options }) => options)).toEqual([
      { partitionKey: 'shared' },
      { partitionKey: 'shared' },
      { partitionId: '1' },
    ])
  })

  test('send takes every event at the call, with the routing given there', async () => {
    const client = new FakeClient()
    const orders = outputTo(client, { partitionKey: 'shared' })
    await withEventHub(orders, (_input: unknown, context) => {
      orders.for(context).send(['a', eventData({ body: 'b', partitionId: '1' })], { partitionKey: 'k' })
      orders.for(context).send('c')
      expect(client.invocations[0]?.sent).toHaveLength(3)
    })(undefined, newContext())
    expect(client.accepted.map(({ options }) => options)).toEqual([
      { partitionKey: 'k' },
      { partitionId: '1' },
      { partitionKey: 'shared' },
    ])
  })

  test('send refuses at the call what no event can carry', async () => {
    const orders = outputTo(new FakeClient())
    const handler = withEventHub(orders, (_input: unknown, context) => {
      orders.for(context).send(Promise.resolve('x'))
    })
    await expect(handler(undefined, newContext())).rejects.toThrow(/Promise/)
  })

  test('deadline and remaining time are those of the invocation', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    await withEventHub(orders, (_input: unknown, context) => {
      expect(orders.for(context).remainingTimeInMs).toBe(1234)
      expect(orders.for(context).signal).toBe(client.invocations[0]?.signal)
    })(undefined, newContext())
  })

  test('an unwrapped function and a finished invocation are told what is wrong', async () => {
    const orders = outputTo(new FakeClient(), { name: 'orders' })
    const context = newContext()
    expect(() => orders.for(context)).toThrow(/"orders" is not open in this invocation\. Wrap the handler/)
    let hub = undefined as ReturnType<typeof orders.for> | undefined
    await withEventHub(orders, (_input: unknown, context) => {
      hub = orders.for(context)
    })(undefined, context)
    expect(() => orders.for(context)).toThrow(/not open/)
    await expect(hub?.send('late')).rejects.toMatchObject({ code: 'invocation-ended' })
  })
})
