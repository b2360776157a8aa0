import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashPartitionKey, partitionIndexForKey } from '../../../../core/routing/partition-key-hash.js'
import { seed } from '../../../support/seed.js'

// By its file path: the package's exports map hides it.
const official = createRequire(import.meta.url)(
  '../../../../node_modules/@azure/event-hubs/dist/commonjs/impl/partitionKeyToIdMapper.js',
) as {
  hashPartitionKey(key: string): number
  mapPartitionKeyToId(key: string, partitionCount: number): number
}

/** Key, int16, index of 4, index of 32: the table in DIALECT.md. */
const vectors: readonly [string, number, number, number][] = [
  ['a', -16220, 0, 28],
  ['abc', -14161, 1, 17],
  ['alphabet', -23478, 2, 22],
  ['Hello, World!', 28870, 2, 6],
  ['partition-key-0', -21566, 2, 30],
  ['device-42', -21548, 0, 12],
  ['0123456789ab', -17054, 2, 30],
  ['0123456789abc', -4167, 3, 7],
  ['0123456789abcdef01234567', -26328, 0, 24],
  ['Привет', -18841, 1, 25],
  ['日本語', -23353, 1, 25],
  ['😀', -17126, 2, 6],
]

describe('the service’s hash', () => {
  test.each(vectors)('of %s is %i: index %i of 4, %i of 32', (key, hash, ofFour, ofThirtyTwo) => {
    expect(hashPartitionKey(key)).toBe(hash)
    expect(partitionIndexForKey(key, 4)).toBe(ofFour)
    expect(partitionIndexForKey(key, 32)).toBe(ofThirtyTwo)
  })

  test('of the empty key is 0: the first partition', () => {
    expect(hashPartitionKey('')).toBe(0)
    expect(partitionIndexForKey('', 32)).toBe(0)
  })

  test('agrees with the official client at every length around the 12-byte blocks', () => {
    for (let length = 0; length <= 40; length++) {
      const key = Array.from({ length }, (_, i) => String.fromCharCode(33 + ((i * 7 + length) % 90))).join('')
      expect([length, hashPartitionKey(key)]).toEqual([length, official.hashPartitionKey(key)])
    }
  })

  // UTF-16 code units in any order, which makes lone surrogates, and whole code points of every plane.
  const anyUnits = fc
    .array(fc.oneof(fc.nat(0xffff), fc.integer({ min: 0xd800, max: 0xdfff })), { maxLength: 60 })
    .map((units) => String.fromCharCode(...units))
  const anyKey = fc.oneof(anyUnits, fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ maxLength: 60 }))

  test(`agrees with the official client on 5,000 random keys of any Unicode, for 1 to 64 partitions (SEED=${seed})`, () => {
    let loneSurrogates = 0
    fc.assert(
      fc.property(anyKey, fc.integer({ min: 1, max: 64 }), (key, partitionCount) => {
        if (/\p{Surrogate}/u.test(key)) loneSurrogates++
        const index = partitionIndexForKey(key, partitionCount)
        expect(index).toBe(official.mapPartitionKeyToId(key, partitionCount))
        expect(index).toBeLessThan(partitionCount)
      }),
      { numRuns: 5000, seed },
    )
    // The generator does what it is here for.
    expect(loneSurrogates).toBeGreaterThan(500)
  })
})
