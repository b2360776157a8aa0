import { Logger } from '@aws-lambda-powertools/logger'
import { injectLambdaContext } from '@aws-lambda-powertools/logger/middleware'
import middy from '@middy/core'
import { expect, test, vi } from 'vitest'
import {
  type EventHubContext,
  EventsNotAcceptedError,
  eventHubMiddleware,
  type WithEventHubOptions,
} from '../../../adapters/aws-lambda/index.js'
import { contextWith, fakeClient, unknown, type Verdict } from './fake-client.js'

/** The real Middy. */
function handlerWith(handle: (event: unknown, context: EventHubContext) => unknown, verdict: Verdict = 'accepted') {
  const fake = fakeClient(() => verdict)
  const handler = middy<unknown, unknown, Error, EventHubContext>()
  const call = (context = contextWith()) =>
    handler.use(eventHubMiddleware({ client: fake.client })).handler(async (event, context) => handle(event, context))(
      {},
      context as EventHubContext,
    )
  return { fake, handler, call }
}

test('the handler finds its invocation in the context, bound to the time that is left', async () => {
  const { call, fake } = handlerWith((_event, { eventHub }) => {
    void eventHub.sendEvent({ body: 'one' }, { partitionKey: 'k' })
    return 'done'
  })
  const context = contextWith(4321)
  expect(await call(context)).toBe('done')
  expect(fake.sent).toEqual([{ event: { body: 'one' }, partitionKey: 'k' }])
  expect(fake.invocations[0]).toMatchObject({ ended: true, options: { timeoutInMs: 4321 } })
  // Streamed responses, which Middy can make too, would otherwise wait for the connection to close.
  expect(context.callbackWaitsForEmptyEventLoop).toBe(false)
  expect(JSON.stringify(context)).not.toContain('eventHub')
})

test('events that were not accepted fail the function, although the handler returned', async () => {
  const { call, fake } = handlerWith((_event, { eventHub }) => void eventHub.sendEvent({ body: 1 }), unknown)
  await expect(call()).rejects.toBeInstanceOf(EventsNotAcceptedError)
  expect(fake.invocations[0]!.ended).toBe(true)
})

test('an error of the handler stays that error, and its events are flushed all the same', async () => {
  const mine = new RangeError('mine')
  const { call, fake } = handlerWith((_event, { eventHub }) => {
    void eventHub.sendEvent({ body: 1 })
    throw mine
  }, unknown)
  await expect(call()).rejects.toBe(mine)
  expect(fake.invocations[0]!.ended).toBe(true)
})

test('another middleware may make a response of the handler’s error, but not of missing events', async () => {
  const answering = {
    onError(request: { response: unknown }) {
      request.response = { statusCode: 500 }
    },
  }
  const good = handlerWith((_event, { eventHub }) => {
    void eventHub.sendEvent({ body: 1 })
    throw new RangeError('mine')
  })
  good.handler.use(answering)
  expect(await good.call()).toEqual({ statusCode: 500 })

  const late = fakeClient(() => unknown)
  const handler = middy(async (_event: unknown, { eventHub }: EventHubContext) => {
    void eventHub.sendEvent({ body: 1 })
    throw new RangeError('mine')
  })
  // Attached before: its onError runs after the one that makes a response, and has the last word.
  handler.use(eventHubMiddleware({ client: late.client })).use(answering)
  await expect(handler({}, contextWith() as EventHubContext)).rejects.toBeInstanceOf(EventsNotAcceptedError)
})

test('a middleware before it that answers early begins no invocation', async () => {
  const { call, handler, fake } = handlerWith(() => 'never')
  handler.use({ before: () => 'early' })
  expect(await call()).toBe('early')
  expect(fake.invocations).toEqual([])
})

test('middlewares after the flush see its failure as their error', async () => {
  const seen: unknown[] = []
  const { call, handler } = handlerWith((_event, { eventHub }) => void eventHub.sendEvent({ body: 1 }), unknown)
  handler.use({ after: () => void seen.push('after'), onError: ({ error }) => void seen.push(error) })
  await expect(call()).rejects.toBeInstanceOf(EventsNotAcceptedError)
  expect(seen).toEqual([expect.any(EventsNotAcceptedError)])
})

test('calls side by side have invocations of their own', async () => {
  const fake = fakeClient((_, { body }) => (body === 'bad' ? unknown : 'accepted'))
  const handler = middy(async (event: string, { eventHub }: EventHubContext) => {
    await Promise.resolve()
    void eventHub.sendEvent({ body: event })
    return event
  }).use(eventHubMiddleware({ client: fake.client }))
  const call = (event: string) => handler(event, contextWith() as EventHubContext)
  const [good, bad] = await Promise.allSettled([call('good'), call('bad')])
  expect(good).toEqual({ status: 'fulfilled', value: 'good' })
  expect(bad).toMatchObject({ status: 'rejected', reason: { name: 'EventsNotAcceptedError' } })
})

test('stands beside Powertools: its logger has the context, and the events are sent', async () => {
  vi.stubEnv('POWERTOOLS_DEV', 'true')
  const lines: string[] = []
  const spy = vi.spyOn(console, 'info').mockImplementation((line: string) => void lines.push(line))
  try {
    const logger = new Logger({ serviceName: 'orders' })
    const fake = fakeClient()
    const handler = middy(async (_event: unknown, { eventHub }: EventHubContext) => {
      logger.info('sending')
      await eventHub.sendEvent({ body: 1 })
      return 'done'
    })
      .use(injectLambdaContext(logger, { logEvent: true }))
      .use(eventHubMiddleware({ client: fake.client }))
    const context = Object.assign(contextWith(), { awsRequestId: 'request-1', functionName: 'orders' })
    expect(await handler({ order: 1 }, context as unknown as EventHubContext)).toBe('done')
    expect(fake.sent).toHaveLength(1)
    expect(lines.join()).toContain('request-1')
    expect(lines.join()).not.toContain('eventHub')
  } finally {
    spy.mockRestore()
    vi.unstubAllEnvs()
  }
})

test.each<[object, string]>([
  [{ partitionKey: 'x' }, 'partitionKey'],
  [{ afterFailure: 'halt' }, 'afterFailure must be one of: continue, stop'],
])('the option %j is refused, by name', (wrong, words) => {
  const { client } = fakeClient()
  expect(() => eventHubMiddleware({ client, ...wrong } as WithEventHubOptions)).toThrow(words)
})
