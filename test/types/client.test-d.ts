import type { EventHubProducerClient as OfficialClient } from '@azure/event-hubs'
import { DefaultAzureCredential } from '@azure/identity'
import { describe, expectTypeOf, test } from 'vitest'
import type * as edge from '../../core/index.edge.js'
import type * as node from '../../core/index.js'
import {
  type BeginInvocationOptions,
  type CloseOptions,
  type CreateBatchOptions,
  EventDataBatch,
  type EventHubCredential,
  EventHubProducerClient,
  type EventHubProperties,
  type EventInput,
  type Invocation,
  type NamedKeyCredential,
  type OperationOptions,
  type PartitionProperties,
  type SasCredential,
  type SendOptions,
  type TokenCredential,
  type WarmUpOptions,
} from '../../core/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

declare const client: EventHubProducerClient

describe('a client', () => {
  test('is made from a namespace, an event hub and any credential', () => {
    expectTypeOf<EventHubCredential>().toEqualTypeOf<TokenCredential | NamedKeyCredential | SasCredential>()
    new EventHubProducerClient('ns', 'hub', { name: 'n', key: 'k' })
    new EventHubProducerClient('ns', 'hub', { signature: 's' })
    new EventHubProducerClient('ns', 'hub', new DefaultAzureCredential())
    // Whatever the official client takes: tokens, named keys, signatures.
    expectTypeOf<ConstructorParameters<typeof OfficialClient>[2]>().toExtend<EventHubCredential>()
    expectTypeOf<ConstructorParameters<typeof OfficialClient>[2]>().not.toBeAny()
    // @ts-expect-error a connection string has a function of its own
    new EventHubProducerClient('Endpoint=sb://ns', 'hub')
    // @ts-expect-error no kind of credential
    new EventHubProducerClient('ns', 'hub', { key: 'k' })
    // @ts-expect-error no kind of credential
    new EventHubProducerClient('ns', 'hub', 'key')
  })

  test('or from a connection string', () => {
    expectTypeOf(EventHubProducerClient.fromConnectionString).returns.toEqualTypeOf<EventHubProducerClient>()
    expectTypeOf(EventHubProducerClient.fromConnectionString).parameter(0).toBeString()
    EventHubProducerClient.fromConnectionString('', { eventHubName: 'hub' })
  })

  test('says what it is', () => {
    expectTypeOf(client.fullyQualifiedNamespace).toEqualTypeOf<string>()
    expectTypeOf(client.eventHubName).toEqualTypeOf<string>()
    expectTypeOf(client.transportName).toEqualTypeOf<string>()
    // @ts-expect-error it does not change
    client.eventHubName = 'another'
  })

  test('has these methods, and no other', () => {
    expectTypeOf<keyof EventHubProducerClient>().toEqualTypeOf<
      | 'fullyQualifiedNamespace'
      | 'eventHubName'
      | 'transportName'
      | 'sendEvent'
      | 'sendBatch'
      | 'createBatch'
      | 'flush'
      | 'close'
      | typeof Symbol.asyncDispose
      | 'getEventHubProperties'
      | 'getPartitionIds'
      | 'getPartitionProperties'
      | 'getBufferedEventCount'
      | 'totalBufferedEventCount'
      | 'warmUp'
      | 'beginInvocation'
    >()
  })

  test('sends', () => {
    expectTypeOf(client.sendEvent).toEqualTypeOf<(event: EventInput, options?: SendOptions) => Promise<void>>()
    expectTypeOf(client.sendBatch).toEqualTypeOf<
      (events: readonly EventInput[] | EventDataBatch, options?: SendOptions) => Promise<void>
    >()
    expectTypeOf(client.createBatch).toEqualTypeOf<(options?: CreateBatchOptions) => Promise<EventDataBatch>>()
    // @ts-expect-error an event is an object with a body
    void client.sendEvent('text')
    // @ts-expect-error the key belongs in the second argument
    void client.sendEvent({ body: 1, partitionKey: 'k' })
    // @ts-expect-error a key is a string
    void client.sendEvent({ body: 1 }, { partitionKey: 7 })
    // @ts-expect-error a list, not one event
    void client.sendBatch({ body: 1 })
    // @ts-expect-error a signal is one of the options
    void client.sendEvent({ body: 1 }, new AbortController().signal)
    // @ts-expect-error where a batch goes was said when it was made; its maximum size, too
    void client.sendBatch([], { maxSizeInBytes: 5 })
  })

  test('flushes, closes and warms up', () => {
    expectTypeOf(client.flush).toEqualTypeOf<(options?: OperationOptions) => Promise<void>>()
    expectTypeOf(client.close).toEqualTypeOf<(options?: CloseOptions) => Promise<void>>()
    expectTypeOf(client.warmUp).toEqualTypeOf<(options?: WarmUpOptions) => Promise<void>>()
    expectTypeOf(client).toExtend<AsyncDisposable>()
  })

  test('asks', () => {
    expectTypeOf(client.getEventHubProperties).toEqualTypeOf<
      (options?: OperationOptions) => Promise<EventHubProperties>
    >()
    expectTypeOf(client.getPartitionIds).toEqualTypeOf<(options?: OperationOptions) => Promise<string[]>>()
    expectTypeOf(client.getPartitionProperties).toEqualTypeOf<
      (partitionId: string, options?: OperationOptions) => Promise<PartitionProperties>
    >()
    expectTypeOf<EventHubProperties>().toEqualTypeOf<{
      readonly eventHubName: string
      readonly createdAt: Date
      readonly partitionIds: readonly string[]
    }>()
    expectTypeOf<PartitionProperties>().toEqualTypeOf<{
      readonly id: string
      readonly eventHubName: string
      readonly beginningSequenceNumber: number
      readonly lastEnqueuedSequenceNumber: number
      readonly lastEnqueuedOffset: string
      readonly lastEnqueuedTimeUtc: Date
      readonly isEmpty: boolean
    }>()
  })

  test('counts', () => {
    expectTypeOf(client.getBufferedEventCount).toEqualTypeOf<(partitionId: string) => number | undefined>()
    expectTypeOf(client.totalBufferedEventCount).toEqualTypeOf<number | undefined>()
  })

  test('begins invocations', () => {
    expectTypeOf(client.beginInvocation).toEqualTypeOf<(options?: BeginInvocationOptions) => Invocation>()
    // @ts-expect-error no such choice
    client.beginInvocation({ afterFailure: 'halt' })
  })
})

describe('a batch', () => {
  test('is filled, and only a client makes one', () => {
    expectTypeOf<keyof EventDataBatch>().toEqualTypeOf<
      'partitionId' | 'partitionKey' | 'maxSizeInBytes' | 'count' | 'sizeInBytes' | 'tryAdd'
    >()
    expectTypeOf<EventDataBatch['tryAdd']>().toEqualTypeOf<(event: EventInput) => boolean>()
    expectTypeOf<EventDataBatch['count']>().toEqualTypeOf<number>()
    expectTypeOf<EventDataBatch['sizeInBytes']>().toEqualTypeOf<number>()
    expectTypeOf<EventDataBatch['maxSizeInBytes']>().toEqualTypeOf<number>()
    expectTypeOf<EventDataBatch['partitionId']>().toEqualTypeOf<string | undefined>()
    expectTypeOf<EventDataBatch['partitionKey']>().toEqualTypeOf<string | undefined>()
    // @ts-expect-error createBatch makes it
    new EventDataBatch()
  })
})

test('the entries for Node and for the edge are the same to the compiler', () => {
  expectTypeOf<typeof edge>().toEqualTypeOf<typeof node>()
})
