import { SendSlots } from './send-slots.js'

/**
 * One batch at a time to each partition, over all owners, its retries included: an idempotent producer numbers
 * its events, and while a batch is in doubt the numbers of the next are not known.
 */
export class PartitionTurns {
  readonly #turns = new Map<string, SendSlots>()

  /**
   * The turn at this partition, to be taken before a slot for the send: whoever waits for a partition that is slow
   * to answer must not keep others from sending elsewhere.
   */
  at(partitionId: string): SendSlots {
    const known = this.#turns.get(partitionId)
    if (known) return known
    const turn = new SendSlots(1)
    this.#turns.set(partitionId, turn)
    return turn
  }
}
