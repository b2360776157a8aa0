import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { start } from '../../../infra/cli/send/position.js'
import { RangeSet, toRanges } from '../../../infra/cli/send/range-set.js'
import { Watermark } from '../../../infra/cli/send/watermark.js'
import { seed } from '../../support/seed.js'

const range = fc.tuple(fc.nat({ max: 60 }), fc.nat({ max: 12 })).map(([from, length]) => [from, from + length] as const)

function numbersOf(ranges: readonly (readonly [number, number])[]): number[] {
  return ranges.flatMap(([from, to]) => Array.from({ length: to - from }, (_, i) => from + i))
}

describe(`ranges (seed ${seed})`, () => {
  test('hold what a set of numbers holds, in order, with gaps between them', () => {
    const step = fc.oneof(
      range.map(([from, to]) => ({ kind: 'add' as const, from, to })),
      fc.nat({ max: 70 }).map((below) => ({ kind: 'drop' as const, below })),
    )
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const ranges = new RangeSet()
        let model = new Set<number>()
        for (const each of steps) {
          if (each.kind === 'add') {
            ranges.add(each.from, each.to)
            for (const number of numbersOf([[each.from, each.to]])) model.add(number)
          } else {
            ranges.dropBelow(each.below)
            model = new Set([...model].filter((number) => number >= each.below))
          }
          expect(numbersOf(ranges.ranges)).toEqual([...model].sort((a, b) => a - b))
          for (const [i, [from]] of ranges.ranges.entries()) {
            expect(from).toBeGreaterThan(ranges.ranges[i - 1]?.[1] ?? -1)
          }
          const numbers = numbersOf([[0, 75]])
          const gapFrom = (number: number): number => (model.has(number) ? gapFrom(number + 1) : number)
          expect(numbers.filter((number) => ranges.has(number))).toEqual(numbers.filter((number) => model.has(number)))
          expect(numbers.map((number) => ranges.firstGapFrom(number))).toEqual(numbers.map(gapFrom))
        }
      }),
      { numRuns: 300, seed },
    )
  })

  test('are made of numbers in any order', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat({ max: 2 ** 40 })), (numbers) => {
        expect(numbersOf(toRanges(numbers))).toEqual([...numbers].sort((a, b) => a - b))
      }),
      { numRuns: 300, seed },
    )
    expect(toRanges([4, 2, 3, 9])).toEqual([
      [2, 5],
      [9, 10],
    ])
  })
})

test(`the watermark is the last end of a block with nothing unsettled before it (seed ${seed})`, () => {
  const blocks = fc.array(fc.integer({ min: 1, max: 6 }), { maxLength: 12 })
  fc.assert(
    fc.property(blocks, fc.infiniteStream(fc.nat()), (sizes, random) => {
      const ends = sizes.map((_, i) => {
        const records = sizes.slice(0, i + 1).reduce((sum, size) => sum + size, 0)
        return { ...start, records, offset: records * 10 }
      })
      const watermark = new Watermark(start)
      for (const end of ends) watermark.read(end)
      const unsettled = numbersOf([[1, (ends.at(-1)?.records ?? 0) + 1]])
      while (unsettled.length > 0) {
        const [number = 0] = unsettled.splice(Number(random.next().value) % unsettled.length, 1)
        watermark.settle([[number, number + 1]])
        const first = Math.min(...unsettled)
        const expected = ends.filter((end) => end.records < first).at(-1) ?? start
        expect(watermark.position).toEqual(expected)
        expect(unsettled.filter((other) => watermark.isSettled(other))).toEqual([])
        expect(watermark.isSettled(number)).toBe(true)
        // What is settled after it is known by its numbers, which hold only as far as the file is known to be the same.
        const last = (watermark.ranges.at(-1)?.[1] ?? 0) - 1
        const behindAll = ends.find((end) => end.records >= last)
        expect(watermark.reach).toEqual(watermark.ranges.length > 0 ? behindAll : undefined)
      }
      expect(watermark.ranges).toEqual([])
      expect(watermark.reach).toBeUndefined()
    }),
    { numRuns: 300, seed },
  )
})
