import type { Position } from './position.js'
import { type Range, RangeSet } from './range-set.js'

/**
 * Which records are settled: all before the watermark, and ranges of numbers after it. The watermark stands where a block
 * ended, since that is where offset and checksum are known, and moves on as soon as all before such a place is settled.
 *
 *     |----- settled -----|  . ..settled.. . .settled. . |  . . . . |
 *                     position                         reach       last end
 *
 * What is settled after the watermark is known by its numbers alone. They mean nothing in a file that has changed there, so
 * the checksum up to the end of the last of them, their reach, is kept as well.
 */
export class Watermark {
  readonly #settled = new RangeSet()
  /** Where blocks ended that were read and are not settled whole. */
  #ends: Position[] = []
  #position: Position
  #reach: Position | undefined

  /**
   * @param settled ranges after the position that are settled already
   * @param reach a place behind all of them
   */
  constructor(position: Position, settled: readonly Range[] = [], reach?: Position) {
    this.#position = position
    this.#reach = reach
    for (const [from, to] of settled) this.#settled.add(from, to)
  }

  get position(): Position {
    return this.#position
  }

  /** Settled after the watermark, in order. */
  get ranges(): readonly Range[] {
    return this.#settled.ranges
  }

  /** The end of a block behind all that is settled after the watermark; undefined: nothing is. */
  get reach(): Position | undefined {
    return this.#settled.ranges.length > 0 ? this.#reach : undefined
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
    this.#extendReach()
    return this.advance()
  }

  #extendReach(): void {
    const last = (this.#settled.ranges.at(-1)?.[1] ?? 0) - 1
    if (last <= (this.#reach?.records ?? 0)) return
    // From behind: what was settled just now was read not long ago.
    for (let at = this.#ends.length - 1; at >= 0; at--) {
      const end = this.#ends[at]
      if (end === undefined || end.records < last) return
      this.#reach = end
    }
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
