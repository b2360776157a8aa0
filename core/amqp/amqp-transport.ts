import { isIP } from 'node:net'
import { EventHubError, toEventHubError } from '../errors.js'
import type {
  EventCodec,
  EventHubProperties,
  OperationLimits,
  PartitionId,
  PartitionProperties,
  Transport,
  TransportContext,
} from '../transport.js'
import type { AmqpEvent } from './amqp-event.js'
import { BatchBuffers } from './batch-buffers.js'
import { amqpCodec, encodeBatch, idempotentAmqpCodec, scatteredBatch } from './codec.js'
import { AmqpConnection } from './connection.js'
import { IdempotentProducer } from './idempotent-producer.js'
import { readEventHub, readPartition } from './management.js'
import type { ScatteredBytes } from './scattered-bytes.js'
import { defaultMaxMessageSizeInBytes } from './sender-link.js'
import type { Wire } from './socket.js'

/** A handshake takes a few round trips, and each of them answers within this time but on the slowest of networks. */
const shortestHandshakePatienceInMs = 2000

/** A peer that keeps dropping fresh connections is a case for the caller's retry pauses. */
const mostMoves = 2

/**
 * Event Hubs over AMQP 1.0: one connection at a time, made on first use and replaced when it dies. Work
 * that never left a connection that was good once moves to the next one by itself; everything else is the
 * caller's to retry.
 */
export class AmqpTransport implements Transport<AmqpEvent> {
  readonly name: string
  readonly codec: EventCodec<AmqpEvent>
  readonly canReadProperties = true
  readonly canRetryIdempotently = true
  readonly #context: TransportContext
  readonly #wire: Wire
  #current: AmqpConnection | undefined
  /** Live connections, the retired ones included. */
  readonly #connections = new Set<AmqpConnection>()
  #hasConnected = false
  #handshakePatienceInMs = shortestHandshakePatienceInMs
  readonly #closing = new AbortController()
  /** By partition, with idempotent retries; they outlive connections. */
  readonly #producers = new Map<PartitionId, IdempotentProducer>()
  /** As far as they are known, to claim them ahead. */
  #partitionIds: readonly string[]
  readonly #buffers = new BatchBuffers()
  readonly #allocate = (sizeInBytes: number) => this.#buffers.take(sizeInBytes)
  readonly #maxMessageSizes = new Map<PartitionId, number>()
  /** One event hub has one limit; any link's answer is better than the default. */
  #newestMaxMessageSize = defaultMaxMessageSizeInBytes

  constructor(context: TransportContext, wire: Wire) {
    refuseUnsafePlain(context, wire)
    this.name = wire.name
    this.#context = context
    this.#wire = wire
    this.#partitionIds = context.options.partitionIds ?? []
    this.codec = context.options.enableIdempotentRetries ? idempotentAmqpCodec : amqpCodec
  }

  maxBatchSizeInBytes(partitionId: PartitionId): number {
    return this.#maxMessageSizes.get(partitionId) ?? this.#newestMaxMessageSize
  }

  send(partitionId: PartitionId, events: readonly AmqpEvent[], limits: OperationLimits): Promise<void> {
    const producer = this.#producerOf(partitionId)
    const scattered = !producer && this.#wire.isByteStream ? scatteredBatch(events) : undefined
    if (scattered) return this.#sendScattered(partitionId, events, scattered, limits)
    const bytes = encodeBatch(events, this.#allocate)
    const sent = producer
      ? this.#sendIdempotently(producer, partitionId, events, bytes, limits)
      : this.#onConnection((connection) => connection.send(partitionId, bytes, limits))
    // Only of what was accepted has certainly every byte left.
    return sent.then(() => this.#buffers.giveBack(bytes))
  }

  /** Sends the events' bytes from where they lie. A batch that may still sit in a socket keeps its memory. */
  async #sendScattered(
    partitionId: PartitionId,
    events: readonly AmqpEvent[],
    bytes: ScatteredBytes,
    limits: OperationLimits,
  ): Promise<void> {
    try {
      await this.#onConnection((connection) => connection.send(partitionId, bytes, limits))
    } catch (error) {
      for (const { slab } of events) slab.abandon()
      throw error
    }
  }

  async getEventHubProperties(limits: OperationLimits): Promise<EventHubProperties> {
    const properties = await this.#onConnection((connection) =>
      readEventHub(connection, this.#context.eventHubName, limits),
    )
    this.#partitionIds = properties.partitionIds
    this.#current?.claimAhead()
    return properties
  }

  getPartitionProperties(partitionId: string, limits: OperationLimits): Promise<PartitionProperties> {
    return this.#onConnection((connection) =>
      readPartition(connection, this.#context.eventHubName, partitionId, limits),
    )
  }

  warmUp(limits: OperationLimits): Promise<void> {
    return this.#onConnection((connection) => connection.warmUp(undefined, limits))
  }

  checkLiveness(): void {
    if (this.#current?.isUsable) this.#current.checkLiveness()
    // What was connected once will be needed again: the handshake runs beside the user's handler.
    else if (this.#hasConnected && !this.#closing.signal.aborted) this.#connection()
  }

  retireConnection(): void {
    for (const connection of [...this.#connections]) {
      if (!connection.hasAbandoned) continue
      if (this.#current === connection) this.#current = undefined
      connection.retire()
    }
  }

  async close(limits: OperationLimits): Promise<void> {
    this.#closing.abort(clientClosed())
    await Promise.all([...this.#connections].map((connection) => connection.close(limits)))
  }

  #producerOf(partitionId: PartitionId): IdempotentProducer | undefined {
    if (!this.#context.options.enableIdempotentRetries || partitionId === undefined) return undefined
    const known = this.#producers.get(partitionId)
    if (known) return known
    const producer = new IdempotentProducer(partitionId, this.#context.logger)
    this.#producers.set(partitionId, producer)
    return producer
  }

  async #sendIdempotently(
    producer: IdempotentProducer,
    partitionId: PartitionId,
    events: readonly AmqpEvent[],
    bytes: Buffer,
    limits: OperationLimits,
  ): Promise<void> {
    if (producer.mustStartAfresh(events)) {
      for (const connection of this.#connections) connection.detach(partitionId)
      producer.startAfresh()
    }
    try {
      const stamp = () => producer.stamp(events, bytes)
      await this.#onConnection((connection) => connection.send(partitionId, bytes, limits, stamp))
      producer.accepted(events)
    } catch (thrown) {
      const error = toEventHubError(thrown)
      producer.failed(events, error)
      throw error
    }
  }

  /**
   * Runs on the current connection; at once again on a new one, when that died before anything had left by it;
   * and once more when a link was refused, since its claim may have ended.
   */
  async #onConnection<T>(operation: (connection: AmqpConnection) => Promise<T>): Promise<T> {
    let moves = 0
    let isReauthorized = false
    for (;;) {
      const connection = this.#connection()
      try {
        return await operation(connection)
      } catch (thrown) {
        const error: EventHubError = toEventHubError(thrown)
        if (error.outcome !== 'returned') throw error
        const isLost =
          (error.code === 'connection-lost' && connection.isDead && connection.wasReady) ||
          connection.fellSilentInHandshake
        // The claim has been dropped with the link; one with a fresh token may do.
        const isRefused = error.condition === 'amqp:unauthorized-access' && !connection.isDead
        if (isLost && moves < mostMoves) moves++
        else if (isRefused && !isReauthorized) isReauthorized = true
        else throw error
      }
    }
  }

  #connection(): AmqpConnection {
    if (this.#current?.isUsable) return this.#current
    if (this.#closing.signal.aborted) throw clientClosed()
    const onDead = (dead: AmqpConnection) => {
      this.#connections.delete(dead)
      this.#hasConnected ||= dead.wasReady
      // A network that is slow rather than dead must get its handshake in the end.
      if (dead.fellSilentInHandshake) this.#handshakePatienceInMs *= 2
      if (this.#current === dead) this.#current = undefined
    }
    const connection = new AmqpConnection(this.#context, this.#wire, {
      closing: this.#closing.signal,
      handshakePatienceInMs: this.#handshakePatienceInMs,
      onDead,
      onLinkOpen: (partitionId, maxMessageSizeInBytes) => {
        this.#handshakePatienceInMs = shortestHandshakePatienceInMs
        this.#maxMessageSizes.set(partitionId, maxMessageSizeInBytes)
        this.#newestMaxMessageSize = maxMessageSizeInBytes
      },
      partitionIds: () => this.#partitionIds,
      producerOf: (partitionId) => this.#producerOf(partitionId),
    })
    this.#connections.add(connection)
    this.#current = connection
    return connection
  }
}

function clientClosed(): EventHubError {
  return new EventHubError('The client is closed.', { code: 'client-closed' })
}

/** The key itself travels with PLAIN, so it takes TLS, or a wire that nobody else is on. */
function refuseUnsafePlain({ options }: TransportContext, { target }: Wire): void {
  if (options.sasl !== 'plain') return
  if (!options.namedKey) {
    throw new TypeError("sasl: 'plain' needs a named key: a connection string with SharedAccessKey, or { name, key }.")
  }
  const { isTls, hostname } = target
  // Behind a proxy, loopback is the proxy's own.
  const isLoopback =
    !options.httpProxy &&
    (hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.')))
  if (!isTls && !isLoopback) {
    throw new TypeError(
      "sasl: 'plain' sends the key itself: without TLS it is allowed to loopback only. Use sasl: 'cbs'.",
    )
  }
}
