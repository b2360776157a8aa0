import type { Clock } from '../clock.js'
import { bounded } from '../deadline.js'
import { OperationTimeoutError } from '../errors.js'
import type { OperationLimits } from '../transport.js'
import { SendSlots } from './send-slots.js'

/**
 * One batch at a time to each partition, over all owners, its retries included: an idempotent producer numbers
 * its events, and while a batch is in doubt the numbers of the next are not known.
 */
export class PartitionTurns {
  readonly #clock: Clock
  readonly #turns = new Map<string, SendSlots>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Runs `send` once it is its turn. Rejects with `OperationTimeoutError`, or as aborted, when that does not come in time. */
  async run(partitionId: string, limits: OperationLimits, send: () => Promise<void>): Promise<void> {
    let turn = this.#turns.get(partitionId)
    if (!turn) {
      turn = new SendSlots(1)
      this.#turns.set(partitionId, turn)
    }
    await acquireSlot(turn, this.#clock, limits, () => {
      const message = `An earlier batch to partition ${partitionId} was not settled in time. Allow more time.`
      return new OperationTimeoutError(message)
    })
    try {
      await send()
    } finally {
      turn.release()
    }
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
