import { abortSignal } from './checks.js'
import { asGiven, durationOf, flagOf, optional, type ReadersOf, readOptions, wholeOf, wordOf } from './readers.js'

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

const defaultInvocationTimeoutInMs = 30_000
const longestReserveInMs = 500

const limitReaders = { timeoutInMs: optional(durationOf(0)), abortSignal } satisfies ReadersOf<OperationOptions>
const closeReaders = { flush: flagOf(true), ...limitReaders } satisfies ReadersOf<CloseOptions>
const batchReaders = {
  // Checked as for any send.
  partitionId: asGiven<CreateBatchOptions['partitionId']>,
  partitionKey: asGiven<CreateBatchOptions['partitionKey']>,
  maxSizeInBytes: optional(wholeOf(1)),
} satisfies ReadersOf<CreateBatchOptions>
const invocationReaders = {
  timeoutInMs: durationOf(defaultInvocationTimeoutInMs),
  reserveInMs: optional(durationOf(0)),
  afterFailure: wordOf('continue', 'stop'),
  abortSignal,
} satisfies ReadersOf<BeginInvocationOptions>

/** Limits as the caller named them. */
export interface ParsedLimits {
  readonly timeoutInMs: number | undefined
  readonly abortSignal: AbortSignal | undefined
}

/** Options of `flush` and of what asks for properties. */
export function parseOperationOptions(options: OperationOptions): ParsedLimits {
  return readOptions('call options', options, limitReaders)
}

export function parseCloseOptions(options: CloseOptions): ParsedLimits & { readonly flush: boolean } {
  return readOptions('close options', options, closeReaders)
}

export function parseCreateBatchOptions(options: CreateBatchOptions): Pick<
  CreateBatchOptions,
  'partitionId' | 'partitionKey'
> & {
  readonly maxSizeInBytes: number | undefined
} {
  return readOptions('batch options', options, batchReaders)
}

/** @param byDefault the time to warm up, in milliseconds */
export function parseWarmUpOptions(
  options: WarmUpOptions,
  byDefault: number,
): ParsedLimits & { readonly timeoutInMs: number } {
  const { timeoutInMs = byDefault, abortSignal } = readOptions('warm-up options', options, limitReaders)
  return { timeoutInMs, abortSignal }
}

export function parseBeginInvocationOptions(options: BeginInvocationOptions): ParsedLimits & {
  readonly timeoutInMs: number
  readonly reserveInMs: number
  readonly afterFailure: 'continue' | 'stop'
} {
  const read = readOptions('invocation options', options, invocationReaders)
  return { ...read, reserveInMs: read.reserveInMs ?? Math.min(read.timeoutInMs / 10, longestReserveInMs) }
}
