import { abortSignal, duration, kindOf, refuseUnknownOptions } from './options.js'
import type { Logger } from './transport.js'

/** Options of `sendEvent` and `sendBatch`. */
export interface SendOptions {
  /** Sends to this partition. Wins over `partitionKey`. Default: none. */
  readonly partitionId?: string | undefined
  /** Events of one key go to one partition, in order. Kept on the event. Default: none. */
  readonly partitionKey?: string | undefined
  /**
   * Longest wait, in milliseconds; an `OperationTimeoutError` ends it.
   *
   * - In buffered mode: for room in the buffer. Default: 60000.
   * - In an invocation: for room in the buffer. Default, and most: the time that the invocation has left.
   * - Otherwise: for the acceptance, retries included. Default: no limit but that of `retryOptions`, by default about
   *   45 s: four attempts of at most 10 s and the pauses between them (more where a busy service asks for longer ones),
   *   after the wait for one of `maxConcurrentSends`.
   */
  readonly timeoutInMs?: number | undefined
  /**
   * Ends the wait with an `EventHubError` of code `aborted`. In buffered mode and invocations it ends the wait for room
   * alone; otherwise what has not been accepted yet is given up. Default: none.
   */
  readonly abortSignal?: AbortSignal | undefined
}

const sendOptionNames: ReadonlySet<string> = new Set<keyof SendOptions>([
  'partitionId',
  'partitionKey',
  'timeoutInMs',
  'abortSignal',
])

export interface ParsedSendOptions {
  readonly partitionId: string | undefined
  readonly partitionKey: string | undefined
  readonly timeoutInMs: number | undefined
  readonly signal: AbortSignal | undefined
}

const none: ParsedSendOptions = {
  partitionId: undefined,
  partitionKey: undefined,
  timeoutInMs: undefined,
  signal: undefined,
}

/** Checks the options of one send. A key that is not a string is ignored with a warning, as in the Python client. */
export function parseSendOptions(options: SendOptions | undefined, logger: Logger): ParsedSendOptions {
  if (options === undefined) return none
  refuseUnknownOptions('send options', options, sendOptionNames)
  const { partitionId } = options
  let { partitionKey } = options
  if (partitionId !== undefined && typeof partitionId !== 'string') {
    throw new TypeError(`partitionId must be a string such as '0'; received ${kindOf(partitionId)}.`)
  }
  if (partitionKey !== undefined && typeof partitionKey !== 'string') {
    if (partitionKey !== null) {
      logger.warn?.(
        `A partitionKey of type ${typeof partitionKey} was ignored: keys are strings. Convert it with String(key).`,
      )
    }
    partitionKey = undefined
  }
  return {
    partitionId,
    partitionKey: partitionId === undefined ? partitionKey : undefined,
    timeoutInMs: options.timeoutInMs === undefined ? undefined : duration('timeoutInMs', options.timeoutInMs, 0),
    signal: abortSignal('abortSignal', options.abortSignal),
  }
}

/** A given batch already knows where it goes. */
export function refuseTargetBesideBatch(options: ParsedSendOptions): ParsedSendOptions {
  if (options.partitionId === undefined && options.partitionKey === undefined) return options
  throw new TypeError(
    'An EventDataBatch goes where it was made for: pass partitionId or partitionKey to createBatch, not to sendBatch.',
  )
}
