import { randomInt } from 'node:crypto'
import { AmqpError } from './amqp/errors.js'

export const idempotentCapability = 'com.microsoft:idempotent-producer'
export const producerEpoch = 'com.microsoft:producer-epoch'
export const producerId = 'com.microsoft:producer-id'
export const producerSequenceNumber = 'com.microsoft:producer-sequence-number'

// The oldest are forgotten beyond this: a development server must not grow with every restart of a producer.
const maxProducers = 10_000
const maxSequenceNumber = 0x7fffffff

/** What a producer asks for when it attaches. What it leaves out is chosen for it. */
export interface ProducerClaim {
  readonly id: number | bigint | undefined
  readonly epoch: number | undefined
  readonly sequenceNumber: number | undefined
}

export interface ProducerState {
  readonly id: number | bigint
  epoch: number
  /** Of the last event stored; the next one must carry the number after it. */
  sequenceNumber: number
}

/** What one event says of itself. */
export interface EventStamp {
  readonly id: unknown
  readonly epoch: unknown
  readonly sequenceNumber: unknown
}

function following(sequenceNumber: number): number {
  return sequenceNumber === maxSequenceNumber ? 0 : sequenceNumber + 1
}

/** The idempotent producers of one partition. */
export class IdempotentProducers {
  readonly #producers = new Map<string, ProducerState>()

  /** Registers a producer, or finds it again. Throws `AmqpError` when its epoch is older than the one known. */
  attach(claim: ProducerClaim): ProducerState {
    const id = claim.id ?? randomInt(1, 2 ** 47)
    const known = this.#producers.get(String(id))
    if (known === undefined) {
      const state = { id, epoch: claim.epoch ?? 0, sequenceNumber: claim.sequenceNumber ?? 0 }
      this.#producers.set(String(id), state)
      this.#forgetOldest()
      return state
    }
    const epoch = claim.epoch ?? known.epoch
    if (epoch < known.epoch) throw epochStolen(known.epoch)
    // Under a new epoch the producer may start where it says; otherwise what is stored here is what counts.
    if (epoch > known.epoch) known.sequenceNumber = claim.sequenceNumber ?? known.sequenceNumber
    known.epoch = epoch
    return known
  }

  /** What to do with a batch. Throws `AmqpError` for a gap, an older epoch or stamps that are missing or foreign. */
  judge(state: ProducerState, epoch: number, stamps: readonly EventStamp[]): 'store' | 'duplicate' {
    if (epoch < state.epoch) throw epochStolen(state.epoch)
    const first = checkStamps(state, epoch, stamps)
    if (first === following(state.sequenceNumber)) {
      state.sequenceNumber = stamps.reduce((last) => following(last), state.sequenceNumber)
      return 'store'
    }
    const last = stamps.slice(1).reduce((number) => following(number), first)
    // Half the number space back counts as seen before, as wrapping counters are commonly compared.
    const behind = (state.sequenceNumber - last) & maxSequenceNumber
    if (behind < 2 ** 30 && ((last - first) & maxSequenceNumber) === stamps.length - 1) return 'duplicate'
    throw new AmqpError(
      'com.microsoft:out-of-order-sequence',
      `The sequence number ${first} does not follow ${state.sequenceNumber}, the last one of this producer.`,
    )
  }

  #forgetOldest(): void {
    if (this.#producers.size <= maxProducers) return
    const [oldest] = this.#producers.keys()
    if (oldest !== undefined) this.#producers.delete(oldest)
  }
}

function checkStamps(state: ProducerState, epoch: number, stamps: readonly EventStamp[]): number {
  let expected: number | undefined
  let first = 0
  for (const { id, epoch: stampedEpoch, sequenceNumber } of stamps) {
    if (id !== state.id || stampedEpoch !== epoch || typeof sequenceNumber !== 'number') {
      throw new AmqpError(
        'com.microsoft:argument-error',
        `Each event must carry its producer's ${producerId} and ${producerEpoch}, and a ${producerSequenceNumber}.`,
      )
    }
    if (expected !== undefined && sequenceNumber !== expected) {
      throw new AmqpError('com.microsoft:out-of-order-sequence', 'The sequence numbers within the batch have a gap.')
    }
    if (expected === undefined) first = sequenceNumber
    expected = following(sequenceNumber)
  }
  return first
}

function epochStolen(current: number): AmqpError {
  return new AmqpError(
    'com.microsoft:producer-epoch-stolen',
    `The producer has been taken over under epoch ${current}; this one has an older epoch.`,
  )
}
