import { type ReadersOf, readOptions, wholeOf } from '../../../core/options.js'
import { claimRecord, type IdempotencyRecord, settleRecord } from './record.js'
import type { IdempotencyStore } from './store.js'

/** Options of `memoryIdempotencyStore`. */
export interface MemoryIdempotencyStoreOptions {
  /** Most keys remembered. Default: 10000. */
  readonly maxKeys?: number | undefined
  /** Most memory for them, in bytes, about 300 a key. Default: 4 MiB. */
  readonly maxSizeInBytes?: number | undefined
}

const readers = {
  maxKeys: wholeOf(10_000),
  maxSizeInBytes: wholeOf(4 * 1024 * 1024),
} satisfies ReadersOf<MemoryIdempotencyStoreOptions>

/**
 * Remembers keys in the memory of this instance, and so is best effort: another instance knows nothing of them, nor does
 * this one after a restart. When there is no room, what was settled longest ago is forgotten first; where all of
 * it is still running, a claim rejects.
 *
 * Throws `TypeError` or `RangeError` for wrong options.
 *
 * @param now the wall clock, in milliseconds since 1970
 */
export function memoryIdempotencyStore(
  options: MemoryIdempotencyStoreOptions = {},
  now: () => number = Date.now,
): IdempotencyStore {
  const { maxKeys, maxSizeInBytes } = readOptions('memoryIdempotencyStore options', options, readers)
  // Oldest change first: what is written is put at the end.
  const records = new Map<string, IdempotencyRecord>()
  let sizeInBytes = 0

  function put(key: string, record: IdempotencyRecord | undefined): void {
    const before = records.get(key)
    records.delete(key)
    if (before !== undefined) sizeInBytes -= sizeOf(key, before)
    if (record === undefined) return
    records.set(key, record)
    sizeInBytes += sizeOf(key, record)
  }

  function makeRoom(at: number): void {
    for (const [key, { attempt, leaseEndsAt }] of records) {
      if (records.size <= maxKeys && sizeInBytes <= maxSizeInBytes) return
      if (attempt === undefined || leaseEndsAt <= at) put(key, undefined)
    }
  }

  return {
    async claim(key, claim) {
      const at = now()
      const known = records.get(key)
      const { state, record } = claimRecord(known, claim, at)
      if (record !== undefined) {
        put(key, record)
        makeRoom(at)
        if (records.size > maxKeys || sizeInBytes > maxSizeInBytes) {
          put(key, known)
          throw new Error('Every idempotency key that there is room for belongs to a request under way.')
        }
      }
      return state
    },
    async settle(key, outcome) {
      const known = records.get(key)
      const record = settleRecord(known, outcome)
      if (record === known) return
      put(key, record)
      makeRoom(now())
    },
  }
}

/** Two bytes a character, and what the engine adds. */
function sizeOf(key: string, { fingerprint, attempt = '', kept = '' }: IdempotencyRecord): number {
  return 2 * (key.length + fingerprint.length + attempt.length + kept.length) + 128
}
