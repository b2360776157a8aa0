import { describe, expectTypeOf, test } from 'vitest'
import {
  type BeginInvocationOptions,
  type BufferedModeOptions,
  type Clock,
  type CloseOptions,
  type CommonClientOptions,
  type ConnectionStringOptions,
  type CreateBatchOptions,
  type ErrorCallback,
  type EventHubError,
  EventHubProducerClient,
  type EventHubProducerClientOptions,
  type EventInput,
  type HttpProxyOptions,
  type ImmediateModeOptions,
  type Logger,
  type OperationOptions,
  type RetryOptions,
  type SendOptions,
  type SuccessCallback,
  type TlsOptions,
  type Transport,
  type TransportFactory,
  type TransportType,
  type WarmUpOptions,
} from '../../core/index.js'

// Checked by `npm run types` and never run: a line that compiles, or fails to, is the promise.

declare const signal: AbortSignal
declare const onSuccess: SuccessCallback
declare const onError: ErrorCallback
const credential = { name: 'n', key: 'k' }
const connectionString = ''

describe('buffered mode', () => {
  test('with both callbacks compiles, for the constructor and for fromConnectionString', () => {
    const options = { bufferedMode: true, onSuccess, onError } as const
    expectTypeOf(options).toExtend<EventHubProducerClientOptions>()
    new EventHubProducerClient('ns', 'hub', credential, options)
    EventHubProducerClient.fromConnectionString(connectionString, options)
    EventHubProducerClient.fromConnectionString(connectionString, {
      bufferedMode: true,
      onSuccess: (events, partitionId) => {
        expectTypeOf(events).toEqualTypeOf<EventInput[]>()
        expectTypeOf(partitionId).toEqualTypeOf<string | undefined>()
      },
      onError: async (events, partitionId, error) => {
        expectTypeOf(events).toEqualTypeOf<EventInput[]>()
        expectTypeOf(partitionId).toEqualTypeOf<string | undefined>()
        expectTypeOf(error).toEqualTypeOf<EventHubError>()
      },
    })
  })

  test('without one of them does not compile', () => {
    // @ts-expect-error onSuccess and onError are missing
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: true })
    // @ts-expect-error onError is missing
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: true, onSuccess })
    // @ts-expect-error onSuccess is missing
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: true, onError })
    // @ts-expect-error onError is undefined
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: true, onSuccess, onError: undefined })
    // @ts-expect-error onSuccess and onError are missing
    EventHubProducerClient.fromConnectionString(connectionString, { bufferedMode: true })
    // @ts-expect-error onError is missing
    EventHubProducerClient.fromConnectionString(connectionString, { bufferedMode: true, onSuccess })
    // @ts-expect-error callbacks are functions
    EventHubProducerClient.fromConnectionString(connectionString, { bufferedMode: true, onSuccess: 1, onError })
  })

  test('may hang on a condition when both callbacks are there', () => {
    const bufferedMode = signal.aborted as boolean
    const options: EventHubProducerClientOptions = { bufferedMode, onSuccess, onError }
    // @ts-expect-error onSuccess is missing
    const wrong: EventHubProducerClientOptions = { bufferedMode, onError }
    expectTypeOf([options, wrong]).toBeArray()
  })

  test('off needs no callback and takes onError', () => {
    new EventHubProducerClient('ns', 'hub', credential, { onError })
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: false, onError })
    new EventHubProducerClient('ns', 'hub', credential, { bufferedMode: undefined, onError: undefined })
  })

  test('is one type with a name, and two that it is made of', () => {
    expectTypeOf<EventHubProducerClientOptions>().toEqualTypeOf<ImmediateModeOptions | BufferedModeOptions>()
    expectTypeOf<ImmediateModeOptions>().toExtend<CommonClientOptions>()
    expectTypeOf<BufferedModeOptions>().toExtend<CommonClientOptions>()
    expectTypeOf<BufferedModeOptions['bufferedMode']>().toEqualTypeOf<true>()
    expectTypeOf<ImmediateModeOptions['bufferedMode']>().toEqualTypeOf<false | undefined>()
    expectTypeOf<ErrorCallback>().parameters.toEqualTypeOf<[EventInput[], string | undefined, EventHubError]>()
    expectTypeOf<SuccessCallback>().parameters.toEqualTypeOf<[EventInput[], string | undefined]>()
    expectTypeOf<SuccessCallback>().returns.toBeUnknown()
  })
})

describe('the options of a client', () => {
  test('have these types, and take undefined for left out under exactOptionalPropertyTypes', () => {
    expectTypeOf<Required<CommonClientOptions>>().toEqualTypeOf<{
      readonly eventHubName: string | undefined
      readonly maxBufferLength: number | undefined
      readonly maxBufferSizeInBytes: number | undefined
      readonly maxWaitTimeInMs: number | undefined
      readonly maxConcurrentSends: number | undefined
      readonly maxConcurrentSendsPerPartition: number | undefined
      readonly retryOptions: RetryOptions | undefined
      readonly authTimeoutInMs: number | undefined
      readonly idleTimeoutInMs: number | undefined
      readonly socketTimeoutInMs: number | undefined
      readonly transportType: TransportType | TransportFactory | Transport | undefined
      readonly httpProxy: HttpProxyOptions | undefined
      readonly customEndpointAddress: string | undefined
      readonly tls: TlsOptions | undefined
      readonly enableIdempotentRetries: boolean | undefined
      readonly userAgent: string | undefined
      readonly logger: Logger | undefined
      readonly tracing: boolean | undefined
      readonly partitionIds: readonly string[] | undefined
      readonly sasl: 'cbs' | 'plain' | undefined
      readonly keyedRouting: 'local' | 'service' | undefined
      readonly unkeyedRouting: 'sticky' | 'roundRobin' | 'service' | undefined
      readonly clock: Clock | undefined
      readonly random: (() => number) | undefined
    }>()
    expectTypeOf<{ readonly [Name in keyof CommonClientOptions]: undefined }>().toExtend<CommonClientOptions>()
  })

  test('have nothing else, in any mode', () => {
    // @ts-expect-error a slip of the hand
    new EventHubProducerClient('ns', 'hub', credential, { maxWaitTimeMs: 5 })
    // @ts-expect-error a slip of the hand
    EventHubProducerClient.fromConnectionString(connectionString, { bufferedMode: true, onSuccess, onError, max: 5 })
    // @ts-expect-error only fromConnectionString has a string to refresh
    new EventHubProducerClient('ns', 'hub', credential, { refreshConnectionString: async () => '' })
  })

  test('of fromConnectionString are these and refreshConnectionString', () => {
    expectTypeOf<EventHubProducerClientOptions>().toExtend<ConnectionStringOptions>()
    expectTypeOf<ConnectionStringOptions>().toExtend<EventHubProducerClientOptions>()
    EventHubProducerClient.fromConnectionString(connectionString, {
      refreshConnectionString: async ({ rejected }) => {
        expectTypeOf(rejected).toEqualTypeOf<boolean>()
        return ''
      },
    })
  })

  test('choose by word', () => {
    expectTypeOf<TransportType>().toEqualTypeOf<'amqp' | 'amqpOverWebSocket' | 'https'>()
    // @ts-expect-error no such transport
    new EventHubProducerClient('ns', 'hub', credential, { transportType: 'AmqpOverWebsocket' })
    // @ts-expect-error no such routing
    new EventHubProducerClient('ns', 'hub', credential, { keyedRouting: 'sticky' })
    // @ts-expect-error no such mechanism
    new EventHubProducerClient('ns', 'hub', credential, { sasl: 'external' })
  })

  test('of retries, proxy and logger', () => {
    expectTypeOf<Required<RetryOptions>>().toEqualTypeOf<{
      readonly maxRetries: number | undefined
      readonly retryDelayInMs: number | undefined
      readonly maxRetryDelayInMs: number | undefined
      readonly mode: 'exponential' | 'fixed' | undefined
      readonly tryTimeoutInMs: number | undefined
    }>()
    expectTypeOf<HttpProxyOptions>().toEqualTypeOf<{
      readonly hostname: string
      readonly port: number
      readonly username?: string | undefined
      readonly password?: string | undefined
    }>()
    expectTypeOf<typeof console>().toExtend<Logger>()
    expectTypeOf<{ warn(line: string): void }>().toExtend<Logger>()
    // @ts-expect-error a logger has functions
    new EventHubProducerClient('ns', 'hub', credential, { logger: { warn: 'yes' } })
    // @ts-expect-error a logger is no function
    new EventHubProducerClient('ns', 'hub', credential, { logger: console.log })
  })
})

describe('tls', () => {
  test('takes PEM text and bytes, Node’s own included, one or several', () => {
    const bytes = new Uint8Array()
    const options: TlsOptions[] = [
      { ca: '' },
      { ca: bytes },
      { ca: Buffer.from('') },
      { ca: ['', bytes, Buffer.from('')] },
      { cert: '', key: bytes, passphrase: '' },
      { pfx: Buffer.from(''), passphrase: '' },
      { servername: 'name', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.3' },
      { rejectUnauthorized: true },
      { ca: undefined, servername: undefined },
    ]
    expectTypeOf(options).toBeArray()
  })

  test('has no way around the verification, nor elsewhere', () => {
    // @ts-expect-error verification stays on
    const unverified: TlsOptions = { rejectUnauthorized: false }
    // @ts-expect-error the check is not to be replaced
    const unchecked: TlsOptions = { checkServerIdentity: () => undefined }
    // @ts-expect-error that is customEndpointAddress
    const elsewhere: TlsOptions = { host: 'elsewhere' }
    // @ts-expect-error a version is one of Node's words
    const version: TlsOptions = { minVersion: '1.2' }
    // @ts-expect-error the bytes of the file, not its path
    const path: TlsOptions = { pfx: '/a/path' }
    expectTypeOf([unverified, unchecked, elsewhere, version, path]).toBeArray()
  })
})

describe('the options of calls', () => {
  test('have these types, and take undefined for left out', () => {
    expectTypeOf<Required<SendOptions>>().toEqualTypeOf<{
      readonly partitionId: string | undefined
      readonly partitionKey: string | undefined
      readonly timeoutInMs: number | undefined
      readonly abortSignal: AbortSignal | undefined
    }>()
    expectTypeOf<Required<OperationOptions>>().toEqualTypeOf<{
      readonly timeoutInMs: number | undefined
      readonly abortSignal: AbortSignal | undefined
    }>()
    expectTypeOf<Required<CloseOptions>>().toEqualTypeOf<{
      readonly flush: boolean | undefined
      readonly timeoutInMs: number | undefined
      readonly abortSignal: AbortSignal | undefined
    }>()
    expectTypeOf<Required<CreateBatchOptions>>().toEqualTypeOf<{
      readonly partitionId: string | undefined
      readonly partitionKey: string | undefined
      readonly maxSizeInBytes: number | undefined
    }>()
    expectTypeOf<Required<WarmUpOptions>>().toEqualTypeOf<{
      readonly timeoutInMs: number | undefined
      readonly abortSignal: AbortSignal | undefined
    }>()
    expectTypeOf<Required<BeginInvocationOptions>>().toEqualTypeOf<{
      readonly timeoutInMs: number | undefined
      readonly reserveInMs: number | undefined
      readonly afterFailure: 'continue' | 'stop' | undefined
      readonly abortSignal: AbortSignal | undefined
    }>()
  })
})
