import type { Position } from './position.js'
import { type Range, RangeSet } from './range-set.js'

/**
 * Which records are settled: all before the watermark, and ranges of numbers after it. The watermark stands where a block
 * ended, since that is where offset and checksum are known, and moves on as soon as all before such a place is settled.
 */
export class Watermark {
  readonly #settled = new RangeSet()
  /** Where blocks ended that were read and are not settled whole. */
  #ends: Position[] = []
  #position: Position

  /** @param settled ranges after the position that are settled already */
  constructor(position: Position, settled: readonly Range[] = []) {
    this.#position = position
    for (const [from, to] of settled) this.#settled.add(from, to)
  }

  get position(): Position {
    return this.#position
  }

  /** Settled after the watermark, in order. */
  get ranges(): readonly Range[] {
    return this.#settled.ranges
  }

  isSettled(number: number): boolean {
    return number <= this.#position.records || this.#settled.has(number)
  }

  /** A block was read that ends here. */
  read(end: Position): void {
    this.#ends.push(end)
  }

  /** Returns whether the watermark has moved. */
  settle(ranges: readonly Range[]): boolean {
    for (const [from, to] of ranges) this.#settled.add(from, to)
    return this.advance()
  }

  /** Moves the watermark as far as all is settled. */
  advance(): boolean {
    const before = this.#position
    const unsettled = this.#settled.firstGapFrom(before.records + 1)
    let passed = 0
    for (const end of this.#ends) {
      if (end.records >= unsettled) break
      this.#position = end
      passed++
    }
    if (passed === 0) return false
    this.#ends.splice(0, passed)
    this.#settled.dropBelow(this.#position.records + 1)
    return true
  }
}
