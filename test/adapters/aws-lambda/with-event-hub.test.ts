import { expect, test } from 'vitest'
import { EventsNotAcceptedError, type WithEventHubOptions, withEventHub } from '../../../adapters/aws-lambda/index.js'
import { createWithEventHub } from '../../../adapters/aws-lambda/with-event-hub.js'
import { systemClock } from '../../../core/clock.js'
import { contextWith, fakeClient, returned, unknown } from './fake-client.js'

test('what Lambda sees declares two parameters, whatever the wrapped handler declares', () => {
  expect(withEventHub({ client: fakeClient().client }, async (_event, _context, _invocation) => {})).toHaveLength(2)
})

test("the wrapped handler gets Lambda's event and context as they are, and its result is the function's", async () => {
  const fake = fakeClient()
  const event = { order: 1 }
  const context = contextWith(5000)
  const handler = withEventHub({ client: fake.client, reserveInMs: 100, afterFailure: 'stop' }, (...given) => {
    expect(given).toEqual([event, context, expect.anything()])
    return { ok: true }
  })
  expect(await handler(event, context)).toEqual({ ok: true })
  expect(fake.invocations[0]!.options).toEqual({ timeoutInMs: 5000, reserveInMs: 100, afterFailure: 'stop' })
})

test('everything sent is flushed before the function answers, awaited or not', async () => {
  const fake = fakeClient()
  const handler = withEventHub({ client: fake.client }, (event: string, _context, invocation) => {
    void invocation.sendEvent({ body: event }, { partitionKey: 'k' })
  })
  await handler('one', contextWith())
  expect(fake.sent).toEqual([{ event: { body: 'one' }, partitionKey: 'k' }])
  expect(fake.invocations[0]!.ended).toBe(true)
})

test('events that were not accepted fail the function, although the handler returned', async () => {
  const { client } = fakeClient(() => unknown)
  const handler = withEventHub({ client }, (_event, _context, invocation) => invocation.sendEvent({ body: 1 }))
  await expect(handler({}, contextWith())).rejects.toBeInstanceOf(EventsNotAcceptedError)
})

test("failures that the handler's own flush has shown it are the handler's to judge", async () => {
  const { client } = fakeClient((index) => (index === 0 ? returned : 'accepted'))
  const handler = withEventHub({ client }, async (_event, _context, invocation) => {
    void invocation.sendEvent({ body: 'first' })
    const { failures } = await invocation.flush()
    void invocation.sendEvent({ body: 'second' })
    return failures.length
  })
  expect(await handler({}, contextWith())).toBe(1)
})

test('an error of the handler stays that error, and its events are flushed all the same', async () => {
  const fake = fakeClient(() => unknown)
  const mine = new RangeError('mine')
  const handler = withEventHub({ client: fake.client }, async (_event, _context, invocation) => {
    await invocation.sendEvent({ body: 1 })
    throw mine
  })
  await expect(handler({}, contextWith())).rejects.toBe(mine)
  expect(fake.invocations[0]!.ended).toBe(true)
})

test('a handler that throws before its first await rejects like any other', async () => {
  const fake = fakeClient()
  const handler = withEventHub({ client: fake.client }, () => {
    throw new RangeError('at once')
  })
  await expect(handler({}, contextWith())).rejects.toThrow('at once')
  expect(fake.invocations[0]!.ended).toBe(true)
})

test('calls side by side have invocations of their own', async () => {
  const fake = fakeClient((_, { body }) => (body === 'bad' ? unknown : 'accepted'))
  const handler = withEventHub({ client: fake.client }, async (event: string, _context, invocation) => {
    await Promise.resolve()
    void invocation.sendEvent({ body: event })
    return event
  })
  const [good, bad] = await Promise.allSettled([handler('good', contextWith()), handler('bad', contextWith())])
  expect(good).toEqual({ status: 'fulfilled', value: 'good' })
  expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'EventsNotAcceptedError' } })
  expect(fake.invocations.map(({ sent }) => sent.length)).toEqual([1, 1])
})

test.each<[object, string]>([
  [{ partitionKey: 'x' }, 'partitionKey'],
  [{ afterFailure: 'halt' }, 'afterFailure must be one of: continue, stop'],
  [{ reserveInMs: 'much' }, 'reserveInMs'],
])('the option %j is refused, by name', (wrong, words) => {
  const { client } = fakeClient()
  expect(() => withEventHub({ client, ...wrong } as WithEventHubOptions, () => {})).toThrow(words)
})

test('a missing handler, or a missing destination, is refused at once', () => {
  expect(() => withEventHub({ client: fakeClient().client }, undefined as never)).toThrow(/your handler second/)
  expect(() => createWithEventHub({}, () => {}, { environment: {}, clock: systemClock })).toThrow(
    /EVENTHUB_CONNECTION_STRING/,
  )
})
