import type { Clock } from './clock.js'
import { optionalFunction } from './options/checks.js'
import type { ErrorCallback, EventHubProducerClientOptions, SuccessCallback } from './options/client-options.js'
import { parseLogger } from './options/logger.js'
import {
  durationOf,
  flagOf,
  optional,
  type ReadersOf,
  readElsewhere,
  readOptions,
  wholeOf,
  wordOf,
} from './options/readers.js'
import {
  assertCanBeIdempotent,
  parseClock,
  parseCustomEndpoint,
  parsePartitionIds,
  parseTransportType,
  parseUserAgent,
} from './options/values.js'
import type { RetryOptions, RetryPolicy } from './retry.js'
import type { Logger } from './transport.js'

export * from './options/call-options.js'
export {
  abortSignal,
  assertAreOptions,
  duration,
  flag,
  kindOf,
  oneOf,
  optionalFunction,
  refuseUnknownOptions,
  whole,
} from './options/checks.js'
export type * from './options/client-options.js'
export type { HttpProxyOptions } from './options/http-proxy.js'
export { parseLogger } from './options/logger.js'
export { optional, type ReadersOf, readElsewhere, readOptions, wholeOf, wordOf } from './options/readers.js'
export { parseSocketOptions, type SocketOptions } from './options/socket-options.js'
export type { Pem, TlsOptions, TlsVersion } from './options/tls.js'
export { packageVersion } from './options/values.js'
export type { Logger } from './transport.js'

/** Options after parsing: complete, checked, and trusted from here on. Those of sockets are apart: `SocketOptions`. */
export interface ProducerSettings {
  readonly bufferedMode: boolean
  readonly onSuccess: SuccessCallback | undefined
  readonly onError: ErrorCallback | undefined
  readonly maxBufferLength: number
  readonly maxBufferSizeInBytes: number
  readonly maxWaitTimeInMs: number
  readonly maxConcurrentSends: number
  readonly maxConcurrentSendsPerPartition: number
  readonly retry: RetryPolicy
  readonly authTimeoutInMs: number
  readonly idleTimeoutInMs: number | undefined
  readonly socketTimeoutInMs: number
  readonly transportType: EventHubProducerClientOptions['transportType']
  readonly customEndpoint: { readonly hostname: string; readonly port: number } | undefined
  readonly userAgent: string
  readonly logger: Logger
  readonly tracing: boolean
  readonly partitionIds: readonly string[] | undefined
  readonly sasl: 'cbs' | 'plain'
  readonly enableIdempotentRetries: boolean
  readonly keyedRouting: 'local' | 'service'
  readonly unkeyedRouting: 'sticky' | 'roundRobin' | 'service'
  readonly clock: Clock
  readonly random: () => number
}

const retryReaders = {
  maxRetries: wholeOf(3, 0),
  retryDelayInMs: durationOf(800),
  maxRetryDelayInMs: durationOf(120_000),
  mode: wordOf('exponential', 'fixed'),
  tryTimeoutInMs: durationOf(10_000, 1),
} satisfies ReadersOf<RetryOptions>

const readers = {
  // By the client.
  eventHubName: readElsewhere,
  bufferedMode: flagOf(false),
  onSuccess: optionalFunction<SuccessCallback>,
  onError: optionalFunction<ErrorCallback>,
  maxBufferLength: wholeOf(1500),
  maxBufferSizeInBytes: wholeOf(64 * 1024 * 1024),
  maxWaitTimeInMs: durationOf(1000),
  maxConcurrentSends: wholeOf(64),
  maxConcurrentSendsPerPartition: wholeOf(1),
  retryOptions: (name: string, value: unknown = {}) => readOptions(name, value, retryReaders),
  authTimeoutInMs: durationOf(60_000),
  idleTimeoutInMs: optional(durationOf(0, 1)),
  socketTimeoutInMs: durationOf(10_000, 1),
  transportType: parseTransportType,
  customEndpointAddress: parseCustomEndpoint,
  // By `parseSocketOptions`.
  httpProxy: readElsewhere,
  tls: readElsewhere,
  userAgent: parseUserAgent,
  logger: parseLogger,
  tracing: flagOf(true),
  partitionIds: parsePartitionIds,
  sasl: wordOf('cbs', 'plain'),
  enableIdempotentRetries: flagOf(false),
  keyedRouting: wordOf('local', 'service'),
  unkeyedRouting: wordOf('sticky', 'roundRobin', 'service'),
  clock: parseClock,
  random: optionalFunction<() => number>,
} satisfies ReadersOf<EventHubProducerClientOptions>

/**
 * Checks and completes the options of a client, but for those of sockets: see `parseSocketOptions`.
 *
 * @throws TypeError for a wrong name or kind, RangeError for a wrong number
 */
export function parseOptions(options: EventHubProducerClientOptions): ProducerSettings {
  const {
    retryOptions: retry,
    customEndpointAddress: customEndpoint,
    ...read
  } = readOptions('options', options, readers)
  const settings = { ...read, retry, customEndpoint, random: read.random ?? Math.random }
  if (settings.bufferedMode && !(settings.onSuccess && settings.onError)) {
    throw new TypeError(
      'bufferedMode needs both callbacks: onSuccess(events, partitionId) and onError(events, partitionId, error).',
    )
  }
  assertCanBeIdempotent(settings)
  return settings
}
