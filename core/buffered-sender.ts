import type { Entry } from './buffering/batch.js'
import type { EventDataBatch } from './buffering/event-data-batch.js'
import { bounded } from './deadline.js'
import { type EventHubError, OperationTimeoutError } from './errors.js'
import type { EventInput } from './event-data.js'
import { Outbox, type OutboxEnvironment, type TakeOptions } from './outbox.js'
import type { EncodedEvent, Logger, OperationLimits, PartitionId } from './transport.js'

/** Longest wait for room when the call does not say, in milliseconds. */
const defaultRoomTimeoutInMs = 60_000

export interface BufferedCallbacks {
  readonly onSuccess: (events: EventInput[], partitionId: string | undefined) => unknown
  readonly onError: (events: EventInput[], partitionId: string | undefined, error: EventHubError) => unknown
  readonly logger: Logger
}

/** Buffered mode: the client itself owns the events; callbacks tell what became of them, batch by batch. */
export class BufferedSender {
  readonly #env: OutboxEnvironment
  readonly #callbacks: BufferedCallbacks
  readonly #outbox: Outbox
  /** Events that a callback is hearing of right now: they are settled, and the outbox learns it after the callback. */
  #beingToldCount = 0

  constructor(env: OutboxEnvironment, callbacks: BufferedCallbacks) {
    this.#env = env
    this.#callbacks = callbacks
    this.#outbox = new Outbox(env, {
      limits: { deadline: Number.POSITIVE_INFINITY },
      roomTimeoutInMs: defaultRoomTimeoutInMs,
      afterFailure: 'continue',
      unkeyedMayWait: true,
      accepted: (entries, partitionId) => this.#tell('onSuccess', entries, partitionId, undefined),
      failed: (entries, partitionId, error) => this.#tell('onError', entries, partitionId, error),
      // The rejection of sendEvent tells; the event was never in the buffer.
      notTaken: () => {},
    })
  }

  get bufferedCount(): number {
    return this.#outbox.heldCount - this.#beingToldCount
  }

  bufferedCountIn(partitionId: string): number {
    return this.#outbox.heldIn(partitionId)
  }

  /** Resolves when there is room in the buffer. */
  take(event: EventInput, options: TakeOptions): Promise<void> {
    return this.#outbox.take(event, 0, options)
  }

  /** Resolves when there is room in the buffer for the whole batch. */
  async takeBatch(
    batch: EventDataBatch,
    items: readonly { encoded: EncodedEvent; event: EventInput }[],
    options: Pick<TakeOptions, 'timeoutInMs' | 'signal'>,
  ): Promise<void> {
    const { partitionId, partitionKey, sizeInBytes } = batch
    const { timeoutInMs, signal } = options
    if (items.length === 0) return
    await this.#outbox.takeIntact(items, 0, sizeInBytes, { partitionId, partitionKey, timeoutInMs, signal })
  }

  sealForRoom(capacityKey: string | undefined): void {
    this.#outbox.sealForRoom(capacityKey)
  }

  /** Sends everything that is buffered now. Rejects with `OperationTimeoutError`, keeping the rest, when time runs out. */
  async flush(limits: OperationLimits): Promise<void> {
    await bounded(
      this.#env.clock,
      this.#outbox.flush(),
      limits,
      () =>
        new OperationTimeoutError(
          `Time ran out with ${this.#outbox.pendingCount} events not yet accepted; they stay buffered. Allow more time, or call close() to hand them to onError.`,
        ),
    )
  }

  /** Hands everything not yet accepted to `onError`. */
  giveUp(reason: EventHubError): Promise<void> {
    return this.#outbox.giveUp(reason)
  }

  #tell(
    name: 'onSuccess' | 'onError',
    entries: readonly Entry[],
    partitionId: PartitionId,
    error: EventHubError | undefined,
  ): void {
    const { onSuccess, onError, logger } = this.#callbacks
    const events = entries.map((entry) => entry.event)
    this.#beingToldCount += events.length
    callBack(name, logger, () => (error ? onError(events, partitionId, error) : onSuccess(events, partitionId)))
    this.#beingToldCount -= events.length
  }
}

/** A callback that fails, at once or later, is reported and changes nothing. Nobody waits for it. */
export function callBack(name: string, logger: Logger, call: () => unknown): void {
  const report = (thrown: unknown) =>
    logger.error?.(
      `eventhub-sluice: the ${name} callback failed: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
    )
  try {
    Promise.resolve(call()).catch(report)
  } catch (thrown) {
    report(thrown)
  }
}
