/**
 * The source that triggers the producer, as a queue does: it makes numbered events at a rate, hands them out, and takes
 * back those that were not accepted, to deliver them again before any newer one.
 */
export class EventSource {
  readonly #capacity: number
  #next = 0
  /** Made, not yet handed out: from `#handedOut` up to `#next`. Returned ones wait apart, in order. */
  #handedOut = 0
  #returned: number[] = []
  #rate = 0
  #producedUntil = 0
  /** Thousandths of an event that are due. Whole numbers: nothing is lost over many looks. */
  #due = 0

  /** @param capacity waiting events at which it pauses: nobody takes them */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Events made so far; they are numbered from 0. */
  get created(): number {
    return this.#next
  }

  get waiting(): number {
    return this.#next - this.#handedOut + this.#returned.length
  }

  get isFull(): boolean {
    return this.waiting >= this.#capacity
  }

  /** From now on so many events per second; 0 for none. */
  setRate(eventsPerSecond: number, now: number): void {
    this.produce(now)
    this.#rate = eventsPerSecond
    this.#producedUntil = now
  }

  /** Makes what is due by `now`, in milliseconds. */
  produce(now: number): void {
    this.#due += Math.max(0, now - this.#producedUntil) * this.#rate
    this.#producedUntil = now
    const count = Math.max(0, Math.min(Math.floor(this.#due / 1000), this.#capacity - this.waiting))
    this.#next += count
    // What a full source could not make is not made up for.
    this.#due %= 1000
  }

  /** Up to `most` events, those that were returned first. */
  take(most: number): number[] {
    const again = this.#returned.splice(0, most)
    const fresh = Math.min(most - again.length, this.#next - this.#handedOut)
    const numbers = Array.from({ length: fresh }, (_, index) => this.#handedOut + index)
    this.#handedOut += fresh
    return [...again, ...numbers]
  }

  /** They were not accepted. */
  putBack(numbers: readonly number[]): void {
    this.#returned = [...this.#returned, ...numbers].sort((a, b) => a - b)
  }
}
