/** What a request that brings an `Idempotency-Key` asks of the store. */
export interface IdempotencyClaim {
  /** Digest of what was sent. The store compares it and knows nothing else of the request. */
  readonly fingerprint: string
  /** Names this attempt: only it may settle what it began. */
  readonly attempt: string
  /** How long the attempt may run, in milliseconds. After that it is taken for dead and the next one may begin. */
  readonly leaseInMs: number
  /** How long the key is remembered after this claim, in milliseconds. At least `leaseInMs`. */
  readonly retentionInMs: number
}

/**
 * What a store knows of a key.
 *
 * - `begun`: the attempt may run, and no other meanwhile. `kept` is what the attempt before it left, if any did.
 * - `running`: another attempt of the same request holds the lease, for `leaseLeftInMs` at most.
 * - `done`: an attempt of the same request ended with everything accepted; `kept` is what it left.
 * - `other-request`: the key belongs to a request with another fingerprint, running or not.
 */
export type IdempotencyState =
  | { readonly state: 'begun'; readonly kept: string | undefined }
  | { readonly state: 'running'; readonly leaseLeftInMs: number }
  | { readonly state: 'done'; readonly kept: string }
  | { readonly state: 'other-request' }

/** How an attempt ended. */
export interface IdempotencyOutcome {
  /** As it was claimed. */
  readonly attempt: string
  /** For the next attempt. Grows with the number of events, and holds nothing of them. `undefined`: the key is free again. */
  readonly kept: string | undefined
  /** Whether nothing is left to try: from now on the state is `done`. */
  readonly isDone: boolean
}

/**
 * Where idempotency keys are remembered. Keys are digests of at most 64 characters.
 *
 * Both methods must be atomic for one key, across every instance that shares the store: two claims at the same time,
 * and one of them begins. A store that cannot answer rejects; the request is then refused, and nothing is sent.
 * test/adapters/fetch/idempotency/store-contract.ts holds a store to all of this.
 */
export interface IdempotencyStore {
  /**
   * Begins an attempt where the key is free, forgotten, left by an attempt that was not `done`, or held by one
   * whose lease has run out. What was kept stays kept until the attempt settles.
   */
  claim(key: string, claim: IdempotencyClaim): Promise<IdempotencyState>
  /** Ends an attempt. Without effect when another attempt has taken over, or the key is forgotten. */
  settle(key: string, outcome: IdempotencyOutcome): Promise<void>
}
