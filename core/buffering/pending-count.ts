interface Waiter {
  readonly through: number
  readonly resolve: () => void
}

/**
 * Counts what was taken and not settled, by epoch: each flush ends an epoch and waits for it and all
 * before it, while new events already belong to the next.
 */
export class PendingCount {
  /** Of epochs that have ended and are not settled; the current one has a count of its own, as the one most used. */
  readonly #byEpoch = new Map<number, number>()
  #current = 0
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

  /** So many more, in the current epoch. */
  add(count: number): void {
    this.#total += count
    this.#current += count
  }

  settle(epoch: number, count = 1): void {
    this.#total -= count
    if (epoch === this.#epoch) {
      this.#current -= count
      return
    }
    const left = (this.#byEpoch.get(epoch) ?? 0) - count
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
    if (this.#current > 0) this.#byEpoch.set(through, this.#current)
    this.#current = 0
    return new Promise((resolve) => this.#waiters.push({ through, resolve }))
  }
}
