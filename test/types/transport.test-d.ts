import { describe, expectTypeOf, test } from 'vitest'
import { amqpOverWebSocketTransport, amqpTransport } from '../../core/amqp/index.js'
import { httpsTransport } from '../../core/https/index.js'
import {
  type AuthToken,
  type Clock,
  type EncodedEvent,
  type EventCodec,
  EventHubProducerClient,
  type EventHubProperties,
  type EventInput,
  type Logger,
  type OperationLimits,
  type PartitionId,
  type PartitionProperties,
  type TokenSource,
  type Transport,
  type TransportContext,
  type TransportFactory,
  type TransportOptions,
} from '../../core/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

const credential = { name: 'n', key: 'k' }

describe('a transport of one’s own', () => {
  test('can be written with what the package exports', () => {
    interface OwnEvent extends EncodedEvent {
      readonly text: string
    }
    class OwnTransport implements Transport<OwnEvent> {
      readonly name = 'own'
      readonly canReadProperties = false
      readonly codec: EventCodec<OwnEvent> = {
        encode: (event: EventInput, partitionKey: string | undefined) => ({
          text: String(event.body),
          sizeInBytes: 1,
          partitionKey,
          solo: false,
        }),
        envelopeSizeInBytes: () => 0,
      }
      readonly #tokens: TokenSource
      constructor({ tokens }: TransportContext) {
        this.#tokens = tokens
      }
      maxBatchSizeInBytes(_partitionId: PartitionId): number {
        return 1
      }
      async send(_partitionId: PartitionId, events: readonly OwnEvent[], limits: OperationLimits): Promise<void> {
        const token: AuthToken = await this.#tokens.getToken(events.map(({ text }) => text).join(), limits)
        expectTypeOf(token.type).toEqualTypeOf<'jwt' | 'servicebus.windows.net:sastoken'>()
      }
      async getEventHubProperties(): Promise<EventHubProperties> {
        throw new Error('not supported')
      }
      async getPartitionProperties(): Promise<PartitionProperties> {
        throw new Error('not supported')
      }
      async warmUp(): Promise<void> {}
      checkLiveness(): void {}
      retireConnection(): void {}
      async close(): Promise<void> {}
    }
    const transportType: TransportFactory = (context) => new OwnTransport(context)
    new EventHubProducerClient('ns', 'hub', credential, { transportType })
    // @ts-expect-error a transport has methods
    new EventHubProducerClient('ns', 'hub', credential, { transportType: { name: 'own' } })
  })

  test('gets this context', () => {
    expectTypeOf<TransportContext>().toEqualTypeOf<{
      readonly fullyQualifiedNamespace: string
      readonly eventHubName: string
      readonly tokens: TokenSource
      readonly clock: Clock
      readonly random: () => number
      readonly logger: Logger
      readonly options: TransportOptions
    }>()
    expectTypeOf<TransportFactory>().toEqualTypeOf<(context: TransportContext) => Transport>()
  })
})

describe('the transports that come with the package', () => {
  test('are factories, by name as well', () => {
    expectTypeOf(amqpTransport).toEqualTypeOf<TransportFactory>()
    expectTypeOf(amqpOverWebSocketTransport).toEqualTypeOf<TransportFactory>()
    expectTypeOf(httpsTransport).toEqualTypeOf<TransportFactory>()
    for (const transportType of [amqpTransport, amqpOverWebSocketTransport, httpsTransport]) {
      new EventHubProducerClient('ns', 'hub', credential, { transportType })
    }
  })
})

test('a clock is three functions', () => {
  expectTypeOf<keyof Clock>().toEqualTypeOf<'monotonicNow' | 'wallNow' | 'schedule'>()
  expectTypeOf<Clock['schedule']>().toEqualTypeOf<(delayInMs: number, callback: () => void) => () => void>()
})
