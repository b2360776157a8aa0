import type { Entry } from './buffering/batch.js'
import { type Capacity, serviceCapacity, unroutedCapacity } from './buffering/capacity.js'
import { type ChannelEnvironment, PartitionChannel } from './buffering/partition-channel.js'
import { PendingCount } from './buffering/pending-count.js'
import { bounded, remainingTime } from './deadline.js'
import { abortedError, asRefusal, EventHubError, OperationTimeoutError, toEventHubError } from './errors.js'
import type { EventInput } from './event-data.js'
import type { PartitionDirectory } from './routing/partition-directory.js'
import type { Route, Router, UnkeyedCursor } from './routing/router.js'
import type { EncodedEvent, OperationLimits, PartitionId } from './transport.js'

/** What all outboxes of one client share: the connection, the limits, what is known of the event hub. */
export interface OutboxEnvironment<E extends EncodedEvent = EncodedEvent> extends ChannelEnvironment<E> {
  readonly router: Router
  readonly directory: PartitionDirectory
  readonly capacity: Capacity
}

/** Whose events these are. Each event ends in exactly one of `accepted`, `failed` and `notTaken`, once. */
export interface OutboxOwner {
  readonly limits: OperationLimits
  /** After a failure, whether later events of the same key (or partition) are still sent. */
  readonly afterFailure: 'continue' | 'stop'
  /** Whether unkeyed events may wait for the partition ids on a cold start, or go where the service puts them. */
  readonly unkeyedMayWait: boolean
  accepted(entries: readonly Entry[], partitionId: PartitionId): void
  failed(entries: readonly Entry[], partitionId: PartitionId, error: EventHubError): void
  /** `take` rejects with this error; told before anything else can settle. */
  notTaken(index: number, event: EventInput, error: EventHubError): void
}

export interface TakeOptions {
  readonly partitionId: PartitionId
  readonly partitionKey: string | undefined
  /** How long to wait for room; beside the owner's own limits. */
  readonly limits: OperationLimits
}

/** Waits for the partition ids. */
interface Unrouted<E extends EncodedEvent> {
  readonly entries: readonly Entry<E>[]
  readonly partitionKey: string | undefined
  /** Size of a batch that has to stay in one piece; undefined for a single event. */
  readonly intactSizeInBytes: number | undefined
}

const taken = Promise.resolve()

/**
 * Everything that one owner (an invocation, or the buffered client itself) has given and not got back.
 * Owners share limits and connection, never a batch.
 *
 *     take -> [waits for room] -> [waits for partition ids] -> channel -> settled
 */
export class Outbox<E extends EncodedEvent = EncodedEvent> {
  readonly #env: OutboxEnvironment<E>
  readonly #owner: OutboxOwner
  readonly #cursor: UnkeyedCursor = { position: undefined }
  readonly #channels = new Map<string, PartitionChannel<E>>()
  readonly #channelNames = new Map<PartitionChannel<E>, string>()
  readonly #heldByPartition = new Map<string, number>()
  #unrouted: Unrouted<E>[] = []
  #isLoadingPartitionIds = false
  readonly #waitingForRoom = new Set<(error: EventHubError) => void>()
  readonly #pending = new PendingCount()
  readonly #blocked = new Map<string, EventHubError>()
  readonly #toSeal = new Set<PartitionChannel<E>>()
  readonly #abort = new AbortController()
  /** Why nothing is taken any more. */
  #closedBy: EventHubError | undefined
  readonly limits: OperationLimits

  constructor(env: OutboxEnvironment<E>, owner: OutboxOwner) {
    this.#env = env
    this.#owner = owner
    this.limits = { deadline: owner.limits.deadline, signal: this.#abort.signal }
  }

  /** Events taken and not settled. */
  get pendingCount(): number {
    return this.#pending.total
  }

  /** Of those, the ones that hold room in this partition. */
  heldIn(partitionId: string): number {
    return this.#heldByPartition.get(partitionId) ?? 0
  }

  /**
   * Takes one event. Resolves when there is room for it, never waiting for the network; the event is then
   * settled through the owner. Rejects when it was not taken: nothing more is heard of it.
   */
  take(event: EventInput, index: number, options: TakeOptions): Promise<void> {
    const orderKey = orderKeyOf(options)
    try {
      if (this.#closedBy) throw this.#closedBy
      const encoded = this.#env.transport.codec.encode(event, options.partitionKey)
      const entry: Entry<E> = { encoded, event, index, orderKey, epoch: this.#pending.epoch }
      this.#refuseOversized(encoded, options.partitionId)
      const route = this.#route(options, encoded.sizeInBytes)
      const key = capacityKeyOf(route)
      if (this.#env.capacity.tryAcquire(key, encoded.sizeInBytes)) {
        this.#pending.add(entry.epoch, 1)
        this.#admit({ entries: [entry], partitionKey: options.partitionKey, intactSizeInBytes: undefined }, route)
        return taken
      }
      return this.#takeWhenThereIsRoom(entry, route, key, options)
    } catch (thrown) {
      const error = asRefusal(thrown)
      this.#block(orderKey, error)
      this.#owner.notTaken(index, event, error)
      return Promise.reject(error)
    }
  }

  /** Takes a batch that stays in one piece. It does not wait for room: it is in memory already. */
  takeIntact(
    items: readonly { readonly encoded: E; readonly event: EventInput }[],
    firstIndex: number,
    sizeInBytes: number,
    options: TakeOptions,
  ): void {
    if (this.#closedBy) throw this.#closedBy
    const route = this.#route(options, sizeInBytes)
    const { epoch } = this.#pending
    const orderKey = orderKeyOf(options)
    const entries = items.map((item, i) => ({ ...item, index: firstIndex + i, orderKey, epoch }))
    this.#pending.add(epoch, entries.length)
    this.#env.capacity.acquire(capacityKeyOf(route), entries.length, totalSize(entries))
    this.#admit({ entries, partitionKey: options.partitionKey, intactSizeInBytes: sizeInBytes }, route)
  }

  /** Seals everything and resolves once all that was taken before is settled. Never rejects. */
  flush(): Promise<void> {
    const settled = this.#pending.whenSettled()
    this.sealAll()
    return settled
  }

  sealAll(capacityKey?: string): void {
    for (const channel of [...this.#channels.values()]) {
      if (capacityKey === undefined || channel.capacityKey === capacityKey) channel.seal()
    }
  }

  /**
   * Ends everything at once: what was not sent is `returned`, what was is `unknown` unless its answer is
   * here. Afterwards nothing is taken. Resolves when all is settled, within one turn of the event loop.
   */
  async giveUp(reason: EventHubError): Promise<void> {
    this.#closedBy ??= reason
    const returned = reason.withOutcome('returned')
    for (const stopWaiting of [...this.#waitingForRoom]) stopWaiting(returned)
    const unrouted = this.#unrouted
    this.#unrouted = []
    for (const { entries } of unrouted) this.#settle(unroutedCapacity, undefined, entries, returned)
    for (const channel of [...this.#channels.values()]) {
      const entries = channel.withdraw()
      if (entries.length > 0) this.settled(channel, entries, returned)
    }
    if (this.#pending.total === 0) return
    this.#env.transport.retireConnection()
    const settled = this.#pending.whenSettled()
    this.#abort.abort(reason)
    // A transport answers an abort at once; this holds even for one that does not.
    const cancel = this.#env.clock.schedule(0, () => {
      for (const channel of [...this.#channels.values()]) channel.abandon(reason.withOutcome('unknown'))
    })
    await settled
    cancel()
  }

  // What channels report.

  blockedBy(entry: Entry<E>): EventHubError | undefined {
    if (this.#blocked.size === 0) return undefined
    return entry.orderKey === undefined ? undefined : this.#blocked.get(entry.orderKey)
  }

  sealed(channel: PartitionChannel<E>): void {
    if (channel.partitionId !== undefined) this.#env.router.moveOn(channel.partitionId, this.#cursor)
  }

  settled(channel: PartitionChannel<E>, entries: readonly Entry<E>[], error: EventHubError | undefined): void {
    this.#settle(channel.capacityKey, channel.partitionId, entries, error)
  }

  idle(channel: PartitionChannel<E>): void {
    // Later, since a channel can be idle for an instant in the middle of taking its next event.
    queueMicrotask(() => {
      const name = this.#channelNames.get(channel)
      if (name === undefined || !channel.isIdle) return
      this.#channelNames.delete(channel)
      this.#channels.delete(name)
    })
  }

  // Within.

  /** With `afterFailure: 'stop'`: what comes after this failure, of the same key or partition, is returned. */
  #block(orderKey: string | undefined, cause: EventHubError): void {
    if (this.#owner.afterFailure !== 'stop' || orderKey === undefined || this.#blocked.has(orderKey)) return
    const message =
      'An earlier event of the same partition key (or partition) was not accepted, so this one was held back to keep their order.'
    this.#blocked.set(orderKey, new EventHubError(message, { code: 'predecessor-failed', retryable: true, cause }))
  }

  #refuseOversized(encoded: E, partitionId: PartitionId): void {
    const { codec } = this.#env.transport
    const limit = this.#env.transport.maxBatchSizeInBytes(partitionId)
    const size = codec.envelopeSizeInBytes(encoded) + encoded.sizeInBytes
    if (size > limit) {
      throw new EventHubError(
        `The event takes ${size} bytes on the wire; the limit is ${limit}. Make it smaller, or store its body elsewhere and send a reference.`,
        { code: 'event-too-large', outcome: 'refused' },
      )
    }
  }

  #route({ partitionId, partitionKey }: TakeOptions, sizeInBytes: number): Route {
    const { router, directory, capacity } = this.#env
    let route = router.route(partitionId, partitionKey, this.#cursor, this.#owner.unkeyedMayWait)
    if (partitionId !== undefined || partitionKey !== undefined) return route
    // An unkeyed event need not wait for room in one partition while another has some.
    for (let tried = 1; tried < (directory.ids?.length ?? 0); tried++) {
      if (route.kind !== 'partition' || capacity.hasRoom(route.partitionId, sizeInBytes)) return route
      router.moveOn(route.partitionId, this.#cursor)
      route = router.route(undefined, undefined, this.#cursor, false)
    }
    return route
  }

  #takeWhenThereIsRoom(entry: Entry<E>, route: Route, key: string, options: TakeOptions): Promise<void> {
    const { clock, capacity } = this.#env
    this.#pending.add(entry.epoch, 1)
    return new Promise((resolve, reject) => {
      const { deadline, signal } = options.limits
      let isOver = false
      let cancelTimer = () => {}
      const end = () => {
        isOver = true
        cancelTimer()
        signal?.removeEventListener('abort', onAbort)
        this.#waitingForRoom.delete(refuse)
      }
      const refuse = (error: EventHubError) => {
        if (isOver) return
        end()
        waiter.cancel()
        this.#block(entry.orderKey, error)
        this.#owner.notTaken(entry.index, entry.event, error)
        reject(error)
        this.#pending.settle(entry.epoch)
      }
      const onAbort = () => refuse(abortedError(signal?.reason))
      this.#waitingForRoom.add(refuse)
      const waiter = capacity.wait(key, entry.encoded.sizeInBytes, () => {
        end()
        this.#admit({ entries: [entry], partitionKey: options.partitionKey, intactSizeInBytes: undefined }, route)
        resolve()
      })
      // Sealing what is half full can free room at once.
      if (isOver) return
      signal?.addEventListener('abort', onAbort, { once: true })
      if (deadline !== Number.POSITIVE_INFINITY) {
        cancelTimer = clock.schedule(remainingTime(clock, deadline), () =>
          refuse(
            new OperationTimeoutError(
              'No room in the buffer in time: events arrive faster than they are accepted. Await sendEvent, raise maxBufferLength, or allow more time.',
            ),
          ),
        )
      }
      if (signal?.aborted) onAbort()
    })
  }

  /** The events have their room; on to their channel, or to the wait for the partition ids. */
  #admit(item: Unrouted<E>, route: Route): void {
    if (route.kind === 'pending') {
      this.#unrouted.push(item)
      void this.#loadPartitionIds()
      return
    }
    const channel = this.#channelFor(route)
    this.#hold(channel, item.entries.length)
    if (item.intactSizeInBytes !== undefined) {
      channel.addIntact({ entries: item.entries, sizeInBytes: item.intactSizeInBytes, intact: true })
      return
    }
    for (const entry of item.entries) {
      channel.add(entry)
      // Its flush has sealed already: it must not wait for the batch to fill up.
      if (entry.epoch < this.#pending.epoch) this.#sealSoon(channel)
    }
  }

  #sealSoon(channel: PartitionChannel<E>): void {
    if (this.#toSeal.size === 0) {
      queueMicrotask(() => {
        for (const each of this.#toSeal) each.seal()
        this.#toSeal.clear()
      })
    }
    this.#toSeal.add(channel)
  }

  async #loadPartitionIds(): Promise<void> {
    if (this.#isLoadingPartitionIds) return
    this.#isLoadingPartitionIds = true
    let error: EventHubError | undefined
    try {
      await bounded(
        this.#env.clock,
        this.#env.directory.load(this.limits),
        this.limits,
        () => new OperationTimeoutError('The partition ids did not arrive in time.'),
      )
    } catch (thrown) {
      // The events themselves never left.
      error = toEventHubError(thrown).withOutcome('returned')
    }
    this.#isLoadingPartitionIds = false
    const unrouted = this.#unrouted
    this.#unrouted = []
    for (const item of unrouted) {
      if (error) this.#settle(unroutedCapacity, undefined, item.entries, error)
      else this.#routeLate(item)
    }
  }

  #routeLate(item: Unrouted<E>): void {
    const route = this.#env.router.route(undefined, item.partitionKey, this.#cursor, false)
    this.#env.capacity.move(unroutedCapacity, capacityKeyOf(route), item.entries.length)
    this.#admit(item, route)
  }

  #channelFor(route: Exclude<Route, { kind: 'pending' }>): PartitionChannel<E> {
    const name =
      route.kind === 'partition'
        ? `partition ${route.partitionId}`
        : route.key === undefined
          ? 'any'
          : `key ${route.key}`
    const known = this.#channels.get(name)
    if (known) return known
    const channel = new PartitionChannel<E>(this.#env, this, {
      partitionId: route.kind === 'partition' ? route.partitionId : undefined,
      capacityKey: capacityKeyOf(route),
      inOrder: this.#owner.afterFailure === 'stop',
    })
    this.#channels.set(name, channel)
    this.#channelNames.set(channel, name)
    return channel
  }

  #hold(channel: PartitionChannel<E>, count: number): void {
    const key = channel.capacityKey
    this.#heldByPartition.set(key, (this.#heldByPartition.get(key) ?? 0) + count)
  }

  #settle(
    capacityKey: string,
    partitionId: PartitionId,
    entries: readonly Entry<E>[],
    error: EventHubError | undefined,
  ): void {
    if (capacityKey !== unroutedCapacity) {
      const left = (this.#heldByPartition.get(capacityKey) ?? 0) - entries.length
      if (left > 0) this.#heldByPartition.set(capacityKey, left)
      else this.#heldByPartition.delete(capacityKey)
    }
    if (error) {
      for (const entry of entries) this.#block(entry.orderKey, error)
      this.#owner.failed(entries, partitionId, error)
    } else this.#owner.accepted(entries, partitionId)
    for (const entry of entries) this.#pending.settle(entry.epoch)
    this.#env.capacity.release(capacityKey, entries.length, totalSize(entries))
  }
}

/** What the caller asked to have kept in order; unkeyed events have no order among partitions. */
function orderKeyOf({ partitionId, partitionKey }: TakeOptions): string | undefined {
  if (partitionId !== undefined) return `partition ${partitionId}`
  return partitionKey === undefined ? undefined : `key ${partitionKey}`
}

function capacityKeyOf(route: Route): string {
  if (route.kind === 'pending') return unroutedCapacity
  return route.kind === 'partition' ? route.partitionId : serviceCapacity
}

function totalSize(entries: readonly Entry[]): number {
  let total = 0
  for (const entry of entries) total += entry.encoded.sizeInBytes
  return total
}
