import type { AmqpEvent } from '../../core/amqp/amqp-event.js'
import { AmqpTransport } from '../../core/amqp/amqp-transport.js'
import { toEventHubError } from '../../core/errors.js'
import type { EventInput } from '../../core/event-data.js'
import type { EventCodec, OperationLimits, PartitionId, Transport, TransportContext } from '../../core/transport.js'
import { type Ledger, type Owner, violation } from './ledger.js'
import { idOf, idsIn } from './marks.js'
import type { Network, NetworkObserver, TcpConnection } from './network.js'
import type { Plan } from './plan.js'
import { inTheMiddle, type Service } from './service.js'
import type { World } from './world.js'

/** How late anything may end that has a deadline, for the steps of which each takes no time but its own timer. */
export const graceInMs = 2

interface Send {
  readonly partitionId: PartitionId
  readonly ids: readonly number[]
  readonly owner: Owner
}

/**
 * Looks at what passes between the core and its wire, and between the wire and the network, and holds it to what was
 * promised. Changes nothing.
 */
export class Watch implements NetworkObserver {
  readonly #world: World
  readonly #ledger: Ledger
  readonly #service: Service
  readonly #plan: Plan
  readonly #ids = new WeakMap<object, number>()
  readonly #released = new WeakSet<object>()
  readonly #sends = new Set<Send>()
  /** By connection: what was written to it and has had no answer. */
  readonly #unanswered = new Map<TcpConnection, Set<number>>()

  constructor(world: World, ledger: Ledger, service: Service, plan: Plan) {
    this.#world = world
    this.#ledger = ledger
    this.#service = service
    this.#plan = plan
  }

  get openSends(): number {
    return this.#sends.size
  }

  /** The real AMQP transport, looked at. */
  transport(context: TransportContext, network: Network): Transport<AmqpEvent> {
    const inner = new AmqpTransport(context, network.wire)
    const { codec } = inner
    const watched: EventCodec<AmqpEvent> = {
      encode: (event, partitionKey) => this.#encoded(event, codec.encode(event, partitionKey)),
      envelopeSizeInBytes: (first) => codec.envelopeSizeInBytes(first),
      release: (event) => {
        this.#released.add(event)
        codec.release?.(event)
      },
    }
    return {
      name: inner.name,
      codec: watched,
      canReadProperties: inner.canReadProperties,
      canRetryIdempotently: inner.canRetryIdempotently,
      maxBatchSizeInBytes: (partitionId) => inner.maxBatchSizeInBytes(partitionId),
      send: (partitionId, events, limits) => this.#send(inner, partitionId, events, limits),
      getEventHubProperties: (limits) =>
        this.#inTime('reading the event hub', limits, inner.getEventHubProperties(limits)),
      getPartitionProperties: (partitionId, limits) => inner.getPartitionProperties(partitionId, limits),
      warmUp: (limits) => inner.warmUp(limits),
      checkLiveness: () => inner.checkLiveness(),
      retireConnection: () => inner.retireConnection(),
      close: (limits) => inner.close(limits),
    }
  }

  onClientWrite(connection: TcpConnection, bytes: Buffer): void {
    const ids = idsIn(bytes)
    if (ids.length === 0) return
    const owner = this.#ownerOf(ids)
    this.#world.note(`connection ${connection.id}: writes ${ids.join(' ')} of ${owner.name}`)
    if (owner.isOver) violation(`event ${ids[0]} of ${owner.name} is written after its last report`)
    let unanswered = this.#unanswered.get(connection)
    if (!unanswered) {
      unanswered = new Set()
      this.#unanswered.set(connection, unanswered)
    }
    for (const id of ids) unanswered.add(id)
  }

  onClientRead(): void {}

  onClientClosed(connection: TcpConnection): void {
    this.#unanswered.delete(connection)
  }

  /** With no live invocation and no call under way: what was given up must not sit in a socket any more. */
  checkNothingAbandoned(): void {
    for (const [connection, ids] of this.#unanswered) {
      for (const id of ids) {
        const { owner, told } = this.#ledger.get(id)
        if (owner.kind !== 'buffer' && told === 'unknown') {
          violation(`connection ${connection.id} is open with event ${id} of ${owner.name}, which was given up`)
        }
      }
    }
  }

  #encoded(event: EventInput, encoded: AmqpEvent): AmqpEvent {
    this.#ids.set(encoded, idOf(event as { body?: unknown }))
    return encoded
  }

  #ownerOf(ids: readonly number[]): Owner {
    const [owner, ...others] = new Set(ids.map((id) => this.#ledger.get(id).owner))
    if (!owner || others.length > 0) {
      violation(`events ${ids.join(' ')} travel in one batch and belong to ${others.length + 1} owners`)
    }
    return owner
  }

  async #send(
    inner: AmqpTransport,
    partitionId: PartitionId,
    events: readonly AmqpEvent[],
    limits: OperationLimits,
  ): Promise<void> {
    const ids = events.map((event) => this.#ids.get(event) ?? violation('an event is sent that nobody encoded'))
    const owner = this.#ownerOf(ids)
    if (events.some((event) => this.#released.has(event)))
      violation(`events ${ids.join(' ')} are sent after their release`)
    for (const id of ids) {
      const { told } = this.#ledger.get(id)
      if (told !== undefined) violation(`event ${id} of ${owner.name} is sent after it was ${told}`)
    }
    const send = { partitionId, ids, owner }
    this.#sends.add(send)
    this.#checkBounds(send)
    this.#world.note(`sends ${ids.join(' ')} of ${owner.name} to ${partitionId ?? 'anywhere'}`)
    let outcome: string | undefined
    let hasLeft = true
    try {
      await this.#inTime(`the send of ${ids.join(' ')}`, limits, inner.send(partitionId, events, limits))
      outcome = 'accepted'
      for (const id of ids)
        if (!this.#service.stored.has(id)) violation(`event ${id} counts as accepted, but is not stored`)
    } catch (thrown) {
      const error = toEventHubError(thrown)
      outcome = `${error.outcome} (${error.code})`
      if (error.outcome === 'unknown') for (const id of ids) this.#ledger.get(id).wasInDoubt = true
      // The service has it and says that it failed in the middle: nothing of it sits in a socket.
      hasLeft = error.outcome !== 'unknown' || inTheMiddle.includes(error.condition ?? '')
      throw thrown
    } finally {
      this.#sends.delete(send)
      this.#world.note(`the send of ${ids.join(' ')} is ${outcome}`)
      if (hasLeft) {
        for (const unanswered of this.#unanswered.values()) for (const id of ids) unanswered.delete(id)
      }
    }
  }

  #checkBounds(send: Send): void {
    const { maxConcurrentSends, maxConcurrentSendsPerPartition, enableIdempotentRetries } = this.#plan.client
    if (this.#sends.size > maxConcurrentSends) violation(`${this.#sends.size} sends are under way at once`)
    const { partitionId, owner } = send
    if (owner.kind === 'direct' && !enableIdempotentRetries) return
    const most = owner.afterFailure === 'stop' ? 1 : maxConcurrentSendsPerPartition
    let count = 0
    for (const other of this.#sends) {
      // Where the service chooses, each key has a way of its own.
      const isBeside =
        other.partitionId === partitionId && (partitionId !== undefined || this.#keyOf(other) === this.#keyOf(send))
      if (isBeside && (enableIdempotentRetries || other.owner === owner)) count++
    }
    if (count > most)
      violation(
        `${count} sends to ${partitionId} are under way at once, that of ${send.ids.join(' ')} of ${owner.name} the last`,
      )
  }

  #keyOf({ ids }: Send): string | undefined {
    return ids[0] === undefined ? undefined : this.#ledger.get(ids[0]).orderKey
  }

  async #inTime<T>(what: string, limits: OperationLimits, operation: Promise<T>): Promise<T> {
    const until = Math.max(limits.deadline, this.#world.clientMonotonic)
    try {
      return await operation
    } finally {
      const late = this.#world.clientMonotonic - this.#world.latest(until)
      if (late > graceInMs) violation(`${what} ends ${late.toFixed(1)} ms after its deadline`)
    }
  }
}
