/**
 * Time, as `core/` sees it. Nothing else in `core/` reads a clock or starts a timer, so that the
 * whole producer runs under a virtual clock in tests.
 */
export interface Clock {
  /** Milliseconds that never go backwards. They may stand still while the process is frozen. */
  monotonicNow(): number
  /** Milliseconds since the Unix epoch. They may jump. */
  wallNow(): number
  /** Runs `callback` once, `delayInMs` from now. Returns what cancels it. */
  schedule(delayInMs: number, callback: () => void): () => void
}

/** `setTimeout` fires at once when asked for more than this. */
const longestTimeoutInMs = 2 ** 31 - 1

export const systemClock: Clock = {
  monotonicNow: () => performance.now(),
  wallNow: () => Date.now(),
  schedule(delayInMs, callback) {
    const timer = setTimeout(callback, Math.min(Math.max(delayInMs, 0), longestTimeoutInMs))
    return () => clearTimeout(timer)
  },
}
