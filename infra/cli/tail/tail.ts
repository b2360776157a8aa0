import type { Session } from 'rhea'
import type { AmqpErrorLike } from '../../../core/amqp/conditions.js'
import { createTokenSource } from '../../../core/auth/token-cache.js'
import { type Clock, systemClock } from '../../../core/clock.js'
import { bounded, wait, within } from '../../../core/deadline.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from '../../../core/errors.js'
import type { OperationLimits, TransportContext } from '../../../core/transport.js'
import { contextOf, type Place, wireTo } from '../amqp/place.js'
import { RawConnection } from '../amqp/raw-connection.js'
import { printable } from '../printable.js'
import type { ReceivedEvent } from './decode.js'
import { describePartitions, type HubDescription } from './describe.js'
import { keepMessagesEncoded, PartitionReader, type Window } from './partition-reader.js'
import type { Position } from './position.js'
import { type ReadError, readErrorOf } from './read-error.js'
import { ReaderClaims } from './reader-claims.js'

export interface TailOptions {
  readonly place: Place
  /** Such as `$Default`. */
  readonly consumerGroup: string
  /** Undefined: all that there are. */
  readonly partitionIds: readonly string[] | undefined
  readonly from: Position
  /** False: ends where each partition ended at the start. */
  readonly follow: boolean
  /** Default: the system's. */
  readonly clock?: Clock
  /** Ends the reading, without an error. */
  readonly signal: AbortSignal
  /** Longest silence of the service, in milliseconds, before the connection is given up. Default: a minute. */
  readonly idleTimeoutInMs?: number
  /** Read ahead of what is taken, over all partitions, but one event of each. Default: 256 events, 64 MiB. */
  readonly mostWaiting?: Window
  /** Told of trouble: a connection that was lost. */
  readonly onNotice: (line: string) => void
  /** Told once, when the partitions are being read. */
  readonly onReading?: (partitionIds: readonly string[]) => void
}

const idleTimeoutInMs = 60_000
/** For connecting, claims and links together. */
const openTimeoutInMs = 20_000
/** What may wait to be taken, over all partitions. */
const mostWaiting = { events: 256, sizeInBytes: 64 * 1024 * 1024 }
const shortestPauseInMs = 100
const longestPauseInMs = 10_000

/**
 * Reads an event hub until it is told to stop. Events come in their partition's order, each once, over however many
 * connections; the next ones are asked for as these are taken.
 *
 * @throws ReadError for what will not pass by itself
 */
export async function* tail(options: TailOptions): AsyncGenerator<ReceivedEvent, void, undefined> {
  const reading = new Reading(options)
  try {
    yield* reading.events()
  } finally {
    reading.end()
  }
}

class Reading {
  readonly #options: TailOptions
  readonly #clock: Clock
  readonly #context: TransportContext
  readonly #queue: { readonly event: ReceivedEvent; readonly reader: PartitionReader }[] = []
  readonly #ending = new AbortController()
  #readers: readonly PartitionReader[] | undefined
  #connection: RawConnection | undefined
  #failure: unknown
  /** Why the last connection ended; undefined while all is well. */
  #lastTrouble: string | undefined
  #isOver = false
  #hasBegun = false
  #createdAt = Number.NaN
  #wake: () => void = () => {}

  constructor(options: TailOptions) {
    this.#options = options
    const { place, clock = systemClock } = options
    this.#clock = clock
    const tokens = createTokenSource(place.credential, { clock, authTimeoutInMs: 0 })
    this.#context = contextOf(place, clock, tokens, options.idleTimeoutInMs ?? idleTimeoutInMs)
    if (options.signal.aborted) this.end()
    else options.signal.addEventListener('abort', this.#onAbort)
  }

  readonly #onAbort = () => this.end()

  async *events(): AsyncGenerator<ReceivedEvent, void, undefined> {
    void this.#keepReading()
    for (;;) {
      const next = this.#queue.shift()
      if (next) {
        next.reader.onTaken()
        yield next.event
        continue
      }
      if (this.#isOver) break
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  end(): void {
    this.#options.signal.removeEventListener('abort', this.#onAbort)
    this.#queue.length = 0
    this.#finish()
  }

  #finish(failure?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#failure = failure
    this.#ending.abort()
    this.#connection?.end(new EventHubError('The reading is over.', { code: 'client-closed' }))
    this.#wake()
  }

  /** One connection after the other. Never rejects. */
  async #keepReading(): Promise<void> {
    for (let failures = 0; !this.#isOver; ) {
      const { error, wasOpen } = await this.#readOnce()
      if (this.#isOver) return
      if (this.#isComplete) {
        this.#finish()
        return
      }
      if (wasOpen) failures = 0
      // What was never open is told at once; a claim or a link that ended is tried once more before it is believed.
      const isHopeless = this.#readers === undefined || (!wasOpen && !error.isTransient)
      if (isHopeless || error.code === 'protocol-error') {
        this.#finish(error)
        return
      }
      this.#notice(error)
      const pause = Math.min(longestPauseInMs, shortestPauseInMs * 2 ** Math.min(failures++, 10))
      await wait(this.#clock, pause * (0.75 + Math.random() / 2), this.#ending.signal).catch(() => {})
    }
  }

  /** Once for each reason: an outage of an hour is no page of the same line. */
  #notice({ message }: ReadError): void {
    if (message === this.#lastTrouble) return
    this.#lastTrouble = message
    this.#options.onNotice(`${message} Connecting again.`)
  }

  get #isComplete(): boolean {
    return this.#readers?.every(({ isDone }) => isDone) === true
  }

  async #readOnce(): Promise<{ readonly error: ReadError; readonly wasOpen: boolean }> {
    const { place } = this.#options
    const clock = this.#clock
    const limits = within(clock, { deadline: Number.POSITIVE_INFINITY, signal: this.#ending.signal }, openTimeoutInMs)
    let wasOpen = false
    let connection: RawConnection | undefined
    try {
      connection = new RawConnection(this.#context, wireTo(place, this.#context))
      this.#connection = connection
      const lost = connection.ended.then((error) => Promise.reject(error))
      lost.catch(() => {})
      await Promise.race([lost, this.#open(connection, limits)])
      wasOpen = true
      this.#lastTrouble = undefined
      return { error: readErrorOf(await connection.ended, this.#options), wasOpen }
    } catch (thrown) {
      const error = readErrorOf(thrown, this.#options)
      connection?.end(toEventHubError(error))
      return { error, wasOpen }
    } finally {
      for (const reader of this.#readers ?? []) reader.detached()
    }
  }

  /** Connects, claims and attaches; resolves when all partitions are being read. */
  async #open(connection: RawConnection, limits: OperationLimits): Promise<void> {
    const { place } = this.#options
    const ranOut = () => new OperationTimeoutError(`No answer from ${place.fullyQualifiedNamespace} in time.`)
    const inTime = <T>(promise: Promise<T>) => bounded(this.#clock, promise, limits, ranOut)
    await inTime(connection.opened)
    const session = connection.beginSession()
    const claims = new ReaderClaims(connection, session, {
      fullyQualifiedNamespace: place.fullyQualifiedNamespace,
      tokens: this.#context.tokens,
      clock: this.#clock,
      signal: this.#ending.signal,
      onNotice: this.#options.onNotice,
    })
    const description = await this.#describe(connection, session, claims, limits)
    if (this.#readers) this.#startOverWhatIsNew(this.#readers, description)
    else this.#readers = this.#makeReaders(description)
    this.#createdAt = description.createdAt
    const unfinished = this.#readers.filter(({ isDone }) => !isDone)
    if (unfinished.length === 0) {
      connection.end(new EventHubError('There is nothing more to read.', { code: 'client-closed' }))
      return
    }
    await claims.keep(
      unfinished.map(({ id }) => this.#address(id)),
      limits,
    )
    const reading = connection.beginSession()
    keepMessagesEncoded(reading)
    await inTime(Promise.all(unfinished.map((reader) => reader.attach(reading, this.#address(reader.id)))))
    if (!this.#hasBegun) this.#options.onReading?.(this.#readers.map(({ id }) => id))
    this.#hasBegun = true
  }

  #address(partitionId: string): string {
    const { place, consumerGroup } = this.#options
    return `${place.eventHubName}/ConsumerGroups/${consumerGroup}/Partitions/${partitionId}`
  }

  async #describe(
    connection: RawConnection,
    session: Session,
    claims: ReaderClaims,
    limits: OperationLimits,
  ): Promise<HubDescription> {
    const { place, partitionIds } = this.#options
    const token = await claims.claim(`${place.eventHubName}/$management`, limits)
    const management = connection.openNode(session, '$management')
    return describePartitions(management, place.eventHubName, partitionIds, token, limits)
  }

  #makeReaders({ partitions }: HubDescription): readonly PartitionReader[] {
    const { from, follow } = this.#options
    const { events, sizeInBytes } = this.#options.mostWaiting ?? mostWaiting
    const count = partitions.length
    const window = { events: Math.max(1, Math.floor(events / count)), sizeInBytes: Math.floor(sizeInBytes / count) }
    return partitions.map(({ id, state }) => {
      const reader = new PartitionReader(id, { from, state, follow }, window, {
        onEvent: (event) => this.#onEvent(event, reader),
        onClosed: (error) => this.#onLinkClosed(id, error),
      })
      return reader
    })
  }

  /** Who goes on behind a number of an event hub that is gone waits for another event to get it, and misses all before. */
  #startOverWhatIsNew(readers: readonly PartitionReader[], { createdAt, partitions }: HubDescription): void {
    const isRecreated = createdAt > this.#createdAt
    const others = partitions.flatMap(({ id, state }) => {
      const reader = readers.find((each) => each.id === id)
      return reader && (isRecreated || reader.isAnother(state)) ? [{ reader, state }] : []
    })
    if (others.length === 0) return
    for (const { reader, state } of others) reader.startOver(state)
    const { eventHubName } = this.#options.place
    this.#options.onNotice(`The event hub '${printable(eventHubName)}' was made anew. It is read from its beginning.`)
  }

  #onEvent(event: ReceivedEvent, reader: PartitionReader): void {
    this.#queue.push({ event, reader })
    this.#wake()
    if (this.#isComplete) {
      this.#connection?.end(new EventHubError('There is nothing more to read.', { code: 'client-closed' }))
    }
  }

  /** A link that the service ended ends the connection: the next one begins with claims of its own. */
  #onLinkClosed(partitionId: string, error: AmqpErrorLike | undefined): void {
    const { condition, description = '' } = error ?? {}
    const named = condition === undefined ? '' : ` (${condition})`
    this.#connection?.end(
      new EventHubError(`The service ended the link to partition ${partitionId}${named}: ${description}`, {
        code: 'connection-lost',
        ...(condition === undefined ? {} : { condition }),
      }),
    )
  }
}
