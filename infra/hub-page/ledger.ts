import type { Outcomes } from './protocol.js'

/**
 * Which numbers were seen: every one below `#below`, and those of `#above`. Small as long as the numbers come roughly in
 * order and none stays away for good.
 */
class NumberSet {
  #below = 0
  readonly #above = new Set<number>()

  /** Whether it was new. */
  add(number: number): boolean {
    if (this.has(number)) return false
    this.#above.add(number)
    while (this.#above.delete(this.#below)) this.#below++
    return true
  }

  has(number: number): boolean {
    return number < this.#below || this.#above.has(number)
  }

  get size(): number {
    return this.#below + this.#above.size
  }
}

/** Holds what the producer's client says of its events against what the hub has. */
export class Ledger {
  readonly #stored = new NumberSet()
  #outcomes: Outcomes = { accepted: 0, refused: 0, unknown: 0, returned: 0 }
  #taken = 0
  #underWay = 0
  #duplicates = 0
  #lost = 0

  get view(): {
    readonly taken: number
    readonly underWay: number
    readonly outcomes: Outcomes
    readonly stored: number
    readonly duplicates: number
    readonly lost: number
  } {
    return {
      taken: this.#taken,
      underWay: this.#underWay,
      outcomes: this.#outcomes,
      stored: this.#stored.size,
      duplicates: this.#duplicates,
      lost: this.#lost,
    }
  }

  /** The client was given so many events. */
  take(count: number): void {
    this.#taken += count
    this.#underWay += count
  }

  /** The client's report on what it was given. */
  settle(report: Outcomes): void {
    const { accepted, refused, unknown, returned } = this.#outcomes
    this.#outcomes = {
      accepted: accepted + report.accepted,
      refused: refused + report.refused,
      unknown: unknown + report.unknown,
      returned: returned + report.returned,
    }
    this.#underWay -= report.accepted + report.refused + report.unknown + report.returned
  }

  /** The client says that the hub has these. The hub stores before it answers, so it is known by now. */
  claimAccepted(numbers: readonly number[]): void {
    for (const number of numbers) if (!this.#stored.has(number)) this.#lost++
  }

  /** The hub has stored it. Returns false for a further copy. */
  store(number: number): boolean {
    const isFirst = this.#stored.add(number)
    if (!isFirst) this.#duplicates++
    return isFirst
  }
}
