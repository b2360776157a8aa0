import { type Clock, systemClock } from './clock.js'
import { duration, flag, kindOf, oneOf, optionalFunction, refuseUnknownOptions, whole } from './options/checks.js'
import type { ErrorCallback, EventHubProducerClientOptions, SuccessCallback } from './options/client-options.js'
import { type HttpProxyOptions, parseHttpProxy } from './options/http-proxy.js'
import { parseLogger } from './options/logger.js'
import { parseTls, type TlsOptions } from './options/tls.js'
import {
  parseCustomEndpoint,
  parseIdempotentRetries,
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
  refuseUnknownOptions,
  whole,
} from './options/checks.js'
export type * from './options/client-options.js'
export type { HttpProxyOptions } from './options/http-proxy.js'
export { parseLogger } from './options/logger.js'
export type { Pem, TlsOptions, TlsVersion } from './options/tls.js'
export { packageVersion } from './options/values.js'
export type { Logger } from './transport.js'

/** Options after parsing: complete, checked, and trusted from here on. */
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
  readonly httpProxy: HttpProxyOptions | undefined
  readonly customEndpoint: { readonly hostname: string; readonly port: number } | undefined
  readonly tls: TlsOptions | undefined
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

const optionNames: ReadonlySet<string> = new Set<keyof EventHubProducerClientOptions>([
  'eventHubName',
  'bufferedMode',
  'onSuccess',
  'onError',
  'maxBufferLength',
  'maxBufferSizeInBytes',
  'maxWaitTimeInMs',
  'maxConcurrentSends',
  'maxConcurrentSendsPerPartition',
  'retryOptions',
  'authTimeoutInMs',
  'idleTimeoutInMs',
  'socketTimeoutInMs',
  'transportType',
  'httpProxy',
  'customEndpointAddress',
  'tls',
  'userAgent',
  'logger',
  'tracing',
  'partitionIds',
  'sasl',
  'enableIdempotentRetries',
  'keyedRouting',
  'unkeyedRouting',
  'clock',
  'random',
])

const retryOptionNames: ReadonlySet<string> = new Set<keyof RetryOptions>([
  'maxRetries',
  'retryDelayInMs',
  'maxRetryDelayInMs',
  'mode',
  'tryTimeoutInMs',
])

/**
 * Checks and completes the options of a client.
 *
 * @throws TypeError for a wrong name or kind, RangeError for a wrong number
 */
export function parseOptions(options: EventHubProducerClientOptions): ProducerSettings {
  refuseUnknownOptions('options', options, optionNames)
  const { retryOptions = {} } = options
  refuseUnknownOptions('retryOptions', retryOptions, retryOptionNames)
  return {
    ...parseMode(options),
    maxBufferLength: whole('maxBufferLength', options.maxBufferLength, 1500, 1),
    maxBufferSizeInBytes: whole('maxBufferSizeInBytes', options.maxBufferSizeInBytes, 64 * 1024 * 1024, 1),
    maxWaitTimeInMs: duration('maxWaitTimeInMs', options.maxWaitTimeInMs, 1000),
    maxConcurrentSends: whole('maxConcurrentSends', options.maxConcurrentSends, 64, 1),
    maxConcurrentSendsPerPartition: whole(
      'maxConcurrentSendsPerPartition',
      options.maxConcurrentSendsPerPartition,
      1,
      1,
    ),
    retry: parseRetryOptions(retryOptions),
    authTimeoutInMs: duration('authTimeoutInMs', options.authTimeoutInMs, 60_000),
    idleTimeoutInMs:
      options.idleTimeoutInMs === undefined ? undefined : duration('idleTimeoutInMs', options.idleTimeoutInMs, 0, 1),
    socketTimeoutInMs: duration('socketTimeoutInMs', options.socketTimeoutInMs, 10_000, 1),
    transportType: parseTransportType(options.transportType),
    httpProxy: parseHttpProxy(options.httpProxy),
    customEndpoint: parseCustomEndpoint(options.customEndpointAddress),
    tls: parseTls(options.tls),
    userAgent: parseUserAgent(options.userAgent),
    logger: parseLogger('logger', options.logger),
    tracing: flag('tracing', options.tracing, true),
    partitionIds: parsePartitionIds(options.partitionIds),
    sasl: oneOf('sasl', options.sasl, ['cbs', 'plain'] as const),
    enableIdempotentRetries: parseIdempotentRetries(options),
    keyedRouting: oneOf('keyedRouting', options.keyedRouting, ['local', 'service'] as const),
    unkeyedRouting: oneOf('unkeyedRouting', options.unkeyedRouting, ['sticky', 'roundRobin', 'service'] as const),
    clock: parseClock(options.clock),
    random: optionalFunction('random', options.random) ?? Math.random,
  }
}

function parseMode(
  options: EventHubProducerClientOptions,
): Pick<ProducerSettings, 'bufferedMode' | 'onSuccess' | 'onError'> {
  const bufferedMode = flag('bufferedMode', options.bufferedMode, false)
  const { onSuccess, onError } = options
  if (bufferedMode && (typeof onSuccess !== 'function' || typeof onError !== 'function')) {
    throw new TypeError(
      'bufferedMode needs both callbacks: onSuccess(events, partitionId) and onError(events, partitionId, error).',
    )
  }
  return {
    bufferedMode,
    onSuccess: optionalFunction('onSuccess', onSuccess),
    onError: optionalFunction('onError', onError),
  }
}

function parseRetryOptions(options: RetryOptions): RetryPolicy {
  return {
    maxRetries: whole('retryOptions.maxRetries', options.maxRetries, 3, 0),
    retryDelayInMs: duration('retryOptions.retryDelayInMs', options.retryDelayInMs, 800),
    maxRetryDelayInMs: duration('retryOptions.maxRetryDelayInMs', options.maxRetryDelayInMs, 120_000),
    mode: oneOf('retryOptions.mode', options.mode, ['exponential', 'fixed'] as const),
    tryTimeoutInMs: duration('retryOptions.tryTimeoutInMs', options.tryTimeoutInMs, 10_000, 1),
  }
}

function parseClock(clock: Clock | undefined): Clock {
  if (clock === undefined) return systemClock
  const { monotonicNow, wallNow, schedule } = (clock ?? {}) as Partial<Clock>
  if ([monotonicNow, wallNow, schedule].every((method) => typeof method === 'function')) return clock
  throw new TypeError(
    `clock must be an object with the functions monotonicNow, wallNow and schedule; received ${kindOf(clock)}.`,
  )
}
