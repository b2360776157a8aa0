/** An event as the hub keeps it. */
export interface StoredEvent {
  readonly sequenceNumber: number
  readonly offset: number
  /** Milliseconds since 1970. */
  readonly enqueuedAt: number
  readonly partitionKey: string | undefined
  /** The sender's encoded message, as it came. */
  readonly bytes: Buffer
}

/** An event that is about to be stored. */
export type NewEvent = Pick<StoredEvent, 'bytes' | 'partitionKey'>

export interface Retention {
  readonly maxEvents: number
  readonly maxSizeInBytes: number
}

/** Where a reader starts: at the first event for which this is true. */
export type StartPredicate = (event: StoredEvent) => boolean

// What an event costs in memory beside its bytes, roughly.
const overheadInBytes = 400

/** The events of one partition, in order. The oldest go when either limit of the retention is passed. */
export class PartitionLog {
  readonly id: string
  readonly #retention: Retention
  readonly #now: () => number
  readonly #onStored: ((id: string, events: readonly StoredEvent[]) => void) | undefined
  readonly #readers = new Set<() => void>()
  #events: StoredEvent[] = []
  /** How many at the front of the array are gone already. */
  #dropped = 0
  #sizeInBytes = 0
  #nextSequenceNumber = 0
  #nextOffset = 0
  #last: StoredEvent | undefined

  constructor(
    id: string,
    retention: Retention,
    now: () => number,
    onStored?: (id: string, events: readonly StoredEvent[]) => void,
  ) {
    this.id = id
    this.#retention = retention
    this.#now = now
    this.#onStored = onStored
  }

  /** The sequence number of the oldest event kept, or of the next one when none is. */
  get beginSequenceNumber(): number {
    return this.#nextSequenceNumber - this.count
  }

  get nextSequenceNumber(): number {
    return this.#nextSequenceNumber
  }

  /** The event stored last, also when it has been dropped since. */
  get last(): Pick<StoredEvent, 'sequenceNumber' | 'offset' | 'enqueuedAt'> | undefined {
    return this.#last
  }

  get count(): number {
    return this.#events.length - this.#dropped
  }

  append(events: readonly NewEvent[]): void {
    // Time never runs backwards within a partition: positions by time rely on it.
    const enqueuedAt = Math.max(this.#now(), this.#last?.enqueuedAt ?? 0)
    for (const { bytes, partitionKey } of events) {
      // A copy of its own: what came in is a view into a larger buffer that would be kept alive.
      const event = {
        bytes: Buffer.from(bytes),
        partitionKey,
        enqueuedAt,
        sequenceNumber: this.#nextSequenceNumber++,
        offset: this.#nextOffset,
      }
      this.#nextOffset += Math.max(1, bytes.length)
      this.#events.push(event)
      this.#last = event
      this.#sizeInBytes += bytes.length + overheadInBytes
    }
    this.#onStored?.(this.id, this.#events.slice(this.#events.length - events.length))
    this.#trim()
    for (const notify of [...this.#readers]) notify()
  }

  at(sequenceNumber: number): StoredEvent | undefined {
    return sequenceNumber < this.beginSequenceNumber
      ? undefined
      : this.#events[this.#dropped + sequenceNumber - this.beginSequenceNumber]
  }

  /** Sequence number of the first event for which `isAfterStart` holds; it must hold for all later ones too. */
  findStart(isAfterStart: StartPredicate): number {
    let low = this.#dropped
    let high = this.#events.length
    while (low < high) {
      const middle = (low + high) >>> 1
      const event = this.#events[middle]
      if (event !== undefined && isAfterStart(event)) high = middle
      else low = middle + 1
    }
    return this.beginSequenceNumber + low - this.#dropped
  }

  toArray(): StoredEvent[] {
    return this.#events.slice(this.#dropped)
  }

  /** Calls `notify` whenever events were appended, until the returned function is called. */
  onAppend(notify: () => void): () => void {
    this.#readers.add(notify)
    return () => this.#readers.delete(notify)
  }

  #trim(): void {
    while (
      this.count > this.#retention.maxEvents ||
      (this.#sizeInBytes > this.#retention.maxSizeInBytes && this.count > 1)
    ) {
      const dropped = this.#events[this.#dropped]
      this.#sizeInBytes -= (dropped?.bytes.length ?? 0) + overheadInBytes
      this.#dropped++
    }
    // Moving the array only now and then keeps an append cheap however long the log is.
    if (this.#dropped > 64 && this.#dropped > this.#events.length / 8) {
      this.#events = this.#events.slice(this.#dropped)
      this.#dropped = 0
    }
  }
}
