/** Numbers from `from` up to, and without, `to`. */
export type Range = readonly [from: number, to: number]

/** A set of numbers that mostly lie side by side, such as those of the records that are settled. */
export class RangeSet {
  /** In order, with a gap between each two. */
  #ranges: [from: number, to: number][] = []

  get ranges(): readonly Range[] {
    return this.#ranges
  }

  has(number: number): boolean {
    const range = this.#ranges[this.#lastFrom(number)]
    return range !== undefined && number < range[1]
  }

  /** Adds all numbers of a range; some may be there already. */
  add(from: number, to: number): void {
    if (to <= from) return
    // The first range that ends at `from` or later, and the last one that begins at `to` or earlier, become one with it.
    const before = this.#lastFrom(from)
    const first = before >= 0 && (this.#ranges[before]?.[1] ?? 0) >= from ? before : before + 1
    const last = this.#lastFrom(to)
    if (first > last) {
      this.#ranges.splice(first, 0, [from, to])
      return
    }
    const merged: [number, number] = [
      Math.min(from, this.#ranges[first]?.[0] ?? from),
      Math.max(to, this.#ranges[last]?.[1] ?? to),
    ]
    this.#ranges.splice(first, last - first + 1, merged)
  }

  /** The first number from `number` up that is not in the set. */
  firstGapFrom(number: number): number {
    const range = this.#ranges[this.#lastFrom(number)]
    return range !== undefined && number < range[1] ? range[1] : number
  }

  /** Forgets all numbers below this one. */
  dropBelow(number: number): void {
    const at = this.#lastFrom(number)
    const range = this.#ranges[at]
    if (range === undefined) return
    this.#ranges.splice(0, range[1] > number ? at : at + 1)
    if (range[1] > number) range[0] = number
  }

  /** The index of the last range that begins at `number` or below; -1: none does. */
  #lastFrom(number: number): number {
    let low = 0
    let high = this.#ranges.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#ranges[middle]?.[0] ?? 0) <= number) low = middle + 1
      else high = middle
    }
    return low - 1
  }
}

/** Ranges of numbers in any order; each number once. */
export function toRanges(numbers: readonly number[]): Range[] {
  const sorted = Float64Array.from(numbers).sort()
  const ranges: [number, number][] = []
  let current: [number, number] | undefined
  for (const number of sorted) {
    if (current?.[1] === number) current[1]++
    else {
      current = [number, number + 1]
      ranges.push(current)
    }
  }
  return ranges
}
