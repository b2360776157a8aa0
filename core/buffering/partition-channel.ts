import type { Clock } from '../clock.js'
import { type EventHubError, toEventHubError } from '../errors.js'
import { type RetryEnvironment, runWithRetries } from '../retry.js'
import type { Tracing } from '../tracing.js'
import type { EncodedEvent, OperationLimits, PartitionId, Transport } from '../transport.js'
import { Batch, type Entry, type SealedBatch } from './batch.js'
import type { PartitionTurns } from './partition-turns.js'
import type { SendSlots } from './send-slots.js'

/** What channels of all owners share. */
export interface ChannelEnvironment<E extends EncodedEvent = EncodedEvent> {
  readonly transport: Transport<E>
  readonly clock: Clock
  readonly retry: RetryEnvironment
  readonly slots: SendSlots
  /** With idempotent retries. */
  readonly turns: PartitionTurns | undefined
  readonly tracing: Tracing
  readonly maxWaitTimeInMs: number
  readonly maxConcurrentSendsPerPartition: number
}

/** What a channel tells its owner's outbox. */
export interface ChannelOwner<E extends EncodedEvent = EncodedEvent> {
  /** Limits of every send: the owner's deadline, and a signal that aborts when it gives up. */
  readonly limits: OperationLimits
  /** Whether `blockedBy` may find anything at all. */
  readonly hasBlocked: boolean
  /** Why this event must not be sent any more, because one before it failed; undefined when it may be. */
  blockedBy(entry: Entry<E>): EventHubError | undefined
  sealed(channel: PartitionChannel<E>): void
  settled(channel: PartitionChannel<E>, entries: readonly Entry<E>[], error: EventHubError | undefined): void
  idle(channel: PartitionChannel<E>): void
}

/**
 * One owner's way to one partition (or to the service's choice): events in, batches out, in order.
 *
 *     add -> open batch -> seal -> sealed batches -> (slot) -> sending -> settled
 *
 * With `maxConcurrentSendsPerPartition` 1 a batch leaves only once the one before it is settled.
 */
export class PartitionChannel<E extends EncodedEvent = EncodedEvent> {
  readonly #env: ChannelEnvironment<E>
  readonly #owner: ChannelOwner<E>
  readonly partitionId: PartitionId
  /** The one key of its events, where the service picks the partition by it. */
  readonly partitionKey: string | undefined
  /** Which room its events take; see `Capacity`. */
  readonly capacityKey: string
  /** Events added and not settled. */
  held = 0
  readonly #maxConcurrentSends: number
  /** With idempotent retries: one batch at a time to the partition, whoever sends it. */
  readonly #turn: SendSlots | undefined
  #open: Batch<E> | undefined
  #cancelAgeTimer: (() => void) | undefined
  readonly #sealed: SealedBatch<E>[] = []
  #requestedSlots = new Set<() => void>()
  readonly #sending = new Set<SealedBatch<E>>()
  /** Slots held by batches that are looked through: what is held back of them frees room, and may lead back here. */
  #beginning = 0

  constructor(
    env: ChannelEnvironment<E>,
    owner: ChannelOwner<E>,
    target: Pick<PartitionChannel, 'partitionId' | 'partitionKey' | 'capacityKey'> & { readonly inOrder: boolean },
  ) {
    this.#env = env
    this.#owner = owner
    this.partitionId = target.partitionId
    this.partitionKey = target.partitionKey
    this.#turn = target.partitionId === undefined ? undefined : env.turns?.at(target.partitionId)
    this.capacityKey = target.capacityKey
    this.#maxConcurrentSends = target.inOrder ? 1 : env.maxConcurrentSendsPerPartition
  }

  /** Whether it holds nothing. */
  get isIdle(): boolean {
    return !this.#open && this.#sealed.length === 0 && this.#sending.size === 0
  }

  add(entry: Entry<E>): void {
    if (this.#open && !this.#open.tryAdd(entry)) this.seal()
    if (!this.#open) {
      this.#open = new Batch(this.#env.transport.codec, this.#env.transport.maxBatchSizeInBytes(this.partitionId))
      this.#open.tryAdd(entry)
      // Counted from the oldest event, so the timer is never moved.
      this.#cancelAgeTimer = this.#env.clock.schedule(this.#env.maxWaitTimeInMs, () => this.seal())
    }
    if (this.#open.isFull) this.seal()
  }

  /** A batch that has to leave in one piece, after everything added before it. */
  addIntact(batch: SealedBatch<E>): void {
    this.seal()
    this.#sealed.push(batch)
    this.#pump()
  }

  /** Closes the open batch, if any: it leaves as soon as its turn comes. */
  seal(): void {
    const batch = this.#open
    if (!batch) return
    this.#cancelAgeTimer?.()
    this.#cancelAgeTimer = undefined
    this.#open = undefined
    this.#sealed.push({ entries: batch.entries, sizeInBytes: batch.sizeInBytes, intact: false })
    this.#owner.sealed(this)
    this.#pump()
  }

  /**
   * Someone waits for room. Where as much is on its way already, that makes room by itself, and whoever still waits
   * then asks again; while a buffer stays full, sealing at each turn would make batches of an event each.
   */
  sealForRoom(): void {
    const open = this.#open?.entries.length ?? 0
    if (open > this.held - open) this.seal()
  }

  /** Takes back everything that is not being sent. */
  withdraw(): Entry<E>[] {
    this.#cancelAgeTimer?.()
    this.#cancelAgeTimer = undefined
    const entries = this.#sealed.flatMap((batch) => batch.entries)
    if (this.#open) entries.push(...this.#open.entries)
    this.#open = undefined
    this.#sealed.length = 0
    for (const cancel of this.#requestedSlots) cancel()
    this.#requestedSlots.clear()
    return entries
  }

  /** Settles what is being sent without waiting for the transport any longer. */
  abandon(error: EventHubError): void {
    for (const batch of [...this.#sending]) {
      this.#sending.delete(batch)
      this.#env.tracing.abandon(batch, error)
      this.#owner.settled(this, batch.entries, error)
    }
  }

  #pump(): void {
    while (
      this.#requestedSlots.size < this.#sealed.length &&
      this.#sending.size + this.#beginning + this.#requestedSlots.size < this.#maxConcurrentSends
    ) {
      const handle = { cancel: () => {} }
      const cancel = () => handle.cancel()
      this.#requestedSlots.add(cancel)
      handle.cancel = this.#request(() => {
        this.#requestedSlots.delete(cancel)
        this.#sendNext()
      })
    }
  }

  /** Calls `start` once there is a turn, where one is needed, and a slot; `#release` gives back both. */
  #request(start: () => void): () => void {
    const turn = this.#turn
    const { slots } = this.#env
    if (!turn) return slots.request(start)
    let isStarted = false
    let cancelSlot: (() => void) | undefined
    const cancelTurn = turn.request(() => {
      cancelSlot = slots.request(() => {
        isStarted = true
        start()
      })
    })
    return () => {
      cancelTurn()
      if (isStarted || !cancelSlot) return
      cancelSlot()
      turn.release()
    }
  }

  #release(): void {
    this.#env.slots.release()
    this.#turn?.release()
  }

  /** Holds a slot on entry; gives it back when the batch is settled, or at once when there is none. */
  #sendNext(): void {
    this.#beginning++
    const batch = this.#nextUnblocked()
    this.#beginning--
    if (batch) {
      this.#sendHoldingSlot(batch)
      return
    }
    this.#release()
    this.#afterSend()
  }

  /** A loop: any number of batches may turn out to be held back altogether. */
  #nextUnblocked(): SealedBatch<E> | undefined {
    for (let batch = this.#sealed.shift(); batch; batch = this.#sealed.shift()) {
      const rest = this.#withoutBlocked(batch)
      if (rest.entries.length > 0) return rest
    }
    return undefined
  }

  #sendHoldingSlot(batch: SealedBatch<E>): void {
    this.#sending.add(batch)
    void this.#send(batch).then((error) => {
      this.#release()
      // False when the owner has given up on it in the meantime.
      if (!this.#sending.delete(batch)) return
      if (!error) this.#releaseEvents(batch)
      if (!error || !this.#split(batch, error)) this.#owner.settled(this, batch.entries, error)
      this.#afterSend()
    })
  }

  /** What was accepted is read no more; but a caller may send its own batch again. */
  #releaseEvents({ entries, intact }: SealedBatch<E>): void {
    const { codec } = this.#env.transport
    if (intact || !codec.release) return
    for (const { encoded } of entries) codec.release(encoded)
  }

  #afterSend(): void {
    this.#pump()
    if (this.isIdle) this.#owner.idle(this)
  }

  /** Settles what a failure before it keeps from being sent; the rest goes. */
  #withoutBlocked(batch: SealedBatch<E>): SealedBatch<E> {
    if (!this.#owner.hasBlocked) return batch
    let blockedBy: EventHubError | undefined
    const blocked: Entry<E>[] = []
    const entries = batch.entries.filter((entry) => {
      const error = this.#owner.blockedBy(entry)
      if (!error) return true
      blockedBy = error
      blocked.push(entry)
      return false
    })
    if (!blockedBy) return batch
    // A batch that must stay whole stays whole in failure, too.
    if (batch.intact) {
      this.#owner.settled(this, batch.entries, blockedBy)
      return { ...batch, entries: [] }
    }
    this.#owner.settled(this, blocked, blockedBy)
    return { ...batch, entries }
  }

  /** Resolves with why the batch was not accepted; never rejects. */
  async #send(batch: SealedBatch<E>): Promise<EventHubError | undefined> {
    const { transport, retry, tracing } = this.#env
    const { limits } = this.#owner
    const encoded = batch.entries.map((entry) => entry.encoded)
    const send = () => runWithRetries((attempt) => transport.send(this.partitionId, encoded, attempt), retry, limits)
    try {
      await tracing.sendBatch(batch, this.partitionId, encoded, send)
      return undefined
    } catch (error) {
      return toEventHubError(error, 'unknown')
    }
  }

  /**
   * The service takes less than was assumed when the batch was built: the same bytes go again in smaller
   * batches, ahead of everything sealed later. False when that cannot help.
   */
  #split(batch: SealedBatch<E>, error: EventHubError): boolean {
    const canSplit = error.code === 'event-too-large' && error.outcome !== 'unknown' && !batch.intact
    if (!canSplit || batch.entries.length < 2) return false
    const { transport } = this.#env
    // Where the service has said no without saying how much it takes, half is the next guess.
    const limit = Math.min(transport.maxBatchSizeInBytes(this.partitionId), Math.ceil(batch.sizeInBytes / 2))
    const parts: SealedBatch<E>[] = []
    let part = new Batch<E>(transport.codec, limit)
    const close = () => parts.push({ entries: part.entries, sizeInBytes: part.sizeInBytes, intact: false })
    for (const entry of batch.entries) {
      if (part.tryAdd(entry)) continue
      close()
      part = new Batch(transport.codec, limit)
      part.tryAdd(entry)
    }
    close()
    this.#sealed.unshift(...parts)
    return true
  }
}
