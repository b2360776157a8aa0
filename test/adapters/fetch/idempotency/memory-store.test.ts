import { describe, expect, test } from 'vitest'
import type { IdempotencyClaim } from '../../../../adapters/fetch/index.js'
import { memoryIdempotencyStore } from '../../../../adapters/fetch/index.js'
import { type StoreUnderTest, storeContract } from './store-contract.js'

function makeStore(options: Parameters<typeof memoryIdempotencyStore>[0] = {}): StoreUnderTest {
  let now = 1_800_000_000_000
  return {
    store: memoryIdempotencyStore(options, () => now),
    pass: async (inMs) => {
      now += inMs
    },
  }
}

describe('the contract of a store', () => {
  for (const { promise, hold } of storeContract(1000)) {
    test(promise, async () => hold(makeStore()))
  }
})

const claim = (attempt = '1'): IdempotencyClaim => ({
  fingerprint: 'f',
  attempt,
  leaseInMs: 1000,
  retentionInMs: 100_000,
})

async function settleNew(store: StoreUnderTest['store'], key: string, kept = '0'): Promise<void> {
  expect((await store.claim(key, claim())).state).toBe('begun')
  await store.settle(key, { attempt: '1', kept, isDone: true })
}

describe('bounds', () => {
  test('when the keys are too many, what was settled longest ago is forgotten first', async () => {
    const { store } = makeStore({ maxKeys: 2 })
    for (const key of ['a', 'b', 'c']) await settleNew(store, key)
    expect((await store.claim('b', claim('2'))).state).toBe('done')
    expect((await store.claim('c', claim('2'))).state).toBe('done')
    expect((await store.claim('a', claim('2'))).state).toBe('begun')
  })

  test('a request under way is not forgotten; where all are under way, a claim is refused and leaves things as they were', async () => {
    const { store, pass } = makeStore({ maxKeys: 2 })
    await settleNew(store, 'settled')
    await store.claim('a', claim())
    await store.claim('b', claim())
    await expect(store.claim('c', claim())).rejects.toThrow(/room/)
    expect((await store.claim('a', claim('2'))).state).toBe('running')
    expect((await store.claim('b', claim('2'))).state).toBe('running')
    await pass(1001)
    // Both have died by now.
    expect((await store.claim('c', claim())).state).toBe('begun')
  })

  test('the memory is bounded by what is kept, not only by the number of keys', async () => {
    const { store } = makeStore({ maxSizeInBytes: 10_000 })
    for (let at = 0; at < 100; at += 1) await settleNew(store, `key ${at}`, '0,'.repeat(500))
    let done = 0
    while ((await store.claim(`key ${99 - done}`, claim('2'))).state === 'done') done += 1
    expect(done).toBeGreaterThan(0)
    expect(done).toBeLessThan(10)
  })

  test.each([{ maxKeys: 0 }, { maxSizeInBytes: -1 }, { maxkeys: 3 } as object])('%o is refused by name', (options) => {
    expect(() => memoryIdempotencyStore(options)).toThrow(/maxKeys|maxSizeInBytes/)
  })
})
