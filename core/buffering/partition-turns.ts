import type { Clock } from '../clock.js'
import { bounded } from '../deadline.js'
import type { OperationTimeoutError } from '../errors.js'
import type { OperationLimits } from '../transport.js'
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

/** Resolves once a slot is held, which the caller then has to release. Rejects when the limits end first. */
export async function acquireSlot(
  slots: SendSlots,
  clock: Clock,
  limits: OperationLimits,
  ranOut: () => OperationTimeoutError,
): Promise<void> {
  let cancel = () => {}
  const granted = new Promise<void>((resolve) => {
    cancel = slots.request(resolve)
  })
  try {
    await bounded(clock, granted, limits, ranOut)
  } catch (error) {
    cancel()
    // Granted in the same instant as it was given up: hand it on.
    void granted.then(() => slots.release())
    throw error
  }
}
