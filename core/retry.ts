import type { Clock } from './clock.js'
import { remainingTime, wait, within } from './deadline.js'
import { abortedError, type EventHubError, OperationTimeoutError, toEventHubError } from './errors.js'
import type { Logger, OperationLimits } from './transport.js'

/** How failed sends are repeated. Times in milliseconds. */
export interface RetryOptions {
  /** Further attempts after the first. Default: 3. */
  readonly maxRetries?: number | undefined
  /** The first pause (exponential) or every pause (fixed). Default: 800. */
  readonly retryDelayInMs?: number | undefined
  /** No pause is longer, unless the service asks for more. Default: 120000. */
  readonly maxRetryDelayInMs?: number | undefined
  /** Default: `exponential`. */
  readonly mode?: 'exponential' | 'fixed' | undefined
  /** Longest wait for one attempt's answer. Default: 10000. */
  readonly tryTimeoutInMs?: number | undefined
}

export interface RetryPolicy {
  readonly maxRetries: number
  readonly retryDelayInMs: number
  readonly maxRetryDelayInMs: number
  readonly mode: 'exponential' | 'fixed'
  readonly tryTimeoutInMs: number
}

/** What a busy service is given when it names no time itself (the official SDKs wait as long). */
const serverBusyDelayInMs = 4000

/**
 * The pause before attempt number `attempt + 1`, or undefined when there must be none.
 * `attempt` counts the attempts made so far. Pauses are spread by ±20 %, up to the longest allowed, so that
 * clients which failed together do not come back together.
 */
export function delayBeforeRetry(
  policy: RetryPolicy,
  attempt: number,
  error: EventHubError,
  random: () => number,
): number | undefined {
  if (!error.retryable || attempt > policy.maxRetries) return undefined
  // Bounded, since a delay of 0 times infinity is no number.
  const growth = policy.mode === 'exponential' ? 2 ** Math.min(attempt - 1, 60) : 1
  const delay = Math.min(policy.retryDelayInMs * growth, policy.maxRetryDelayInMs)
  const [shortest, longest] = [delay * 0.8, Math.min(delay * 1.2, policy.maxRetryDelayInMs)]
  const spread = shortest + (longest - shortest) * random()
  const asked = error.retryAfterInMs ?? (error.code === 'server-busy' ? serverBusyDelayInMs : 0)
  return Math.max(spread, asked)
}

export interface RetryEnvironment {
  readonly policy: RetryPolicy
  readonly clock: Clock
  readonly random: () => number
  readonly logger?: Logger
}

/**
 * Runs `operation` until it succeeds, fails for good, or the limits leave no room for another attempt.
 * Each attempt gets limits of its own, cut to `tryTimeoutInMs`.
 *
 * Rejects with an `EventHubError`. Once any attempt had outcome `unknown`, so has the whole: a later
 * refusal says nothing about the copy that may have arrived.
 */
export async function runWithRetries<T>(
  operation: (limits: OperationLimits) => Promise<T>,
  { policy, clock, random, logger }: RetryEnvironment,
  limits: OperationLimits,
): Promise<T> {
  let mayHaveArrived = false
  for (let attempt = 1; ; attempt++) {
    let error: EventHubError
    try {
      if (limits.signal?.aborted) throw abortedError(limits.signal.reason)
      if (remainingTime(clock, limits.deadline) === 0) {
        throw new OperationTimeoutError('The deadline passed before the operation could start.')
      }
      return await operation(within(clock, limits, policy.tryTimeoutInMs))
    } catch (thrown) {
      error = toEventHubError(thrown)
    }
    mayHaveArrived ||= error.outcome === 'unknown'
    const delay = delayBeforeRetry(policy, attempt, error, random)
    if (delay === undefined || delay >= remainingTime(clock, limits.deadline)) {
      throw mayHaveArrived ? error.withOutcome('unknown') : error
    }
    logger?.debug?.(
      `eventhub-sluice: attempt ${attempt} failed: ${error.message} Trying again in ${Math.round(delay)} ms.`,
    )
    try {
      await wait(clock, delay, limits.signal)
    } catch (aborted) {
      const reason = toEventHubError(aborted)
      throw mayHaveArrived ? reason.withOutcome('unknown') : reason
    }
  }
}
