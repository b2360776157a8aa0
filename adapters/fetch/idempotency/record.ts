import type { IdempotencyClaim, IdempotencyOutcome, IdempotencyState } from './store.js'

/** What is remembered of a key. Times are in milliseconds since 1970. */
export interface IdempotencyRecord {
  readonly fingerprint: string
  /** Who holds the lease; undefined when nobody does. */
  readonly attempt: string | undefined
  readonly leaseEndsAt: number
  readonly kept: string | undefined
  readonly isDone: boolean
  readonly expiresAt: number
}

/** The record after an operation, `undefined` for none, and what the caller is told. */
interface Claimed {
  readonly state: IdempotencyState
  /** To be stored; absent: nothing changes. */
  readonly record?: IdempotencyRecord
}

/** Decides a claim. Pure, so that every store decides alike. */
export function claimRecord(known: IdempotencyRecord | undefined, claim: IdempotencyClaim, now: number): Claimed {
  const record = known !== undefined && known.expiresAt > now ? known : undefined
  const { fingerprint, attempt, leaseInMs, retentionInMs } = claim
  if (record !== undefined && record.fingerprint !== fingerprint) return { state: { state: 'other-request' } }
  if (record?.isDone) return { state: { state: 'done', kept: record.kept ?? '' } }
  // The same attempt again is one whose answer was lost on its way from the store.
  const isHeld = record?.attempt !== undefined && record.attempt !== attempt
  const leaseLeftInMs = isHeld ? record.leaseEndsAt - now : 0
  if (leaseLeftInMs > 0) return { state: { state: 'running', leaseLeftInMs } }
  const kept = record?.kept
  const leaseEndsAt = now + leaseInMs
  return {
    state: { state: 'begun', kept },
    record: { fingerprint, attempt, leaseEndsAt, kept, isDone: false, expiresAt: now + retentionInMs },
  }
}

/** Decides a settlement: the record to be stored, `undefined` to forget the key, or `known` itself for no change. */
export function settleRecord(
  known: IdempotencyRecord | undefined,
  { attempt, kept, isDone }: IdempotencyOutcome,
): IdempotencyRecord | undefined {
  if (known === undefined || known.attempt !== attempt) return known
  return kept === undefined ? undefined : { ...known, attempt: undefined, kept, isDone }
}
