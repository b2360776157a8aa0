import type { Clock } from '../clock.js'
import { bounded } from '../deadline.js'
import type { OperationTimeoutError } from '../errors.js'
import type { OperationLimits } from '../transport.js'

/** Limits how many sends are under way at once, over all owners; first come, first served. */
export class SendSlots {
  #free: number
  readonly #waiting = new Set<() => void>()

  constructor(count: number) {
    this.#free = count
  }

  /**
   * Calls `start` as soon as a slot is free, at once if one is. Whoever was started owes a `release`.
   * Returns what takes the request back while it still waits.
   */
  request(start: () => void): () => void {
    if (this.#free > 0) {
      this.#free--
      start()
      return () => {}
    }
    // A closure of its own, so that the same function may wait twice.
    const waiter = () => start()
    this.#waiting.add(waiter)
    return () => this.#waiting.delete(waiter)
  }

  release(): void {
    for (const next of this.#waiting) {
      this.#waiting.delete(next)
      next()
      return
    }
    this.#free++
  }
}

/** Resolves once a slot is held, which the caller then has to release. Rejects when the limits end first. */
export async function acquireSlot(
  slots: SendSlots,
  clock: Clock,
  limits: OperationLimits,
  ranOut: () => OperationTimeoutError,
): Promise<void> {
  let cancel = () => {}
  const granted = new Promise<void>((resolve) => {
    cancel = slots.request(resolve)
  })
  try {
    await bounded(clock, granted, limits, ranOut)
  } catch (error) {
    cancel()
    // Granted in the same instant as it was given up: hand it on.
    void granted.then(() => slots.release())
    throw error
  }
}
