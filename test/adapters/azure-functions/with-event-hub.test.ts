import { InvocationContext } from '@azure/functions'
import { describe, expect, test } from 'vitest'
import {
  EventsNotAcceptedError,
  eventData,
  eventHubOutput,
  withEventHub,
} from '../../../adapters/azure-functions/index.js'
import { FakeClient } from './fake-client.js'

const newContext = () => new InvocationContext({ functionName: 'f', logHandler: () => {} })

function outputTo(client: FakeClient, options: { name?: string; partitionKey?: string; timeoutInMs?: number } = {}) {
  return eventHubOutput({ client: client.asClient(), ...options })
}

describe('outputs', () => {
  test('what the handler set is accepted before the invocation ends, and its result is passed on', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    const handler = withEventHub(orders, (input: { id: number }, context: InvocationContext) => {
      context.extraOutputs.set(orders, [input, 'text', Buffer.from([0xff])])
      return { status: 202 }
    })
    expect(await handler({ id: 1 }, newContext())).toEqual({ status: 202 })
    expect(client.bodies).toEqual([{ id: 1 }, 'text', Buffer.from([0xff])])
    expect(client.invocations.map(({ isEnded }) => isEnded)).toEqual([true])
  })

  test('setting twice replaces, as with the host', async () => {
    const client = new FakeClient()
    const orders = outputTo(client, { name: 'orders' })
    await withEventHub(orders, (_input: unknown, context) => {
      context.extraOutputs.set(orders, 'first')
      context.extraOutputs.set('orders', 'second')
    })(undefined, newContext())
    expect(client.bodies).toEqual(['second'])
  })

  test('nothing set sends nothing, and the invocation still begins and ends', async () => {
    const client = new FakeClient()
    await withEventHub(outputTo(client), () => 'done')(undefined, newContext())
    expect(client.accepted).toEqual([])
    expect(client.invocations).toHaveLength(1)
    expect(client.invocations[0]?.isEnded).toBe(true)
  })

  test('keys, partitions and the output’s own key reach the client', async () => {
    const client = new FakeClient()
    const orders = outputTo(client, { partitionKey: 'shared' })
    await withEventHub(orders, (_input: unknown, context) => {
      context.extraOutputs.set(orders, ['a', eventData({ body: 'b', partitionKey: 'own', properties: { n: 1 } })])
    })(undefined, newContext())
    expect(client.accepted).toEqual([
      { event: { body: 'a' }, options: { partitionKey: 'shared' } },
      { event: { body: 'b', properties: { n: 1 } }, options: { partitionKey: 'own' } },
    ])
  })

  test('the invocation has 30 seconds unless the output says otherwise', async () => {
    const client = new FakeClient()
    await withEventHub(outputTo(client), () => 1)(undefined, newContext())
    await withEventHub(outputTo(client, { timeoutInMs: 5000 }), () => 1)(undefined, newContext())
    expect(client.invocations.map(({ options }) => options.timeoutInMs)).toEqual([30_000, 5000])
  })

  test('return: the output takes the result and the host gets none', async () => {
    const client = new FakeClient()
    const handler = withEventHub({ return: outputTo(client) }, async (message: unknown) => [message, 'more'])
    expect(await handler({ id: 1 }, newContext())).toBeUndefined()
    expect(client.bodies).toEqual([{ id: 1 }, 'more'])
  })

  test('an output for both sends what was set, then the result', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    const handler = withEventHub({ extraOutputs: [orders], return: orders }, (_input: unknown, context) => {
      context.extraOutputs.set(orders, 'set')
      return 'returned'
    })
    await handler(undefined, newContext())
    expect(client.bodies).toEqual(['set', 'returned'])
    expect(client.invocations).toHaveLength(1)
  })

  test('a trigger without input still finds the context', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    const handler = withEventHub(orders, (...args: unknown[]) => {
      ;(args.at(-1) as InvocationContext).extraOutputs.set(orders, args.length)
    })
    await (handler as unknown as (context: InvocationContext) => Promise<void>)(newContext())
    expect(client.bodies).toEqual([1])
  })
})

describe('failures', () => {
  test('an event that is not accepted fails the invocation with the list of what failed', async () => {
    const client = new FakeClient(({ event }) => (event.body === 'bad' ? 'refused' : undefined))
    const orders = outputTo(client)
    const handler = withEventHub(orders, (_input: unknown, context) => {
      context.extraOutputs.set(orders, ['good', 'bad', 'fine'])
      return 'answer'
    })
    const logs: unknown[] = []
    const context = new InvocationContext({ logHandler: (...line) => logs.push(line) })
    const error = await handler(undefined, context).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(EventsNotAcceptedError)
    // The host logs the error of a failed invocation; once is enough.
    expect(logs).toEqual([])
    expect((error as EventsNotAcceptedError).failures).toMatchObject([
      { index: 1, event: { body: 'bad' }, outcome: 'refused' },
    ])
    expect(client.bodies).toEqual(['good', 'fine'])
  })

  test('an event that is refused at the call fails the invocation as well', async () => {
    const client = new FakeClient()
    client.rejectsAtOnce = ({ event }) => event.body === 'huge'
    const handler = withEventHub({ return: outputTo(client) }, () => ['small', 'huge'])
    await expect(handler(undefined, newContext())).rejects.toThrow(/1 of 2 events were not accepted/)
    expect(client.bodies).toEqual(['small'])
  })

  test('an error of the handler stays that error, and nothing that was set is sent', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    const own = new RangeError('mine')
    const handler = withEventHub(orders, (_input: unknown, context) => {
      context.extraOutputs.set(orders, 'never')
      throw own
    })
    await expect(handler(undefined, newContext())).rejects.toBe(own)
    expect(client.invocations[0]?.sent).toEqual([])
    expect(client.invocations[0]?.isEnded).toBe(true)
  })

  test('what was sent through the hub before the handler threw is awaited, and its failures are logged', async () => {
    const client = new FakeClient(({ event }) => (event.body === 'lost' ? 'unknown' : undefined))
    const orders = outputTo(client)
    const logs: unknown[] = []
    const context = new InvocationContext({
      functionName: 'f',
      logHandler: (level, message) => logs.push([level, message]),
    })
    const handler = withEventHub(orders, (_input: unknown, context) => {
      orders.for(context).send(['kept', 'lost'])
      throw new RangeError('mine')
    })
    await expect(handler(undefined, context)).rejects.toThrow(RangeError)
    expect(client.bodies).toEqual(['kept'])
    expect(logs).toEqual([['warning', expect.stringMatching(/1 of 2 events were not accepted.*unknown/)]])
  })

  test('a value that cannot be an event stops all of them', async () => {
    const client = new FakeClient()
    const [a, b] = [outputTo(client, { name: 'a' }), outputTo(client, { name: 'b' })]
    const handler = withEventHub([a, b], (_input: unknown, context) => {
      context.extraOutputs.set(a, 'fine')
      context.extraOutputs.set(b, Promise.resolve('forgotten await'))
    })
    await expect(handler(undefined, newContext())).rejects.toThrow(/Promise/)
    expect(client.invocations.map(({ sent, isEnded }) => [sent.length, isEnded])).toEqual([
      [0, true],
      [0, true],
    ])
  })

  test('two outputs flush side by side, and one error lists the failures of both', async () => {
    const waiting: string[] = []
    let release = () => {}
    const both = new Promise<void>((resolve) => {
      release = resolve
    })
    const client = new FakeClient(async ({ event }) => {
      waiting.push(String(event.body))
      // Neither flush can finish before the other one has begun.
      if (waiting.length === 2) release()
      await both
      return 'returned' as const
    })
    const [a, b] = [outputTo(client, { name: 'a' }), outputTo(client, { name: 'b' })]
    const handler = withEventHub({ extraOutputs: [a], return: b }, (_input: unknown, context) => {
      context.extraOutputs.set(a, 'to a')
      return 'to b'
    })
    const error = await handler(undefined, newContext()).catch((error: unknown) => error)
    expect((error as EventsNotAcceptedError).failures.map(({ event }) => event.body)).toEqual(['to a', 'to b'])
    expect((error as Error).message).toMatch(/^2 of 2 events/)
  })
})

describe('mistakes', () => {
  test('what is not an output or a handler is refused when the function is registered', () => {
    const orders = outputTo(new FakeClient())
    const handler = () => 1
    for (const wrong of [
      undefined,
      'orders',
      {},
      [],
      [{}],
      { extraOutputs: 'x' },
      { outputs: [orders] },
      { type: 'eventHub', name: 'x' },
      [null],
      [undefined],
    ]) {
      expect(() => withEventHub(wrong as never, handler)).toThrow(TypeError)
    }
    expect(() => withEventHub({ extraOutput: [orders] } as never, handler)).toThrow(
      'Unknown option "extraOutput" in the withEventHub bindings. Did you mean extraOutputs?',
    )
    expect(() => withEventHub({ extraOutputs: orders } as never, handler)).toThrow(
      'extraOutputs must be a list of outputs, such as [orders]; received an object.',
    )
    expect(() => withEventHub({ type: 'queue', name: 'x' } as never, handler)).toThrow(
      /stay where the function is registered/,
    )
    expect(() => withEventHub(orders, undefined as never)).toThrow(/needs the handler/)
  })

  test('two outputs of one name would get each other’s events, so they are refused', () => {
    const client = new FakeClient()
    expect(() => withEventHub([outputTo(client, { name: 'x' }), outputTo(client, { name: 'x' })], () => 1)).toThrow(
      /named "x"/,
    )
  })

  test('a name that the host’s own outputs use is refused', async () => {
    const client = new FakeClient()
    const context = new InvocationContext({
      functionName: 'f',
      options: { extraOutputs: [{ type: 'queue', name: 'out' }] },
    })
    const handler = withEventHub([outputTo(client), outputTo(client, { name: 'out' })], () => 1)
    await expect(handler(undefined, context)).rejects.toThrow(/f has another output named "out"/)
    expect(client.invocations.map(({ isEnded }) => isEnded)).toEqual([true])
  })

  test('wrapping twice with one output is refused, because every event would be sent twice', async () => {
    const client = new FakeClient()
    const orders = outputTo(client)
    const handler = withEventHub(
      orders,
      withEventHub(orders, () => 1),
    )
    await expect(handler(undefined, newContext())).rejects.toThrow(/wrapped twice/)
  })

  test('wrapping twice with different outputs works', async () => {
    const client = new FakeClient()
    const [a, b] = [outputTo(client), outputTo(client)]
    const inner = withEventHub(b, (_input: unknown, context) => {
      context.extraOutputs.set(a, 'a')
      context.extraOutputs.set(b, 'b')
      return 'answer'
    })
    expect(await withEventHub(a, inner)(undefined, newContext())).toBe('answer')
    expect(client.bodies.sort()).toEqual(['a', 'b'])
  })
})
