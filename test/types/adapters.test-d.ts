import { app, type HttpRequest, type HttpResponseInit, type InvocationContext } from '@azure/functions'
import type { Context, Handler } from 'aws-lambda'
import { describe, expectTypeOf, test } from 'vitest'
import * as lambda from '../../adapters/aws-lambda/index.js'
import * as functions from '../../adapters/azure-functions/index.js'
import * as fetchDoor from '../../adapters/fetch/index.js'
import type { EventHubProducerClient, FlushFailure, FlushReport, Invocation } from '../../core/index.js'
import { type LocalHub, type LocalHubFaults, type LocalHubOptions, startLocalHub } from '../../infra/local-hub/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

declare const client: EventHubProducerClient
const connectionString = ''

describe('a destination', () => {
  test('is the same for every adapter: a client, or what one is made from', () => {
    const destinations: functions.Destination[] = [
      { client },
      { connectionString, eventHubName: 'orders' },
      { fullyQualifiedNamespace: 'ns', eventHubName: 'orders', credential: { signature: 's' } },
      { connectionString, clientOptions: { maxBufferLength: 1 } },
      { connectionString: undefined, client: undefined },
    ]
    expectTypeOf<lambda.ForwardOptions>().toExtend<functions.Destination>()
    expectTypeOf<lambda.WithEventHubOptions>().toExtend<functions.Destination>()
    expectTypeOf<functions.EventHubOutputOptions>().toExtend<functions.Destination>()
    expectTypeOf<fetchDoor.FetchHandlerOptions>().toExtend<fetchDoor.Destination>()
    // @ts-expect-error a slip of the hand
    const wrong: functions.Destination = { connectionstring: '' }
    // @ts-expect-error buffered mode needs its callbacks here, too
    const buffered: functions.Destination = { connectionString, clientOptions: { bufferedMode: true } }
    expectTypeOf([...destinations, wrong, buffered]).toBeArray()
  })
})

describe('aws-lambda', () => {
  test('forwardToEventHub makes what Lambda calls', () => {
    expectTypeOf(lambda.forwardToEventHub()).toExtend<Handler>()
    expectTypeOf(lambda.forwardToEventHub).parameter(0).toEqualTypeOf<lambda.ForwardOptions | undefined>()
    lambda.forwardToEventHub({ format: 'raw', partitionKey: ({ source }) => source })
    // @ts-expect-error no such format
    lambda.forwardToEventHub({ format: 'json' })
    // @ts-expect-error a key is a string
    lambda.forwardToEventHub({ partitionKey: () => 7 })
  })

  test('withEventHub keeps the handler’s types', () => {
    const handler = lambda.withEventHub({}, async (event: { id: string }, context, invocation) => {
      expectTypeOf(context).toEqualTypeOf<Context>()
      expectTypeOf(invocation).toEqualTypeOf<Invocation>()
      return event.id.length
    })
    expectTypeOf(handler).toEqualTypeOf<(event: { id: string }, context: Context) => Promise<number>>()
    // @ts-expect-error the options come first
    lambda.withEventHub(async () => 1)
  })

  test('functionUrlHandler takes any door', () => {
    const door = fetchDoor.createFetchHandler({ connectionString, auth: 'none' })
    expectTypeOf(lambda.functionUrlHandler(door, { requireAuthorizer: true })).returns.resolves.toBeObject()
    // @ts-expect-error a slip of the hand that would leave the door open
    lambda.functionUrlHandler(door, { requireAuthoriser: true })
  })
})

describe('azure-functions', () => {
  const orders = functions.eventHubOutput({ connection: 'EventHubConnection', eventHubName: 'orders' })

  test('an output is one of the Functions model’s, and is opened for a context', () => {
    expectTypeOf(orders).toEqualTypeOf<functions.EventHubOutput>()
    expectTypeOf(orders.name).toEqualTypeOf<string>()
    expectTypeOf(orders.for).toEqualTypeOf<(context: InvocationContext) => functions.InvocationHub>()
    expectTypeOf<functions.InvocationHub>().toEqualTypeOf<{
      send(events: unknown, routing?: functions.EventRouting): Promise<void>
      flush(): Promise<FlushReport>
      readonly signal: AbortSignal
      readonly remainingTimeInMs: number
    }>()
  })

  test('a wrapped handler fits where it is registered', () => {
    app.http('order', {
      handler: functions.withEventHub(orders, async (request: HttpRequest, context): Promise<HttpResponseInit> => {
        expectTypeOf(context).toEqualTypeOf<InvocationContext>()
        context.extraOutputs.set(orders, functions.eventData({ body: await request.json(), partitionKey: 'k' }))
        return { status: 202 }
      }),
    })
    app.storageQueue('queue', {
      queueName: 'q',
      connection: 'c',
      handler: functions.withEventHub({ return: orders }, (message) => message),
    })
  })

  test('its return value stays the function’s, but where an output takes it', () => {
    expectTypeOf(functions.withEventHub(orders, (n: number) => `${n}`)).toEqualTypeOf<
      functions.WrappedHandler<number, string>
    >()
    expectTypeOf(functions.withEventHub([orders], () => 1)).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(functions.withEventHub({ extraOutputs: [orders] }, () => 1)).returns.resolves.toEqualTypeOf<number>()
    expectTypeOf(functions.withEventHub({ return: orders }, () => 1)).returns.resolves.toEqualTypeOf<undefined>()
    // @ts-expect-error a list
    functions.withEventHub({ extraOutputs: orders }, () => 1)
    // @ts-expect-error a slip of the hand
    functions.withEventHub({ extraOutput: [orders] }, () => 1)
  })

  test('eventData takes an event and where it goes', () => {
    functions.eventData({ body: 1, partitionKey: 'k' })
    functions.eventData({ body: 1, partitionId: '0', properties: { a: 1 } })
    functions.eventData({ body: 1, bodyType: 'value', applicationProperties: { a: 1 } })
    // @ts-expect-error a slip of the hand
    functions.eventData({ body: 1, partitionkey: 'k' })
    // @ts-expect-error no body
    functions.eventData({ partitionKey: 'k' })
  })

  test('what was not accepted is an error with its failures', () => {
    expectTypeOf<functions.EventsNotAcceptedError>().toExtend<Error>()
    expectTypeOf<functions.EventsNotAcceptedError['failures']>().toEqualTypeOf<readonly FlushFailure[]>()
    expectTypeOf<functions.EventsNotAcceptedError['code']>().toEqualTypeOf<'events-not-accepted'>()
    expectTypeOf<functions.EventsNotAcceptedError['retryable']>().toEqualTypeOf<boolean>()
    expectTypeOf<functions.EventsNotAcceptedError>().toEqualTypeOf<lambda.EventsNotAcceptedError>()
  })
})

describe('fetch', () => {
  test('a handler is what Workers, Deno and Bun export', () => {
    expectTypeOf<fetchDoor.FetchHandler['fetch']>().toEqualTypeOf<
      (request: Request, env?: unknown, ctx?: fetchDoor.FetchContext) => Promise<Response>
    >()
    expectTypeOf(
      fetchDoor.createFetchHandler({ connectionString, auth: 'none' }),
    ).toEqualTypeOf<fetchDoor.FetchHandler>()
    fetchDoor.createFetchHandler((env: { readonly KEY: string }) => ({
      connectionString,
      auth: { bearer: [env.KEY] },
      partitionKey: (request, event) => {
        expectTypeOf(request).toEqualTypeOf<Request>()
        expectTypeOf(event.kind).toEqualTypeOf<'json' | 'cloudevent' | 'bytes' | 'item'>()
        return undefined
      },
    }))
  })

  test('an open door must be asked for', () => {
    // @ts-expect-error auth is missing
    fetchDoor.createFetchHandler({ connectionString })
    // @ts-expect-error no such word
    fetchDoor.createFetchHandler({ connectionString, auth: 'anyone' })
  })

  test('its answers have a shape', () => {
    expectTypeOf<fetchDoor.EventsAnswer>().toEqualTypeOf<{
      readonly results: readonly fetchDoor.EventResult[]
      readonly accepted: number
      readonly failed: number
      readonly problem?: fetchDoor.Problem
    }>()
    expectTypeOf<fetchDoor.EventResult['status']>().toEqualTypeOf<
      'accepted' | 'refused' | 'unknown' | 'returned' | 'invalid'
    >()
    expectTypeOf<fetchDoor.Problem>().toEqualTypeOf<{
      readonly type: string
      readonly title: string
      readonly status: number
      readonly detail: string
    }>()
  })
})

describe('local-hub', () => {
  test('starts, tells where it is, and is disposed of', () => {
    expectTypeOf(startLocalHub).toEqualTypeOf<(options?: LocalHubOptions) => Promise<LocalHub>>()
    expectTypeOf<LocalHub>().toExtend<AsyncDisposable>()
    expectTypeOf<LocalHub['connectionString']>().toEqualTypeOf<string>()
    expectTypeOf<LocalHub['faults']>().toEqualTypeOf<LocalHubFaults>()
    void startLocalHub({ eventHubs: { orders: { partitionCount: 2 } } })
    // @ts-expect-error a slip of the hand
    void startLocalHub({ eventHub: 'orders' })
  })
})
