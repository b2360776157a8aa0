import type { HttpRequest, InvocationContext, Timer } from '@azure/functions'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventData, eventHubOutput, withEventHub } from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const { app } = await import('@azure/functions')

const outputTo = (client: FakeClient, name?: string) =>
  eventHubOutput({ client: client.asClient(), ...(name === undefined ? {} : { name }) })

describe('HTTP', () => {
  const client = new FakeClient()
  const orders = outputTo(client)

  beforeAll(() => {
    app.http('order', {
      methods: ['POST'],
      authLevel: 'function',
      // No annotation: the types of request and context come from the registration.
      handler: withEventHub(orders, async (request, context) => {
        context.extraOutputs.set(orders, await request.json())
        return { status: 202, jsonBody: { id: context.invocationId } }
      }),
    })
  })

  test('the response goes out when the events have been accepted, after the post-invocation hooks', async () => {
    let accept = () => {}
    client.script = () =>
      new Promise((resolve) => {
        accept = () => {
          worker.steps.push('accepted')
          resolve(undefined)
        }
        worker.steps.push('asked')
        queueMicrotask(() => queueMicrotask(accept))
      })
    worker.steps.length = 0
    const answer = await worker.fetch('order', { body: '{"id":1}' })
    expect(worker.steps).toEqual([
      'order: handler',
      'asked',
      'accepted',
      'order: post hooks',
      'order: outputs',
      'order: response',
    ])
    expect(answer.status).toBe(202)
    expect(JSON.parse(answer.body)).toEqual({ id: expect.stringMatching(/^invocation-/) })
    expect(client.bodies).toEqual([{ id: 1 }])
  })

  test('events that are not accepted make it a 500, not a 202', async () => {
    client.script = () => 'refused'
    expect(await worker.fetch('order', { body: '{"id":2}' })).toEqual({ status: 500, body: '' })
    expect(client.bodies).toEqual([{ id: 1 }])
  })

  test('the host never sees the output', () => {
    const types = Object.values(worker.bindings('order')).map(({ type, direction }) => `${direction} ${type}`)
    expect(types).toEqual(['in httpTrigger', 'out http'])
    expect(() => worker.index()).not.toThrow()
  })
})

describe('queue', () => {
  test('a message is done when its events are accepted; until then it is delivered again', async () => {
    const client = new FakeClient()
    app.storageQueue('forward', {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub({ return: outputTo(client) }, (message) => message),
    })
    const outcomes = ['unknown', 'returned', undefined] as const
    let attempt = 0
    client.script = () => outcomes[attempt++]

    const delivery = await worker.deliver('forward', '{"id":7}')
    expect(delivery).toMatchObject({ attempts: 3, isPoison: false })
    expect(delivery.errors).toEqual([expect.stringContaining('unknown'), expect.stringContaining('returned')])
    expect(client.bodies).toEqual([{ id: 7 }])
    expect(Object.values(worker.bindings('forward')).map(({ type }) => type)).toEqual(['queueTrigger'])
  })

  test('a message whose events never are accepted becomes poison, and is not lost', async () => {
    const client = new FakeClient(() => 'refused')
    app.storageQueue('never', {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub({ return: outputTo(client) }, (message) => message),
    })
    expect(await worker.deliver('never', 'text')).toMatchObject({ attempts: 5, isPoison: true })
    expect(client.invocations).toHaveLength(5)
    expect(client.invocations.every(({ isEnded }) => isEnded)).toBe(true)
  })

  test('what the handler threw reaches the host as it was thrown', async () => {
    const client = new FakeClient()
    const output = outputTo(client)
    app.storageQueue('throws', {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub(output, (_message, context) => {
        context.extraOutputs.set(output, 'never')
        throw new Error('mine')
      }),
    })
    expect((await worker.deliver('throws', 'x')).errors).toEqual(Array(5).fill('mine'))
    expect(client.accepted).toEqual([])
  })

  test('beside the host’s own outputs, each gets its own values', async () => {
    const client = new FakeClient()
    const events = outputTo(client, 'events')
    const { output } = await import('@azure/functions')
    const copies = output.generic({
      type: 'queue',
      queueName: 'copies',
      connection: 'AzureWebJobsStorage',
      name: 'copies',
    })
    app.storageQueue('both', {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      extraOutputs: [copies],
      handler: withEventHub(events, (message, context) => {
        context.extraOutputs.set(events, eventData({ body: message, partitionKey: 'k' }))
        context.extraOutputs.set(copies, 'a copy')
        return 'ignored'
      }),
    })
    const response = await worker.invoke('both', { string: 'm' })
    expect(response).toMatchObject({ succeeded: true, outputData: [{ name: 'copies', data: { string: 'a copy' } }] })
    expect(client.accepted).toEqual([{ event: { body: 'm' }, options: { partitionKey: 'k' } }])
  })

  test('binary in arrays reaches the client byte for byte', async () => {
    const client = new FakeClient()
    const output = outputTo(client)
    const everyByte = Buffer.from(Array.from({ length: 256 }, (_, i) => i))
    app.storageQueue('bytes', {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub(output, (_message, context) => {
        context.extraOutputs.set(output, [everyByte, new Uint8Array([0xc3, 0x28]), everyByte.subarray(10, 20)])
      }),
    })
    expect((await worker.invoke('bytes', { string: 'm' })).succeeded).toBe(true)
    expect(client.bodies).toEqual([everyByte, new Uint8Array([0xc3, 0x28]), everyByte.subarray(10, 20)])
  })
})

test('a timer function works as well', async () => {
  const client = new FakeClient()
  const output = outputTo(client)
  app.timer('tick', {
    schedule: '0 */5 * * * *',
    handler: withEventHub(output, async (timer: Timer, context: InvocationContext) => {
      context.extraOutputs.set(output, { isPastDue: timer.isPastDue })
      await output.for(context).flush()
    }),
  })
  expect((await worker.invoke('tick', { json: '{"IsPastDue":true}' })).succeeded).toBe(true)
  expect(client.bodies).toEqual([{ isPastDue: true }])
})

test('a handler that takes the outcome decides the answer', async () => {
  const client = new FakeClient(({ event }) => (event.body === 'bad' ? 'refused' : undefined))
  const output = outputTo(client)
  app.http('outcome', {
    handler: withEventHub(output, async (_request: HttpRequest, context) => {
      const hub = output.for(context)
      hub.send(['good', 'bad'])
      const { accepted, failures } = await hub.flush()
      return { status: 207, jsonBody: { accepted, failed: failures.length } }
    }),
  })
  expect(await worker.fetch('outcome')).toEqual({ status: 207, body: '{"accepted":1,"failed":1}' })
})

describe('concurrent invocations over one client', () => {
  test.each([2, 20])('%i at once: each fails for its own events only', async (count) => {
    let waiting = 0
    let release = () => {}
    const allWait = new Promise<void>((resolve) => {
      release = resolve
    })
    const client = new FakeClient(async ({ event }) => {
      // No flush finishes before the events of every invocation are under way.
      if (++waiting === count * 2) release()
      await allWait
      return String(event.body).endsWith('bad') ? 'refused' : undefined
    })
    const output = outputTo(client)
    app.storageQueue(`concurrent${count}`, {
      queueName: 'orders',
      connection: 'AzureWebJobsStorage',
      handler: withEventHub(output, (message, context) => {
        const number = Number(message)
        context.extraOutputs.set(output, [`${number}`, number % 3 === 0 ? `${number}-bad` : `${number}-good`])
      }),
    })

    const responses = await Promise.all(
      Array.from({ length: count }, (_, number) => worker.invoke(`concurrent${count}`, { string: String(number) })),
    )
    for (const [number, response] of responses.entries()) {
      expect(response.succeeded).toBe(number % 3 !== 0)
      if (!response.succeeded) expect(response.error).toMatch(/^1 of 2 events were not accepted/)
    }
    expect(client.invocations).toHaveLength(count)
    expect(client.accepted).toHaveLength(count * 2 - Math.ceil(count / 3))
  })
})

describe('an output in the function’s own options', () => {
  test.each(['extraOutputs', 'return'])(
    'under %s is refused at registration, by name, before the host sees it',
    (where) => {
      const output = outputTo(new FakeClient(), 'orders')
      const register = () =>
        app.storageQueue('wrong', {
          queueName: 'orders',
          connection: 'AzureWebJobsStorage',
          [where]: where === 'return' ? output : [output],
          handler: () => {},
        })
      expect(register).toThrow(
        /host does not know the output "orders".*Leave it out of the extraOutputs and return.*register a wrapped handler.*withEventHub\(output, handler\)/,
      )
      expect(() => worker.bindings('wrong')).toThrow(/not loaded/)
    },
  )
})
