import type { Clock } from '../../core/clock.js'

interface Timer {
  readonly at: number
  readonly order: number
  readonly callback: () => void
}

/** Time that moves only when a test says so. */
export class VirtualClock implements Clock {
  #monotonic = 1_000
  #wallOffset = 1_700_000_000_000
  #order = 0
  readonly #timers = new Set<Timer>()

  monotonicNow(): number {
    return this.#monotonic
  }

  wallNow(): number {
    return this.#monotonic + this.#wallOffset
  }

  schedule(delayInMs: number, callback: () => void): () => void {
    const timer = { at: this.#monotonic + Math.max(0, delayInMs), order: this.#order++, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  get pendingTimers(): number {
    return this.#timers.size
  }

  /** Runs what is due within `ms`, in order, letting promises settle before, between and after. */
  async advance(ms: number): Promise<void> {
    const until = this.#monotonic + ms
    await settlePromises()
    for (;;) {
      const next = this.#next(until)
      if (!next) break
      this.#timers.delete(next)
      this.#monotonic = Math.max(this.#monotonic, next.at)
      next.callback()
      await settlePromises()
    }
    this.#monotonic = until
    await settlePromises()
  }

  /** The wall clock is set, forward or back. */
  jumpWall(ms: number): void {
    this.#wallOffset += ms
  }

  /** The machine sleeps: the wall clock moves on, the monotonic one stands still. */
  freeze(ms: number): void {
    this.#wallOffset += ms
  }

  #next(until: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.at > until) continue
      if (!next || timer.at < next.at || (timer.at === next.at && timer.order < next.order)) next = timer
    }
    return next
  }
}

/** Lets everything that is ready to run do so, however long its chain of promises. */
export function settlePromises(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
