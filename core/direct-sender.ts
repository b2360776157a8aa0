import { joinSignals } from './abort.js'
import { acquireSlot, type SendSlots } from './buffering/send-slots.js'
import { bounded } from './deadline.js'
import { EventHubError, OperationTimeoutError } from './errors.js'
import type { OutboxEnvironment } from './outbox.js'
import { runWithRetries } from './retry.js'
import type { UnkeyedCursor } from './routing/router.js'
import type { EncodedEvent, OperationLimits, PartitionId } from './transport.js'

/**
 * Sends that the caller awaits one by one, outside buffered mode and invocations: each is its own owner.
 * Unless a partition is named, the service picks it, by key where there is one; so no partition ids are
 * needed and a cold client saves their round trips. Only idempotent retries need a partition by name.
 */
export class DirectSender {
  readonly #env: OutboxEnvironment
  readonly #underWay = new Set<Promise<void>>()
  readonly #closing: AbortSignal
  readonly #cursor: UnkeyedCursor = { position: undefined }

  /** @param closing aborts when the client gives up everything under way */
  constructor(env: OutboxEnvironment, closing: AbortSignal) {
    this.#env = env
    this.#closing = closing
  }

  /** Resolves once the service has accepted the events, as one batch. */
  async send(partitionId: PartitionId, events: readonly EncodedEvent[], limits: OperationLimits): Promise<void> {
    if (events.length === 0) return
    // Checks a named partition; the answer for the rest is not used.
    if (partitionId !== undefined) this.#env.router.route(partitionId, undefined, { position: undefined }, false)
    const send = this.#send(partitionId, events, limits)
    this.#underWay.add(send)
    try {
      await send
    } finally {
      this.#underWay.delete(send)
    }
  }

  /** Resolves when nothing is under way; never rejects. */
  async settled(): Promise<void> {
    await Promise.allSettled(this.#underWay)
  }

  async #send(target: PartitionId, events: readonly EncodedEvent[], caller: OperationLimits): Promise<void> {
    const joined = joinSignals(caller.signal, this.#closing)
    try {
      const limits = { deadline: caller.deadline, signal: joined.signal }
      const { transport, retry, turns } = this.#env
      const partitionId = turns && target === undefined ? await this.#choosePartition(events, limits) : target
      const turn = partitionId === undefined ? undefined : turns?.at(partitionId)
      if (turn) await this.#acquire(turn, limits, noTurn)
      try {
        await this.#acquire(this.#env.slots, limits, noSlot)
        try {
          await runWithRetries((attempt) => transport.send(partitionId, events, attempt), retry, limits)
        } finally {
          this.#env.slots.release()
        }
      } finally {
        turn?.release()
      }
    } catch (error) {
      // Its bytes may still sit in the socket, and the caller has been told that it is over.
      if (error instanceof EventHubError && error.outcome === 'unknown') this.#env.transport.retireConnection()
      throw error
    } finally {
      joined.release()
    }
  }

  async #choosePartition(events: readonly EncodedEvent[], limits: OperationLimits): Promise<PartitionId> {
    const { router, directory, clock } = this.#env
    if (directory.ids === undefined) {
      const ranOut = () => new OperationTimeoutError('The partition ids did not arrive in time.')
      await bounded(clock, directory.load(limits), limits, ranOut)
    }
    const route = router.route(undefined, events[0]?.partitionKey, this.#cursor, true)
    if (route.kind !== 'partition') return undefined
    router.moveOn(route.partitionId, this.#cursor)
    return route.partitionId
  }

  #acquire(slots: SendSlots, limits: OperationLimits, message: string): Promise<void> {
    return acquireSlot(slots, this.#env.clock, limits, () => new OperationTimeoutError(message))
  }
}

const noSlot = 'No send slot became free in time. Raise maxConcurrentSends or allow more time.'
const noTurn = 'An earlier batch to the same partition was not settled in time. Allow more time.'
