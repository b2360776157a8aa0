import type { EventInput } from '../event-data.js'
import type { EncodedEvent, EventCodec } from '../transport.js'

/** One taken event on its way. */
export interface Entry<E extends EncodedEvent = EncodedEvent> {
  readonly encoded: E
  readonly event: EventInput
  /** Position among its owner's events. */
  readonly index: number
  /** Events with the same one must keep their order: the key, or the partition the caller named. */
  readonly orderKey: string | undefined
  /** Number of the flush that will wait for it; see `Outbox`. */
  readonly epoch: number
}

/** Encoded events that will travel as one message, by exact size. */
export class Batch<E extends EncodedEvent = EncodedEvent> {
  readonly entries: Entry<E>[] = []
  sizeInBytes = 0
  readonly #codec: EventCodec<E>
  readonly #maxSizeInBytes: number

  constructor(codec: EventCodec<E>, maxSizeInBytes: number) {
    this.#codec = codec
    this.#maxSizeInBytes = maxSizeInBytes
  }

  /** False, changing nothing, when the event does not fit. A first event always fits: its size was checked when taken. */
  tryAdd(entry: Entry<E>): boolean {
    const { encoded } = entry
    const first = this.entries[0]
    if (first === undefined) {
      this.sizeInBytes = this.#codec.envelopeSizeInBytes(encoded) + encoded.sizeInBytes
      this.entries.push(entry)
      return true
    }
    if (encoded.solo || first.encoded.solo) return false
    if (this.sizeInBytes + encoded.sizeInBytes > this.#maxSizeInBytes) return false
    this.sizeInBytes += encoded.sizeInBytes
    this.entries.push(entry)
    return true
  }

  /** Whether nothing more can be added. */
  get isFull(): boolean {
    return this.entries[0]?.encoded.solo === true || this.sizeInBytes >= this.#maxSizeInBytes
  }
}

/** A batch that takes no more events: ready to be sent, whole. */
export interface SealedBatch<E extends EncodedEvent = EncodedEvent> {
  readonly entries: readonly Entry<E>[]
  readonly sizeInBytes: number
  /** The caller made it: never split. */
  readonly intact: boolean
}
