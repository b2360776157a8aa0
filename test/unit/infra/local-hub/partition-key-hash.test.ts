import { describe, expect, test } from 'vitest'
import { partitionIndexForKey, partitionKeyHash } from '../../../../infra/local-hub/partition-key-hash.js'
import { partitionKeyVectors } from '../../../support/partition-key-vectors.js'

describe("the hub's own partition key hash", () => {
  test.each(partitionKeyVectors)('puts %j where the service does', (key, hash, ofFour, ofThirtyTwo) => {
    expect(partitionKeyHash(key)).toBe(hash)
    expect(partitionIndexForKey(key, 4)).toBe(ofFour)
    expect(partitionIndexForKey(key, 32)).toBe(ofThirtyTwo)
  })
})
