import type { EventHubError, FailureOutcome } from './errors.js'
import type { EventInput } from './event-data.js'

/** One event of an invocation that was not accepted. */
export interface FlushFailure {
  /** Position among this invocation's events, in call order, from 0. Arrays count one by one. */
  readonly index: number
  /** The event as the caller passed it. */
  readonly event: EventInput
  /** Where it was to go; absent where the service was to choose, or the partition was not known yet. */
  readonly partitionId?: string
  /** What is known of it; the same as `error.outcome`. */
  readonly outcome: FailureOutcome
  /** Why it was not accepted. */
  readonly error: EventHubError
}

/** What settled since the flush before this one. */
export interface FlushReport {
  /** Events that Event Hubs has accepted. */
  readonly accepted: number
  /** Events that were not, by ascending `index`. */
  readonly failures: readonly FlushFailure[]
  /** Milliseconds that the flush took. */
  readonly durationInMs: number
}
