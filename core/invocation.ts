import { onAbort } from './abort.js'
import type { Entry } from './buffering/batch.js'
import { EventDataBatch } from './buffering/event-data-batch.js'
import { remainingTime } from './deadline.js'
import { abortedError, asRefusal, EventHubError, OperationTimeoutError } from './errors.js'
import type { EventInput } from './event-data.js'
import { Outbox, type OutboxEnvironment, taken } from './outbox.js'
import type { FlushFailure, FlushReport } from './report.js'
import { type ParsedSendOptions, parseSendOptions, refuseTargetBesideBatch, type SendOptions } from './send-options.js'
import type { Logger, PartitionId } from './transport.js'

/** Settings of one invocation, parsed. */
export interface InvocationSettings {
  /** Monotonic clock reading by which everything has to be settled, reserve already taken off. */
  readonly deadline: number
  readonly afterFailure: 'continue' | 'stop'
  readonly signal: AbortSignal | undefined
  readonly logger: Logger
  /** Called once, when nothing of this invocation is left. */
  readonly onEnd: (invocation: Invocation) => void
}

/**
 *     live -> ending -> ended      `end()`
 *     live -> expired -> ended     deadline, or the caller's abort
 */
type State = 'live' | 'expired' | 'ending' | 'ended'

/**
 * The events of one invocation of serverless code: taken when `sendEvent` is called, settled one by one,
 * and all accounted for when `end()` resolves. Made by `EventHubProducerClient.beginInvocation`.
 */
export class Invocation {
  readonly #env: OutboxEnvironment
  readonly #settings: InvocationSettings
  readonly #outbox: Outbox
  #state: State = 'live'
  /** Made when someone asks for the signal: few do, and a signal costs more than an event. */
  #controller: AbortController | undefined
  /** Why the signal is aborted, once it is; undefined also after an ordinary end. */
  #expiredBy: EventHubError | undefined
  #cancelDeadlineTimer: () => void
  #releaseSignal: () => void = () => {}
  /** Whether bytes of a failed event may still sit in a socket. */
  #mayHaveLeft = false
  #nextIndex = 0
  #accepted = 0
  #failures: FlushFailure[] = []

  /** @internal Use `beginInvocation`. */
  static begin(env: OutboxEnvironment, settings: InvocationSettings): Invocation {
    return new Invocation(env, settings)
  }

  // Private, so that to users' compilers there is no constructor without parameters either.
  private constructor(env: OutboxEnvironment, settings: InvocationSettings) {
    this.#env = env
    this.#settings = settings
    this.#outbox = new Outbox(env, {
      limits: { deadline: settings.deadline },
      roomTimeoutInMs: undefined,
      afterFailure: settings.afterFailure,
      // Idempotent retries need a partition by name.
      unkeyedMayWait: env.turns !== undefined,
      accepted: (entries) => {
        this.#accepted += entries.length
      },
      failed: (entries, partitionId, error) => this.#recordFailures(entries, partitionId, error),
      notTaken: (index, event, error) => this.#recordNotTaken(index, event, error),
    })
    this.#cancelDeadlineTimer = env.clock.schedule(remainingTime(env.clock, settings.deadline), () =>
      this.#expire(
        new OperationTimeoutError(
          'The time of the invocation ran out before Event Hubs accepted the event. Allow more time, or check that the event hub can be reached.',
        ),
      ),
    )
    this.#releaseSignal = onAbort(settings.signal, () => {
      void this.#expire(abortedError(settings.signal?.reason))
    })
  }

  /** Aborts at the invocation's deadline, when its `abortSignal` aborts, and when it ends. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController()
      if (this.#expiredBy !== undefined) this.#controller.abort(this.#expiredBy)
      else if (this.#state === 'ended') this.#controller.abort(hasEnded())
    }
    return this.#controller.signal
  }

  /** Milliseconds until the deadline, reserve already taken off; never negative. */
  get remainingTimeInMs(): number {
    return remainingTime(this.#env.clock, this.#settings.deadline)
  }

  /**
   * Takes the event at the call, awaited or not. Resolves when there is room for it (never waiting for the
   * network); whether it was accepted stands in the report of the next `flush` or `end`.
   *
   * Rejects with an `EventHubError` when it could not be taken (malformed, too large, no room in time);
   * that stands in the report as well, so nothing is lost if the call is not awaited.
   */
  sendEvent(event: EventInput, options?: SendOptions): Promise<void> {
    return this.#send(event, options)
  }

  /**
   * Takes events one by one, in order, as `sendEvent` does; or an `EventDataBatch`, which stays in one
   * piece and goes where it was made for. Resolves when there is room for all.
   */
  sendBatch(events: readonly EventInput[] | EventDataBatch, options?: SendOptions): Promise<void> {
    return detached(this.#sendBatch(events, options))
  }

  /**
   * Seals what is collected, at once, and resolves when every event taken so far is settled: by its
   * acknowledgement, or by the deadline. Never rejects. Reports what settled since the flush before.
   */
  async flush(): Promise<FlushReport> {
    const startedAt = this.#env.clock.monotonicNow()
    await this.#outbox.flush()
    return this.#report(startedAt)
  }

  /**
   * Flushes finally. When it resolves, nothing of this invocation is held, sent or timed any more; later
   * sends reject with `invocation-ended`. Never rejects.
   */
  async end(): Promise<FlushReport> {
    const startedAt = this.#env.clock.monotonicNow()
    if (this.#state === 'live') this.#state = 'ending'
    await this.#outbox.flush()
    this.#finish()
    return this.#report(startedAt)
  }

  /** @internal Someone waits for room: half-full batches leave now. */
  sealForRoom(capacityKey: string | undefined): void {
    this.#outbox.sealForRoom(capacityKey)
  }

  /** @internal Sends what was taken so far; its report stays for the invocation's own `flush` and `end`. */
  drain(): Promise<void> {
    return this.#outbox.flush()
  }

  /** @internal Gives everything up at once: the client is closing. */
  async giveUp(reason: EventHubError): Promise<void> {
    await this.#expire(reason)
  }

  async #sendBatch(events: readonly EventInput[] | EventDataBatch, options: SendOptions | undefined): Promise<void> {
    if (!(events instanceof EventDataBatch)) {
      if (!Array.isArray(events)) {
        this.#assertOpen()
        const error = new TypeError('sendBatch takes an array of events or an EventDataBatch.')
        this.#recordNotTaken(this.#nextIndex++, events as never, error)
        throw error
      }
      const sends = events.map((event) => this.#send(event, options))
      for (const send of sends) await send
      return
    }
    this.#assertOpen()
    const items = this.#itemsOf(events)
    const firstIndex = this.#nextIndex
    this.#nextIndex += items.length
    let parsed: ParsedSendOptions
    try {
      parsed = refuseTargetBesideBatch(parseSendOptions(options, this.#settings.logger))
    } catch (error) {
      for (const [i, item] of items.entries()) this.#recordNotTaken(firstIndex + i, item.event, error)
      throw error
    }
    if (items.length === 0) return
    await this.#outbox.takeIntact(items, firstIndex, events.sizeInBytes, {
      partitionId: events.partitionId,
      partitionKey: events.partitionKey,
      timeoutInMs: parsed.timeoutInMs,
      signal: parsed.signal,
    })
  }

  #itemsOf(batch: EventDataBatch): ReturnType<typeof EventDataBatch.itemsOf> {
    try {
      return EventDataBatch.itemsOf(batch, this.#env.transport.codec)
    } catch (error) {
      this.#recordNotTaken(this.#nextIndex++, batch as never, error)
      throw error
    }
  }

  /** Never throws, and leaves no rejection that somebody has to handle. */
  #send(event: EventInput, options: SendOptions | undefined): Promise<void> {
    // Not an async function: its promise and its frame are a good part of what taking an event costs.
    let index: number | undefined
    try {
      this.#assertOpen()
      index = this.#nextIndex++
      return detached(this.#outbox.take(event, index, parseSendOptions(options, this.#settings.logger)))
    } catch (error) {
      if (index !== undefined) this.#recordNotTaken(index, event, error)
      return detached(Promise.reject(error))
    }
  }

  #assertOpen(): void {
    if (this.#state === 'live' || this.#state === 'expired') return
    const message = 'The invocation has ended: this event was not taken. Send before end(), and await what sends.'
    // The call may not be awaited; without this line its event would be lost in silence.
    this.#settings.logger.error?.(`eventhub-sluice: ${message}`)
    throw new EventHubError(message, { code: 'invocation-ended' })
  }

  async #expire(reason: EventHubError): Promise<void> {
    if (this.#state === 'ended' || this.#state === 'expired') return
    if (this.#state === 'live') this.#state = 'expired'
    this.#cancelDeadlineTimer()
    await this.#outbox.giveUp(reason)
    this.#releaseSignal()
    this.#expiredBy = reason
    this.#controller?.abort(reason)
    // Nothing of it is left, whether or not anyone calls end().
    this.#settings.onEnd(this)
  }

  #finish(): void {
    if (this.#state === 'ended') return
    this.#state = 'ended'
    this.#cancelDeadlineTimer()
    this.#releaseSignal()
    if (this.#expiredBy === undefined) this.#controller?.abort(hasEnded())
    if (this.#mayHaveLeft) this.#env.transport.retireConnection()
    this.#settings.onEnd(this)
  }

  #recordFailures(entries: readonly Entry[], partitionId: PartitionId, error: EventHubError): void {
    this.#mayHaveLeft ||= error.outcome === 'unknown'
    for (const entry of entries) this.#failures.push(failure(entry.index, entry.event, partitionId, error))
  }

  #recordNotTaken(index: number, event: EventInput, error: unknown): void {
    this.#failures.push(failure(index, event, undefined, asRefusal(error)))
  }

  #report(startedAt: number): FlushReport {
    const failures = this.#failures.sort((a, b) => a.index - b.index)
    const accepted = this.#accepted
    this.#failures = []
    this.#accepted = 0
    return { accepted, failures, durationInMs: this.#env.clock.monotonicNow() - startedAt }
  }
}

function hasEnded(): EventHubError {
  return new EventHubError('The invocation has ended.', { code: 'invocation-ended' })
}

function failure(index: number, event: EventInput, partitionId: PartitionId, error: EventHubError): FlushFailure {
  const known = { index, event, outcome: error.outcome, error }
  return partitionId === undefined ? known : { ...known, partitionId }
}

/** A rejection that nobody awaits must not end the process: what it says stands in the report. */
function detached(promise: Promise<void>): Promise<void> {
  if (promise !== taken) promise.catch(() => {})
  return promise
}
