import { expect, test } from 'vitest'
import { nearestName } from '../../../../core/options/names.js'

const known = new Set(['partitionId', 'partitionKey', 'timeoutInMs', 'abortSignal', 'maxSizeInBytes', 'flush', 'ca'])

test.each([
  ['partition_key', 'partitionKey'],
  ['PARTITIONKEY', 'partitionKey'],
  ['partition-id', 'partitionId'],
])('spelling and underscores do not count: %s is %s', (wrong, meant) => {
  expect(nearestName(wrong, known)).toBe(meant)
})

test.each([
  ['timeout', 'timeoutInMs'],
  ['timeoutMs', 'timeoutInMs'],
  ['timeout_ms', 'timeoutInMs'],
  ['timeoutInSeconds', 'timeoutInMs'],
  ['maxSize', 'maxSizeInBytes'],
])('nor does the unit: %s is %s', (wrong, meant) => {
  expect(nearestName(wrong, known)).toBe(meant)
})

test.each([
  ['partitonKey', 'partitionKey'],
  ['partitionnKey', 'partitionKey'],
  ['partitoinKey', 'partitionKey'],
  ['partitionKye', 'partitionKey'],
  ['partitionIds', 'partitionId'],
  ['partition', 'partitionId'],
  ['abbortSingal', 'abortSignal'],
  ['flsh', 'flush'],
  ['lfush', 'flush'],
])('a slip of the hand for every four letters is forgiven: %s is %s', (wrong, meant) => {
  expect(nearestName(wrong, known)).toBe(meant)
})

test.each(['', 'c', 'cb', 'key', 'full', 'deadline', 'tracingOptions', 'retryOptions'])(
  'what nobody meant is not suggested for %j',
  (wrong) => {
    expect(nearestName(wrong, known)).toBeUndefined()
  },
)

test('of two that are near, the nearer is suggested', () => {
  expect(nearestName('abcdefgx', new Set(['abcdefyy', 'abcdefgh']))).toBe('abcdefgh')
})

test('what other clients call it counts only where the option is known', () => {
  expect(nearestName('signal', known)).toBe('abortSignal')
  expect(nearestName('signal', new Set(['timeoutInMs']))).toBeUndefined()
  expect(nearestName('retry_total', new Set(['retryOptions']))).toBe('retryOptions.maxRetries')
  expect(nearestName('retry_total', new Set(['maxRetries']))).toBe('maxRetries')
  expect(nearestName('retry_total', known)).toBeUndefined()
})
