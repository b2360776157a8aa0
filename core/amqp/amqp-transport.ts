import { isIP } from 'node:net'
import { type EventHubError, toEventHubError } from '../errors.js'
import type {
  EventHubProperties,
  OperationLimits,
  PartitionId,
  PartitionProperties,
  Transport,
  TransportContext,
} from '../transport.js'
import { type AmqpEvent, amqpCodec, encodeBatch } from './codec.js'
import { AmqpConnection } from './connection.js'
import { readEventHub, readPartition } from './management.js'
import { defaultMaxMessageSizeInBytes } from './sender-link.js'
import { socketTarget } from './socket.js'

/** A peer that keeps dropping fresh connections is a case for the caller's retry pauses. */
const mostMoves = 2

/**
 * Event Hubs over AMQP 1.0: one connection at a time, made on first use and replaced when it dies. Work
 * that never left a connection that was good once moves to the next one by itself; everything else is the
 * caller's to retry.
 */
export class AmqpTransport implements Transport<AmqpEvent> {
  readonly name = 'amqp'
  readonly codec = amqpCodec
  readonly canReadProperties = true
  readonly #context: TransportContext
  #current: AmqpConnection | undefined
  /** Live connections, the retired ones included. */
  readonly #connections = new Set<AmqpConnection>()
  #hasConnected = false
  readonly #maxMessageSizes = new Map<PartitionId, number>()

  constructor(context: TransportContext) {
    refuseUnsafePlain(context)
    this.#context = context
  }

  maxBatchSizeInBytes(partitionId: PartitionId): number {
    const known = this.#current?.maxMessageSizeInBytes(partitionId)
    if (known !== undefined) this.#maxMessageSizes.set(partitionId, known)
    // One event hub has one limit; any link's answer is better than the default.
    const [anyKnown] = this.#maxMessageSizes.values()
    return this.#maxMessageSizes.get(partitionId) ?? anyKnown ?? defaultMaxMessageSizeInBytes
  }

  send(partitionId: PartitionId, events: readonly AmqpEvent[], limits: OperationLimits): Promise<void> {
    const bytes = encodeBatch(events)
    return this.#onConnection((connection) => connection.send(partitionId, bytes, limits))
  }

  getEventHubProperties(limits: OperationLimits): Promise<EventHubProperties> {
    return this.#onConnection((connection) => readEventHub(connection, this.#context.eventHubName, limits))
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
    else if (this.#hasConnected) this.#connection()
  }

  retireConnection(): void {
    const retired = this.#current
    this.#current = undefined
    retired?.retire()
  }

  async close(limits: OperationLimits): Promise<void> {
    await Promise.all([...this.#connections].map((connection) => connection.close(limits)))
  }

  /** Runs on the current connection; again on a new one, at once, when that died before anything had left by it. */
  async #onConnection<T>(operation: (connection: AmqpConnection) => Promise<T>): Promise<T> {
    for (let moves = 0; ; moves++) {
      const connection = this.#connection()
      try {
        return await operation(connection)
      } catch (thrown) {
        const error: EventHubError = toEventHubError(thrown)
        const neverLeft = error.outcome === 'returned' && error.code === 'connection-lost'
        const canMove = neverLeft && connection.isDead && connection.wasReady && moves < mostMoves
        if (!canMove) throw error
      }
    }
  }

  #connection(): AmqpConnection {
    if (this.#current?.isUsable) return this.#current
    const connection = new AmqpConnection(this.#context, (dead) => {
      this.#connections.delete(dead)
      this.#hasConnected ||= dead.wasReady
      if (this.#current === dead) this.#current = undefined
    })
    this.#connections.add(connection)
    this.#current = connection
    return connection
  }
}

/** The key itself travels with PLAIN, so it takes TLS, or a wire that nobody else is on. */
function refuseUnsafePlain(context: TransportContext): void {
  const { options } = context
  if (options.sasl !== 'plain') return
  if (!options.namedKey) {
    throw new TypeError("sasl: 'plain' needs a named key: a connection string with SharedAccessKey, or { name, key }.")
  }
  const { isTls, hostname } = socketTarget(context)
  const isLoopback =
    hostname === 'localhost' || hostname === '::1' || (isIP(hostname) === 4 && hostname.startsWith('127.'))
  if (!isTls && !isLoopback) {
    throw new TypeError(
      "sasl: 'plain' sends the key itself: without TLS it is allowed to loopback only. Use sasl: 'cbs'.",
    )
  }
}
