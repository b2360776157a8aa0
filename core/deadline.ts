import { onAbort } from './abort.js'
import type { Clock } from './clock.js'
import { abortedError, type EventHubError } from './errors.js'
import type { OperationLimits } from './transport.js'

/** The reading of the monotonic clock `timeoutInMs` from now; `undefined` means no end. */
export function deadlineIn(clock: Clock, timeoutInMs: number | undefined): number {
  return timeoutInMs === undefined ? Number.POSITIVE_INFINITY : clock.monotonicNow() + timeoutInMs
}

/** Milliseconds left, never negative. */
export function remainingTime(clock: Clock, deadline: number): number {
  return Math.max(0, deadline - clock.monotonicNow())
}

/** The same limits, ending no later than `timeoutInMs` from now. */
export function within(clock: Clock, limits: OperationLimits, timeoutInMs: number): OperationLimits {
  return { deadline: Math.min(limits.deadline, clock.monotonicNow() + timeoutInMs), signal: limits.signal }
}

/** Resolves `delayInMs` from now, or rejects as soon as `signal` aborts. */
export function wait(clock: Clock, delayInMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    let cancel = () => {}
    const release = onAbort(signal, () => {
      cancel()
      reject(abortedError(signal?.reason))
    })
    if (signal?.aborted) return
    cancel = clock.schedule(delayInMs, () => {
      release()
      resolve()
    })
  })
}

/**
 * `promise`, but no later than the limits allow. Whoever loses the race is not cancelled: that is the
 * caller's business. Leaves no timer and no listener behind.
 */
export function bounded<T>(
  clock: Clock,
  promise: Promise<T>,
  limits: OperationLimits,
  onTimeout: () => EventHubError,
): Promise<T> {
  const { deadline, signal } = limits
  if (deadline === Number.POSITIVE_INFINITY && !signal) return promise
  return new Promise<T>((resolve, reject) => {
    let cancelTimer = () => {}
    let release = () => {}
    const cleanUp = () => {
      cancelTimer()
      release()
    }
    promise.then(
      (value) => {
        cleanUp()
        resolve(value)
      },
      (error) => {
        cleanUp()
        reject(error)
      },
    )
    release = onAbort(signal, () => {
      cleanUp()
      reject(abortedError(signal?.reason))
    })
    if (signal?.aborted || deadline === Number.POSITIVE_INFINITY) return
    cancelTimer = clock.schedule(remainingTime(clock, deadline), () => {
      cleanUp()
      reject(onTimeout())
    })
  })
}
