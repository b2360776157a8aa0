import { joinSignals } from './abort.js'
import { bounded } from './deadline.js'
import { EventHubError, OperationTimeoutError } from './errors.js'
import type { OutboxEnvironment } from './outbox.js'
import { runWithRetries } from './retry.js'
import type { EncodedEvent, OperationLimits, PartitionId } from './transport.js'

/**
 * Sends that the caller awaits one by one, outside buffered mode and invocations: each is its own owner.
 * Unless a partition is named, the service picks it, by key where there is one; so no partition ids are
 * needed and a cold client saves their round trips.
 */
export class DirectSender {
  readonly #env: OutboxEnvironment
  readonly #underWay = new Set<Promise<void>>()
  readonly #closing: AbortSignal

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

  async #send(partitionId: PartitionId, events: readonly EncodedEvent[], caller: OperationLimits): Promise<void> {
    const joined = joinSignals(caller.signal, this.#closing)
    try {
      const limits = { deadline: caller.deadline, signal: joined.signal }
      await this.#acquireSlot(limits)
      try {
        await runWithRetries(
          (attempt) => this.#env.transport.send(partitionId, events, attempt),
          this.#env.retry,
          limits,
        )
      } finally {
        this.#env.slots.release()
      }
    } catch (error) {
      // Its bytes may still sit in the socket, and the caller has been told that it is over.
      if (error instanceof EventHubError && error.outcome === 'unknown') this.#env.transport.retireConnection()
      throw error
    } finally {
      joined.release()
    }
  }

  async #acquireSlot(limits: OperationLimits): Promise<void> {
    const slot = { cancel: () => {} }
    const granted = new Promise<void>((resolve) => {
      slot.cancel = this.#env.slots.request(resolve)
    })
    try {
      await bounded(
        this.#env.clock,
        granted,
        limits,
        () =>
          new OperationTimeoutError('No send slot became free in time. Raise maxConcurrentSends or allow more time.'),
      )
    } catch (error) {
      slot.cancel()
      // Granted in the same instant as it was given up: hand it on.
      void granted.then(() => this.#env.slots.release())
      throw error
    }
  }
}
