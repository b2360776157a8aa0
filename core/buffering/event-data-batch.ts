import { EventHubError } from '../errors.js'
import type { EventInput } from '../event-data.js'
import type { Tracing } from '../tracing.js'
import type { EncodedEvent, EventCodec } from '../transport.js'

interface Target {
  readonly partitionId: string | undefined
  readonly partitionKey: string | undefined
}

/**
 * Events that travel as one message: all accepted, or none. Made by `EventHubProducerClient.createBatch`,
 * sent by `sendBatch`, whole and untouched.
 */
export class EventDataBatch {
  /** Where `sendBatch` sends it; undefined: by key, or wherever the service puts it. */
  readonly partitionId: string | undefined
  /** Put on each of its events; undefined: they have no key. */
  readonly partitionKey: string | undefined
  /** Most bytes it can hold, envelope included. */
  readonly maxSizeInBytes: number
  readonly #codec: EventCodec
  readonly #tracing: Tracing
  readonly #items: { readonly encoded: EncodedEvent; readonly event: EventInput }[] = []
  #sizeInBytes = 0

  /** @internal Use `createBatch`. */
  static create(codec: EventCodec, maxSizeInBytes: number, target: Target, tracing: Tracing): EventDataBatch {
    return new EventDataBatch(codec, maxSizeInBytes, target, tracing)
  }

  // Private, so that to users' compilers there is no constructor without parameters either.
  private constructor(codec: EventCodec, maxSizeInBytes: number, target: Target, tracing: Tracing) {
    this.#codec = codec
    this.#tracing = tracing
    this.maxSizeInBytes = maxSizeInBytes
    this.partitionId = target.partitionId
    this.partitionKey = target.partitionKey
  }

  /** Number of events. */
  get count(): number {
    return this.#items.length
  }

  /** Exact size on the wire in bytes; 0 while empty. */
  get sizeInBytes(): number {
    return this.#sizeInBytes
  }

  /**
   * Adds the event unless that would exceed `maxSizeInBytes`; says whether it did.
   *
   * @throws TypeError for what is not an event
   * @throws EventHubError `not-supported` for an event that this transport cannot put beside others
   */
  tryAdd(event: EventInput): boolean {
    const encoded = this.#tracing.encode(this.#codec, event, this.partitionKey, this.maxSizeInBytes)
    const isFirst = this.#items.length === 0
    if (!isFirst && (encoded.solo || this.#items[0]?.encoded.solo)) {
      throw new EventHubError(
        'Over HTTPS, this event can only travel alone (its body is not text, or it names a content type). Send it with sendEvent, or use AMQP.',
        { code: 'not-supported' },
      )
    }
    const before = isFirst ? this.#codec.envelopeSizeInBytes(encoded) : this.#sizeInBytes
    if (before + encoded.sizeInBytes > this.maxSizeInBytes) return false
    this.#sizeInBytes = before + encoded.sizeInBytes
    this.#items.push({ encoded, event })
    return true
  }

  /** @internal The encoded events, for the client whose `createBatch` made this batch. */
  static itemsOf(batch: EventDataBatch, codec: EventCodec): readonly { encoded: EncodedEvent; event: EventInput }[] {
    if (batch.#codec !== codec) {
      throw new TypeError(
        'This EventDataBatch was made by another client. Make it with createBatch() of the client that sends it.',
      )
    }
    return [...batch.#items]
  }
}
