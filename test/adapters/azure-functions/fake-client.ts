import type { EventHubProducerClient } from '../../../core/client.js'
import { EventHubError, type FailureOutcome } from '../../../core/errors.js'
import type { EventInput } from '../../../core/event-data.js'
import type { BeginInvocationOptions } from '../../../core/options.js'
import type { FlushFailure, FlushReport } from '../../../core/report.js'

export interface SentEvent {
  readonly event: EventInput
  readonly options:
    | { readonly partitionId?: string | undefined; readonly partitionKey?: string | undefined }
    | undefined
}

/** What becomes of an event: accepted (nothing), or the failure's outcome. May be a promise, to hold the flush. */
export type Script = (sent: SentEvent) => FailureOutcome | undefined | Promise<FailureOutcome | undefined>

const tooLarge = new EventHubError('too large', { code: 'event-too-large', outcome: 'refused' })

const scripted = (outcome: FailureOutcome) =>
  new EventHubError(`scripted: ${outcome}`, { code: 'server-busy', retryable: true, outcome })

/** One invocation that keeps the contract of `core/invocation.ts` and fails what the script says. */
class FakeInvocation {
  readonly sent: SentEvent[] = []
  readonly signal: AbortSignal = new AbortController().signal
  readonly remainingTimeInMs = 1234
  isEnded = false
  #settled = 0

  constructor(
    readonly options: BeginInvocationOptions,
    readonly client: FakeClient,
  ) {}

  async sendEvent(event: EventInput, options?: SentEvent['options']): Promise<void> {
    if (this.isEnded) throw new EventHubError('ended', { code: 'invocation-ended' })
    const sent = { event, options }
    this.sent.push(sent)
    if (this.client.rejectsAtOnce(sent)) throw tooLarge
  }

  async flush(): Promise<FlushReport> {
    const first = this.#settled
    const settling = this.sent.slice(first)
    this.#settled = this.sent.length
    const outcomes = await Promise.all(settling.map((sent) => this.#outcome(sent)))
    const failures = settling.flatMap(({ event }, i): FlushFailure[] => {
      const outcome = outcomes[i]
      if (!outcome) return []
      const error = outcome === 'too large' ? tooLarge : scripted(outcome)
      return [{ index: first + i, event, outcome: error.outcome, error }]
    })
    this.client.accepted.push(...settling.filter((_, i) => !outcomes[i]))
    return { accepted: settling.length - failures.length, failures, durationInMs: 1 }
  }

  async end(): Promise<FlushReport> {
    const report = await this.flush()
    this.isEnded = true
    return report
  }

  #outcome(sent: SentEvent) {
    return this.client.rejectsAtOnce(sent) ? 'too large' : this.client.script(sent)
  }
}

/** Stands in for the client, so that a test says what Event Hubs answers. */
export class FakeClient {
  readonly invocations: FakeInvocation[] = []
  /** Events that were accepted, in the order of their flushes. */
  readonly accepted: SentEvent[] = []
  /** Set it to make `sendEvent` itself reject. */
  rejectsAtOnce: (sent: SentEvent) => boolean = () => false

  constructor(public script: Script = () => undefined) {}

  beginInvocation(options: BeginInvocationOptions = {}): FakeInvocation {
    const invocation = new FakeInvocation(options, this)
    this.invocations.push(invocation)
    return invocation
  }

  get bodies(): unknown[] {
    return this.accepted.map(({ event }) => event.body)
  }

  asClient(): EventHubProducerClient {
    return this as unknown as EventHubProducerClient
  }
}
