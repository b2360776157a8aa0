import { joinSignals, onAbort } from './abort.js'
import type { Entry } from './buffering/batch.js'
import { type Capacity, type Load, serviceCapacity, unroutedCapacity } from './buffering/capacity.js'
import { type ChannelEnvironment, PartitionChannel } from './buffering/partition-channel.js'
import { PendingCount } from './buffering/pending-count.js'
import { bounded, deadlineIn, remainingTime } from './deadline.js'
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
  /** How long an event waits for room when its own options do not say, in milliseconds; undefined: until the deadline. */
  readonly roomTimeoutInMs: number | undefined
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
  /** How long to wait for room, in milliseconds; beside the owner's own limits. */
  readonly timeoutInMs: number | undefined
  /** Gives up the wait for room. */
  readonly signal: AbortSignal | undefined
}

/** What is taken, waits and is routed as one: an event, or a batch that has to stay in one piece. */
interface Item<E extends EncodedEvent> {
  readonly entries: readonly Entry<E>[]
  readonly partitionId: PartitionId
  readonly partitionKey: string | undefined
  readonly load: Load
  /** Size of the message, envelope included, of a batch that stays in one piece; undefined for an event. */
  readonly intactSizeInBytes: number | undefined
}

/** Of an event whose size is not known yet. */
const noLoad: Load = { count: 1, sizeInBytes: 0 }

/** What `take` resolves with when there was nothing to wait for: always this one. */
export const taken = Promise.resolve()

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
  /** Of what goes wherever the service puts it: by key, or undefined. */
  readonly #serviceChannels = new Map<string | undefined, PartitionChannel<E>>()
  /** Has room and waits for the partition ids. */
  #unrouted: Item<E>[] = []
  /** How many wait for room first, to wait for the partition ids then. */
  #unroutedWithoutRoom = 0
  /** Events that wait for room. */
  #countWithoutRoom = 0
  /** Ends the question for the partition ids; undefined while none is under way. */
  #loading: AbortController | undefined
  #isRouting = false
  readonly #waitingForRoom = new Set<(error: EventHubError) => void>()
  readonly #pending = new PendingCount()
  /** By order key: the first event that failed, after which none is sent. */
  readonly #blocked = new Map<string, { readonly index: number; readonly error: EventHubError }>()
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

  /** Of those, the ones that hold room. */
  get heldCount(): number {
    return this.#pending.total - this.#countWithoutRoom
  }

  /** Of those, the ones that hold room in this partition. */
  heldIn(partitionId: string): number {
    return this.#channels.get(partitionId)?.held ?? 0
  }

  /**
   * Takes one event. Resolves when there is room for it, never waiting for the network; the event is then
   * settled through the owner. Rejects when it was not taken: nothing more is heard of it.
   */
  take(event: EventInput, index: number, options: TakeOptions): Promise<void> {
    const { partitionId, partitionKey } = options
    const orderKey = this.#orderKeyOf(options)
    try {
      if (this.#closedBy) throw this.#closedBy
      if (options.signal?.aborted) throw abortedError(options.signal.reason)
      const { transport, tracing } = this.#env
      const limit = transport.maxBatchSizeInBytes(partitionId)
      // Ahead of encoding where the size does not matter, so that events of one batch are written side by side.
      const known = (partitionId ?? partitionKey) ? this.#route(partitionId, partitionKey, noLoad) : undefined
      const encoded = tracing.encode(transport.codec, event, partitionKey, limit, partitionIdOf(known))
      this.#refuseOversized(encoded, limit)
      const entry = { encoded, event, index, orderKey, epoch: this.#pending.epoch }
      const load = { count: 1, sizeInBytes: encoded.sizeInBytes }
      const route = known ?? this.#route(partitionId, partitionKey, load)
      // Nothing to wait for, as most often: this way makes as little garbage as it can.
      if (route.kind !== 'pending' && this.#env.capacity.tryAcquire(capacityKeyOf(route), load)) {
        this.#pending.add(1)
        this.#addTo(this.#channelFor(route), entry)
        return taken
      }
      const item = { entries: [entry], partitionId, partitionKey, load, intactSizeInBytes: undefined }
      return this.#takeItem(item, route, options)
    } catch (thrown) {
      const error = asRefusal(thrown)
      this.#block(orderKey, index, error)
      this.#owner.notTaken(index, event, error)
      return Promise.reject(error)
    }
  }

  /** Takes a batch that stays in one piece; otherwise as `take`, all its events or none. */
  takeIntact(
    items: readonly { readonly encoded: E; readonly event: EventInput }[],
    firstIndex: number,
    sizeInBytes: number,
    options: TakeOptions,
  ): Promise<void> {
    const { partitionId, partitionKey } = options
    const orderKey = this.#orderKeyOf(options)
    const { epoch } = this.#pending
    const entries = items.map((item, i) => ({ ...item, index: firstIndex + i, orderKey, epoch }))
    const load = { count: entries.length, sizeInBytes: totalSize(entries) }
    try {
      if (this.#closedBy) throw this.#closedBy
      const item = { entries, partitionId, partitionKey, load, intactSizeInBytes: sizeInBytes }
      return this.#takeItem(item, this.#route(partitionId, partitionKey, load), options)
    } catch (thrown) {
      const error = asRefusal(thrown)
      this.#refuse(entries, error)
      return Promise.reject(error)
    }
  }

  /** Seals everything and resolves once all that was taken before is settled. Never rejects. */
  flush(): Promise<void> {
    const settled = this.#pending.whenSettled()
    for (const channel of this.#allChannels()) channel.seal()
    return settled
  }

  /** Someone waits for room (`capacityKey` undefined: for any): what is open leaves, as far as that brings it nearer. */
  sealForRoom(capacityKey: string | undefined): void {
    for (const channel of this.#allChannels()) {
      if (capacityKey === undefined || channel.capacityKey === capacityKey) channel.sealForRoom()
    }
  }

  /**
   * Ends everything at once: what was not sent is `returned`, what was is `unknown` unless its answer is
   * here. Afterwards nothing is taken. Resolves when all is settled, within one turn of the event loop.
   */
  async giveUp(reason: EventHubError): Promise<void> {
    this.#closedBy ??= reason
    const returned = reason.withOutcome('returned')
    // Ahead of all else: the room that is given back below may go to events of this very outbox, and none may leave now.
    this.#abort.abort(reason)
    for (const stopWaiting of [...this.#waitingForRoom]) stopWaiting(returned)
    const unrouted = this.#unrouted
    this.#unrouted = []
    for (const { entries } of unrouted) this.#settle(unroutedCapacity, undefined, entries, returned)
    for (const channel of this.#allChannels()) {
      const entries = channel.withdraw()
      if (entries.length > 0) this.settled(channel, entries, returned)
    }
    if (this.#pending.total === 0) return
    const settled = this.#pending.whenSettled()
    // A transport answers an abort at once; this holds even for one that does not.
    const cancel = this.#env.clock.schedule(0, () => {
      for (const channel of this.#allChannels()) channel.abandon(reason.withOutcome('unknown'))
    })
    await settled
    cancel()
    // What was given up may still sit in a socket.
    this.#env.transport.retireConnection()
  }

  // What channels report.

  get hasBlocked(): boolean {
    return this.#blocked.size > 0
  }

  blockedBy({ orderKey, index }: Entry<E>): EventHubError | undefined {
    const blocked = orderKey === undefined ? undefined : this.#blocked.get(orderKey)
    return blocked && index > blocked.index ? blocked.error : undefined
  }

  sealed(channel: PartitionChannel<E>): void {
    if (channel.partitionId !== undefined) this.#env.router.moveOn(channel.partitionId, this.#cursor)
  }

  settled(channel: PartitionChannel<E>, entries: readonly Entry<E>[], error: EventHubError | undefined): void {
    channel.held -= entries.length
    this.#settle(channel.capacityKey, channel.partitionId, entries, error)
  }

  idle(channel: PartitionChannel<E>): void {
    // Later, since a channel can be idle for an instant in the middle of taking its next event.
    queueMicrotask(() => {
      if (!channel.isIdle) return
      const { partitionId, partitionKey } = channel
      if (partitionId === undefined) {
        if (this.#serviceChannels.get(partitionKey) === channel) this.#serviceChannels.delete(partitionKey)
      } else if (this.#channels.get(partitionId) === channel) this.#channels.delete(partitionId)
    })
  }

  // Within.

  /** With `afterFailure: 'stop'`: what comes after this failure, of the same key or partition, is returned. */
  #block(orderKey: string | undefined, index: number, cause: EventHubError): void {
    if (this.#owner.afterFailure !== 'stop' || orderKey === undefined) return
    const known = this.#blocked.get(orderKey)
    if (known && known.index <= index) return
    const message =
      'An earlier event of the same partition key (or partition) was not accepted, so this one was held back to keep their order.'
    const error = new EventHubError(message, { code: 'predecessor-failed', retryable: true, cause })
    this.#blocked.set(orderKey, { index, error })
  }

  #refuse(entries: readonly Entry<E>[], error: EventHubError): void {
    for (const { orderKey, index, event } of entries) {
      this.#block(orderKey, index, error)
      this.#owner.notTaken(index, event, error)
    }
  }

  #refuseOversized(encoded: E, limit: number): void {
    const { codec } = this.#env.transport
    const size = codec.envelopeSizeInBytes(encoded) + encoded.sizeInBytes
    if (size > limit) {
      throw new EventHubError(
        `The event takes ${size} bytes on the wire; the limit is ${limit}. Make it smaller, or store its body elsewhere and send a reference.`,
        { code: 'event-too-large', outcome: 'refused' },
      )
    }
  }

  #takeItem(item: Item<E>, route: Route, options: TakeOptions): Promise<void> {
    const key = capacityKeyOf(route)
    this.#pending.add(item.load.count)
    if (!this.#env.capacity.tryAcquire(key, item.load)) {
      const timeoutInMs = options.timeoutInMs ?? this.#owner.roomTimeoutInMs
      const deadline = Math.min(this.#owner.limits.deadline, deadlineIn(this.#env.clock, timeoutInMs))
      return this.#takeWhenThereIsRoom(item, route, key, { deadline, signal: options.signal })
    }
    this.#admit(item, route)
    return taken
  }

  #route(partitionId: PartitionId, partitionKey: string | undefined, load: Load): Route {
    const { router, directory, capacity } = this.#env
    if (this.#unrouted.length > 0 && directory.ids !== undefined) this.#routeUnrouted()
    let route = router.route(partitionId, partitionKey, this.#cursor, this.#owner.unkeyedMayWait)
    if (partitionId !== undefined) return route
    // Nothing may overtake what waits for room in front of the partition ids; what needs none has its own line.
    if (this.#unroutedWithoutRoom > 0) {
      return partitionKey === undefined || route.kind === 'service' ? route : { kind: 'pending' }
    }
    if (partitionKey !== undefined) return route
    // An unkeyed event need not wait for room in one partition while another has some.
    for (let tried = 1; tried < (directory.ids?.length ?? 0); tried++) {
      if (route.kind !== 'partition' || capacity.hasRoom(route.partitionId, load)) return route
      router.moveOn(route.partitionId, this.#cursor)
      route = router.route(undefined, undefined, this.#cursor, false)
    }
    return route
  }

  #takeWhenThereIsRoom(item: Item<E>, route: Route, key: string, limits: OperationLimits): Promise<void> {
    const { clock, capacity } = this.#env
    const { deadline, signal } = limits
    if (route.kind === 'pending') this.#unroutedWithoutRoom++
    this.#countWithoutRoom += item.load.count
    return new Promise((resolve, reject) => {
      let isOver = false
      let cancelTimer = () => {}
      let release = () => {}
      const end = () => {
        isOver = true
        cancelTimer()
        release()
        this.#waitingForRoom.delete(refuse)
        if (route.kind === 'pending') this.#unroutedWithoutRoom--
        this.#countWithoutRoom -= item.load.count
      }
      const refuse = (error: EventHubError) => {
        if (isOver) return
        end()
        // Ahead of the cancel, which gives its turn to those behind it: they have to find that it failed.
        this.#refuse(item.entries, error)
        waiter.cancel()
        reject(error)
        for (const { epoch } of item.entries) this.#pending.settle(epoch)
      }
      this.#waitingForRoom.add(refuse)
      const waiter = capacity.wait(key, item.load, () => {
        end()
        this.#admit(item, route)
        resolve()
      })
      // Sealing what is half full can free room at once.
      if (isOver) return
      release = onAbort(signal, () => refuse(abortedError(signal?.reason)))
      if (isOver) return
      if (deadline !== Number.POSITIVE_INFINITY) {
        cancelTimer = clock.schedule(remainingTime(clock, deadline), () =>
          refuse(
            new OperationTimeoutError(
              'No room in the buffer in time: events arrive faster than they are accepted. Await sendEvent, raise maxBufferLength, or allow more time.',
            ),
          ),
        )
      }
    })
  }

  /** The events have their room; on to their channel, or to the wait for the partition ids. */
  #admit(item: Item<E>, route: Route): void {
    if (route.kind === 'pending') {
      this.#unrouted.push(item)
      // Known by now, if it waited for room in between.
      if (this.#env.directory.ids !== undefined) this.#routeUnrouted()
      else void this.#loadPartitionIds()
      return
    }
    const channel = this.#channelFor(route)
    if (item.intactSizeInBytes !== undefined) {
      channel.held += item.entries.length
      channel.addIntact({ entries: item.entries, sizeInBytes: item.intactSizeInBytes, intact: true })
      return
    }
    for (const entry of item.entries) this.#addTo(channel, entry)
  }

  #addTo(channel: PartitionChannel<E>, entry: Entry<E>): void {
    channel.held++
    channel.add(entry)
    // Its flush has sealed already: it must not wait for the batch to fill up.
    if (entry.epoch < this.#pending.epoch) this.#sealSoon(channel)
  }

  #allChannels(): PartitionChannel<E>[] {
    return [...this.#channels.values(), ...this.#serviceChannels.values()]
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
    if (this.#loading) return
    const loading = new AbortController()
    this.#loading = loading
    const joined = joinSignals(loading.signal, this.#abort.signal)
    const limits = { deadline: this.limits.deadline, signal: joined.signal }
    let error: EventHubError | undefined
    try {
      await bounded(
        this.#env.clock,
        this.#env.directory.load(limits),
        limits,
        () => new OperationTimeoutError('The partition ids did not arrive in time.'),
      )
    } catch (thrown) {
      // The events themselves never left.
      error = toEventHubError(thrown).withOutcome('returned')
    }
    joined.release()
    if (this.#loading !== loading) return
    this.#loading = undefined
    // Whoever else asked may have been told.
    if (this.#env.directory.ids !== undefined) {
      this.#routeUnrouted()
      return
    }
    const unrouted = this.#unrouted
    this.#unrouted = []
    for (const { entries } of unrouted) this.#settle(unroutedCapacity, undefined, entries, error)
  }

  #routeUnrouted(): void {
    // Routing frees room, by which the next in line arrive here: they join the end of this very loop.
    if (this.#isRouting) return
    this.#isRouting = true
    try {
      for (const item of this.#unrouted) {
        const route = this.#env.router.route(undefined, item.partitionKey, this.#cursor, false)
        this.#env.capacity.move(unroutedCapacity, capacityKeyOf(route), item.load.count)
        this.#admit(item, route)
      }
      this.#unrouted = []
    } finally {
      this.#isRouting = false
    }
    // Somebody else was told first: what is asked here nobody waits for any more, and it must not outlive its owner.
    const loading = this.#loading
    this.#loading = undefined
    loading?.abort()
  }

  #channelFor(route: Exclude<Route, { kind: 'pending' }>): PartitionChannel<E> {
    const known =
      route.kind === 'partition' ? this.#channels.get(route.partitionId) : this.#serviceChannels.get(route.key)
    if (known) return known
    const channel = new PartitionChannel<E>(this.#env, this, {
      partitionId: route.kind === 'partition' ? route.partitionId : undefined,
      partitionKey: route.kind === 'partition' ? undefined : route.key,
      capacityKey: capacityKeyOf(route),
      inOrder: this.#owner.afterFailure === 'stop',
    })
    if (route.kind === 'partition') this.#channels.set(route.partitionId, channel)
    else this.#serviceChannels.set(route.key, channel)
    return channel
  }

  /** What the caller asked to have kept in order, where that matters; unkeyed events have no order among partitions. */
  #orderKeyOf({ partitionId, partitionKey }: TakeOptions): string | undefined {
    if (this.#owner.afterFailure !== 'stop') return undefined
    if (partitionId !== undefined) return `partition ${partitionId}`
    return partitionKey === undefined ? undefined : `key ${partitionKey}`
  }

  #settle(
    capacityKey: string,
    partitionId: PartitionId,
    entries: readonly Entry<E>[],
    error: EventHubError | undefined,
  ): void {
    if (error) {
      for (const { orderKey, index } of entries) this.#block(orderKey, index, error)
      this.#owner.failed(entries, partitionId, error)
    } else this.#owner.accepted(entries, partitionId)
    let sizeInBytes = 0
    let settled = 0
    for (let i = 0; i < entries.length; i++) {
      const { epoch, encoded } = entries[i] as Entry<E>
      sizeInBytes += encoded.sizeInBytes
      settled++
      if (entries[i + 1]?.epoch === epoch) continue
      this.#pending.settle(epoch, settled)
      settled = 0
    }
    this.#env.capacity.release(capacityKey, { count: entries.length, sizeInBytes })
  }
}

function capacityKeyOf(route: Route): string {
  if (route.kind === 'pending') return unroutedCapacity
  return route.kind === 'partition' ? route.partitionId : serviceCapacity
}

function partitionIdOf(route: Route | undefined): string | undefined {
  return route?.kind === 'partition' ? route.partitionId : undefined
}

function totalSize(entries: readonly Entry[]): number {
  let total = 0
  for (const entry of entries) total += entry.encoded.sizeInBytes
  return total
}
