/**
 * What is known about an event that was not accepted.
 *
 * - `refused`: the service, or a limit, said no. It is not in the event hub.
 * - `unknown`: it left this process and no answer came. It may be in the event hub.
 * - `returned`: it certainly never left this process. It is not in the event hub.
 */
export type FailureOutcome = 'refused' | 'unknown' | 'returned'

/** Stable, machine-readable reasons. Branch on these, never on messages. */
export type EventHubErrorCode =
  | 'aborted'
  | 'argument-error'
  | 'authentication-failed'
  | 'client-closed'
  | 'connection-lost'
  | 'entity-disabled'
  | 'entity-not-found'
  | 'event-too-large'
  | 'invocation-ended'
  | 'not-supported'
  | 'out-of-order-sequence'
  | 'predecessor-failed'
  | 'producer-epoch-stolen'
  | 'protocol-error'
  | 'publisher-revoked'
  | 'quota-exceeded'
  | 'server-busy'
  | 'service-error'
  | 'timeout'
  | 'unauthorized'
  | 'unexpected'

/** What an `EventHubError` is made of. */
export interface EventHubErrorDetails {
  /** Why it happened, for programs. */
  readonly code: EventHubErrorCode
  /** Whether the same call can succeed later, unchanged. Default: false. */
  readonly retryable?: boolean
  /** What is known about the events concerned. Default: `returned`. */
  readonly outcome?: FailureOutcome
  /** How long the service asked to be left alone, in milliseconds. */
  readonly retryAfterInMs?: number
  /** The AMQP error condition or HTTP status that this was made from, when there was one. */
  readonly condition?: string
  /** What was thrown beneath. */
  readonly cause?: unknown
}

/** Every error this library rejects with, except `TypeError` and `RangeError` for a wrong call. */
export class EventHubError extends Error {
  /** `EventHubError` or `OperationTimeoutError`. */
  override readonly name: string = 'EventHubError'
  /** Why it happened, for programs; the message is for people. */
  readonly code: EventHubErrorCode
  /** Whether the same call can succeed later, unchanged. */
  readonly retryable: boolean
  /** What is known about the events concerned. */
  readonly outcome: FailureOutcome
  /** How long the service asked to be left alone, in milliseconds; undefined when it did not ask. */
  readonly retryAfterInMs: number | undefined
  /** The AMQP error condition or HTTP status that this was made from; undefined when there was none. */
  readonly condition: string | undefined

  constructor(message: string, details: EventHubErrorDetails) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = details.code
    this.retryable = details.retryable ?? false
    this.outcome = details.outcome ?? 'returned'
    this.retryAfterInMs = details.retryAfterInMs
    this.condition = details.condition
  }

  /** The same error with another outcome: used when an earlier attempt decides what is known. */
  withOutcome(outcome: FailureOutcome): EventHubError {
    if (outcome === this.outcome) return this
    const { code, retryable, retryAfterInMs, condition, cause } = this
    const details = {
      code,
      retryable,
      outcome,
      cause,
      ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
      ...(condition === undefined ? {} : { condition }),
    }
    return this instanceof OperationTimeoutError
      ? new OperationTimeoutError(this.message, details)
      : new EventHubError(this.message, details)
  }
}

/** A wait ran out of time. The Python client's `OperationTimeoutError`; its `code` is `timeout`. */
export class OperationTimeoutError extends EventHubError {
  /** Always `OperationTimeoutError`. */
  override readonly name = 'OperationTimeoutError'

  constructor(message: string, details: Partial<Omit<EventHubErrorDetails, 'code'>> = {}) {
    super(message, { retryable: true, ...details, code: 'timeout' })
  }
}

/** The error for an abort: our own reason as it is, anything else as the cause of an `aborted` error. */
export function abortedError(reason: unknown, outcome: FailureOutcome = 'returned'): EventHubError {
  if (reason instanceof EventHubError) return reason.withOutcome(outcome)
  return new EventHubError('The operation was aborted by its AbortSignal.', {
    code: 'aborted',
    outcome,
    cause: reason,
  })
}

/** Anything thrown, as an `EventHubError`. What is not recognized is not retried. */
export function toEventHubError(error: unknown, outcome: FailureOutcome = 'returned'): EventHubError {
  if (error instanceof EventHubError) return error
  const message = error instanceof Error ? error.message : String(error)
  return new EventHubError(message, { code: 'unexpected', outcome, cause: error })
}

/** A wrong argument, as an `EventHubError`: refused for good, however often it is sent. */
export function asRefusal(thrown: unknown): EventHubError {
  if (!(thrown instanceof TypeError || thrown instanceof RangeError)) return toEventHubError(thrown)
  return new EventHubError(thrown.message, { code: 'argument-error', outcome: 'refused', cause: thrown })
}
