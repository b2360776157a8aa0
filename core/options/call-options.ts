import { abortSignal, duration, flag, oneOf, refuseUnknownOptions, whole } from './checks.js'

/** Limits of a call. */
export interface OperationOptions {
  /**
   * Longest wait, in milliseconds; an `OperationTimeoutError` ends it. Default: 60000, retries included, each attempt
   * no longer than `retryOptions.tryTimeoutInMs`.
   */
  readonly timeoutInMs?: number | undefined
  /** Ends the wait with an `EventHubError` of code `aborted`. Default: none. */
  readonly abortSignal?: AbortSignal | undefined
}

/** Options of `EventHubProducerClient.close`. */
export interface CloseOptions extends OperationOptions {
  /** Send what is buffered first. Default: true. */
  readonly flush?: boolean | undefined
}

/** Options of `EventHubProducerClient.createBatch`. */
export interface CreateBatchOptions {
  /** Send the batch to this partition. Wins over `partitionKey`. Default: none. */
  readonly partitionId?: string | undefined
  /** Put on every event of the batch; the service chooses the partition by it. Default: none. */
  readonly partitionKey?: string | undefined
  /** From 1 up, envelope included. Default, and most: what one message may hold (1 MiB until the service has told). */
  readonly maxSizeInBytes?: number | undefined
}

/** Options of `EventHubProducerClient.warmUp`. */
export interface WarmUpOptions {
  /** Longest wait, in milliseconds. Default: the client's `socketTimeoutInMs`. */
  readonly timeoutInMs?: number | undefined
  /** Ends the wait. Default: none. */
  readonly abortSignal?: AbortSignal | undefined
}

/** Options of `EventHubProducerClient.beginInvocation`. */
export interface BeginInvocationOptions {
  /** The time this invocation has left, in milliseconds. Default: 30000. */
  readonly timeoutInMs?: number | undefined
  /** Kept back at the end for the answer, in milliseconds. Default: a tenth of `timeoutInMs`, at most 500. */
  readonly reserveInMs?: number | undefined
  /** After a failure, whether later events of the same key (or partition) are sent or `returned`. Default: `continue`. */
  readonly afterFailure?: 'continue' | 'stop' | undefined
  /** Gives up everything that is not accepted yet. Default: none. */
  readonly abortSignal?: AbortSignal | undefined
}

const operationOptionNames: ReadonlySet<string> = new Set<keyof OperationOptions>(['timeoutInMs', 'abortSignal'])
const closeOptionNames: ReadonlySet<string> = new Set<keyof CloseOptions>(['flush', 'timeoutInMs', 'abortSignal'])
const batchOptionNames: ReadonlySet<string> = new Set<keyof CreateBatchOptions>([
  'partitionId',
  'partitionKey',
  'maxSizeInBytes',
])
const warmUpOptionNames: ReadonlySet<string> = new Set<keyof WarmUpOptions>(['timeoutInMs', 'abortSignal'])
const invocationOptionNames: ReadonlySet<string> = new Set<keyof BeginInvocationOptions>([
  'timeoutInMs',
  'reserveInMs',
  'afterFailure',
  'abortSignal',
])

const defaultInvocationTimeoutInMs = 30_000
const longestReserveInMs = 500

/** Limits as the caller named them. */
export interface ParsedLimits {
  readonly timeoutInMs: number | undefined
  readonly signal: AbortSignal | undefined
}

function limitsOf({ timeoutInMs, abortSignal: signal }: OperationOptions): ParsedLimits {
  return {
    timeoutInMs: timeoutInMs === undefined ? undefined : duration('timeoutInMs', timeoutInMs, 0),
    signal: abortSignal('abortSignal', signal),
  }
}

/** Options of `flush` and of what asks for properties. */
export function parseOperationOptions(options: OperationOptions): ParsedLimits {
  refuseUnknownOptions('call options', options, operationOptionNames)
  return limitsOf(options)
}

export function parseCloseOptions(options: CloseOptions): ParsedLimits & { readonly flush: boolean } {
  refuseUnknownOptions('close options', options, closeOptionNames)
  return { flush: flag('flush', options.flush, true), ...limitsOf(options) }
}

/** Where the batch goes is checked as for any send. */
export function parseCreateBatchOptions(options: CreateBatchOptions): {
  readonly target: Pick<CreateBatchOptions, 'partitionId' | 'partitionKey'>
  readonly maxSizeInBytes: number | undefined
} {
  refuseUnknownOptions('batch options', options, batchOptionNames)
  const { partitionId, partitionKey, maxSizeInBytes } = options
  return {
    target: { partitionId, partitionKey },
    maxSizeInBytes: maxSizeInBytes === undefined ? undefined : whole('maxSizeInBytes', maxSizeInBytes, 1, 1),
  }
}

/** @param byDefault the time to warm up, in milliseconds */
export function parseWarmUpOptions(
  options: WarmUpOptions,
  byDefault: number,
): ParsedLimits & { readonly timeoutInMs: number } {
  refuseUnknownOptions('warm-up options', options, warmUpOptionNames)
  return {
    timeoutInMs: duration('timeoutInMs', options.timeoutInMs, byDefault),
    signal: abortSignal('abortSignal', options.abortSignal),
  }
}

export function parseBeginInvocationOptions(options: BeginInvocationOptions): {
  readonly timeoutInMs: number
  readonly reserveInMs: number
  readonly afterFailure: 'continue' | 'stop'
  readonly signal: AbortSignal | undefined
} {
  refuseUnknownOptions('invocation options', options, invocationOptionNames)
  const timeoutInMs = duration('timeoutInMs', options.timeoutInMs, defaultInvocationTimeoutInMs)
  return {
    timeoutInMs,
    reserveInMs: duration('reserveInMs', options.reserveInMs, Math.min(timeoutInMs / 10, longestReserveInMs)),
    afterFailure: oneOf('afterFailure', options.afterFailure, ['continue', 'stop'] as const),
    signal: abortSignal('abortSignal', options.abortSignal),
  }
}
