interface Waiter {
  readonly through: number
  readonly resolve: () => void
}

/**
 * Counts what was taken and not settled, by epoch: each flush ends an epoch and waits for it and all
 * before it, while new events already belong to the next.
 */
export class PendingCount {
  readonly #byEpoch = new Map<number, number>()
  #waiters: Waiter[] = []
  #epoch = 0
  #total = 0

  /** The epoch that new events belong to. */
  get epoch(): number {
    return this.#epoch
  }

  get total(): number {
    return this.#total
  }

  add(epoch: number, count: number): void {
    this.#total += count
    this.#byEpoch.set(epoch, (this.#byEpoch.get(epoch) ?? 0) + count)
  }

  settle(epoch: number): void {
    this.#total--
    const left = (this.#byEpoch.get(epoch) ?? 0) - 1
    if (left > 0) {
      this.#byEpoch.set(epoch, left)
      return
    }
    this.#byEpoch.delete(epoch)
    if (this.#waiters.length === 0) return
    const oldest = Math.min(...this.#byEpoch.keys())
    this.#waiters = this.#waiters.filter((waiter) => {
      if (oldest <= waiter.through) return true
      waiter.resolve()
      return false
    })
  }

  /** Ends the current epoch; resolves once everything added so far is settled. */
  whenSettled(): Promise<void> {
    if (this.#total === 0) return Promise.resolve()
    const through = this.#epoch++
    return new Promise((resolve) => this.#waiters.push({ through, resolve }))
  }
}
