import { types } from 'rhea-promise'
import { EventHubError } from '../errors.js'
import type { Logger } from '../transport.js'
import type { AmqpEvent } from './amqp-event.js'
import { stampBatch } from './codec.js'
import { producerEpoch, producerId, producerSequenceNumber, sequenceAfter } from './producer-stamps.js'

export const idempotentProducerCapability = 'com.microsoft:idempotent-producer'

/** As the service gave it in its answer to the attach. */
interface Identity {
  readonly id: Buffer
  readonly epoch: number
  /** Of the last event that the service is known to have, or to have counted. */
  lastSequenceNumber: number
}

/** The batch that bears the newest numbers. */
interface Numbered {
  readonly events: readonly AmqpEvent[]
  /** Undefined once its numbers turned out to mean nothing to the service any more. */
  first: number | undefined
  mayHaveArrived: boolean
}

/** One attach of a link; an answer that comes after a newer attach began means nothing. */
export interface ProducerAttach {
  readonly properties: Readonly<Record<string, unknown>>
}

/**
 * An idempotent producer of one partition, over all the links and connections it has in its life. The service
 * takes a batch only if its numbers follow those it has, and answers a second copy as accepted without
 * storing it. One batch at a time: the sender's core waits for its turn (see `PartitionTurns`).
 *
 *     unnamed -> named (attach answered) -> numbered batch -> accepted | refused
 *                                              |
 *                                              +-> in doubt: sent again under the same numbers
 *                                                     |
 *                                                     +-> given up: unnamed, the next attach starts afresh
 */
export class IdempotentProducer {
  readonly #partitionId: string
  readonly #logger: Logger
  #identity: Identity | undefined
  #numbered: Numbered | undefined
  #newestAttach: ProducerAttach | undefined
  #isBroken = false

  constructor(partitionId: string, logger: Logger) {
    this.#partitionId = partitionId
    this.#logger = logger
  }

  /**
   * Whether `events` need a new identity first. When a batch of unknown outcome has been given up, the service
   * may have it or may still get it. Whatever came next under its numbers would be dropped as a second copy;
   * under the numbers after them it would be refused if the first one had not arrived.
   */
  mustStartAfresh(events: readonly AmqpEvent[]): boolean {
    const isGivenUp = this.#numbered?.mayHaveArrived === true && this.#numbered.events !== events
    return this.#isBroken || isGivenUp
  }

  /** Forgets who it was; the link must be attached anew. */
  startAfresh(): void {
    this.#identity = undefined
    this.#numbered = undefined
    this.#newestAttach = undefined
    this.#isBroken = false
  }

  /**
   * What the attach says. Nothing at first: the service then makes an identity. Later the identity without a
   * number: null asks the service for its own, which tells what it really has (as the official SDKs read it).
   */
  attach(): ProducerAttach {
    const properties: Record<string, unknown> = this.#identity
      ? {
          [producerEpoch]: types.wrap_short(this.#identity.epoch),
          [producerId]: types.wrap_long(this.#identity.id as never),
          [producerSequenceNumber]: null,
        }
      : {}
    this.#newestAttach = { properties }
    return this.#newestAttach
  }

  /** The service's answer. Throws `EventHubError` `not-supported` when it does not know idempotent producers. */
  attached(attach: ProducerAttach, answer: Readonly<Record<string, unknown>> | undefined): void {
    if (attach !== this.#newestAttach) return
    const id = asBytes(answer?.[producerId])
    const epoch = Number(answer?.[producerEpoch] ?? Number.NaN)
    const lastSequenceNumber = Number(answer?.[producerSequenceNumber] ?? Number.NaN)
    if (!id || !Number.isInteger(epoch) || !Number.isInteger(lastSequenceNumber)) {
      throw new EventHubError(
        'The service does not offer idempotent producers on this event hub. Leave enableIdempotentRetries out, or use a tier that has them.',
        { code: 'not-supported' },
      )
    }
    const isSame = this.#identity?.id.equals(id) && this.#identity.epoch === epoch
    const numbered = this.#numbered
    this.#identity = { id, epoch, lastSequenceNumber }
    if (numbered?.first === undefined) return
    const last = sequenceAfter(numbered.first, numbered.events.length - 1)
    const isBefore = sequenceAfter(lastSequenceNumber, 1) === numbered.first
    if (isSame && (isBefore || lastSequenceNumber === last)) return
    numbered.first = undefined
    if (!numbered.mayHaveArrived) return
    this.#logger.warn?.(
      `eventhub-sluice: partition ${this.#partitionId} lost track of this producer's sequence numbers; a batch sent again may be stored twice.`,
    )
  }

  /** Writes the numbers into a batch that is about to leave: the same ones each time that it does. */
  stamp(events: readonly AmqpEvent[], bytes: Buffer): void {
    const identity = this.#identity
    if (!identity) throw new EventHubError('The link is not attached.', { code: 'unexpected' })
    if (this.#numbered?.events !== events) this.#numbered = { events, first: undefined, mayHaveArrived: false }
    this.#numbered.first ??= sequenceAfter(identity.lastSequenceNumber, 1)
    stampBatch(bytes, events, { ...identity, first: this.#numbered.first })
  }

  accepted(events: readonly AmqpEvent[]): void {
    if (this.#numbered?.events !== events) return
    const { first } = this.#numbered
    this.#numbered = undefined
    if (this.#identity && first !== undefined) {
      this.#identity.lastSequenceNumber = sequenceAfter(first, events.length - 1)
    }
  }

  failed(events: readonly AmqpEvent[], error: EventHubError): void {
    if (error.code === 'out-of-order-sequence' || error.code === 'producer-epoch-stolen') this.#isBroken = true
    if (this.#numbered?.events !== events) return
    if (error.outcome === 'unknown') this.#numbered.mayHaveArrived = true
    // Certainly not stored, so its numbers are free for the next batch.
    else if (!this.#numbered.mayHaveArrived) this.#numbered = undefined
  }
}

/** rhea reads a long beyond 53 bits as bytes, any other as a number. */
function asBytes(long: unknown): Buffer | undefined {
  if (Buffer.isBuffer(long)) return long.length === 8 ? Buffer.from(long) : undefined
  if (typeof long !== 'number' || !Number.isSafeInteger(long)) return undefined
  const bytes = Buffer.alloc(8)
  bytes.writeBigInt64BE(BigInt(long))
  return bytes
}
