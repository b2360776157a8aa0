import { createRequire } from 'node:module'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { hashPartitionKey, partitionIndexForKey } from '../../../../core/routing/partition-key-hash.js'
import { partitionKeyVectors } from '../../../support/partition-key-vectors.js'
import { seed } from '../../../support/seed.js'

// By its file path: the package's exports map hides it.
const official = createRequire(import.meta.url)(
  '../../../../node_modules/@azure/event-hubs/dist/commonjs/impl/partitionKeyToIdMapper.js',
) as {
  hashPartitionKey(key: string): number
  mapPartitionKeyToId(key: string, partitionCount: number): number
}

describe('the service’s hash', () => {
  test.each(partitionKeyVectors)('of %s is %i: index %i of 4, %i of 32', (key, hash, ofFour, ofThirtyTwo) => {
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
