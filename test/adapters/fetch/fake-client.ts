import type { EventHubProducerClient } from '../../../core/client.js'
import { abortedError, EventHubError, OperationTimeoutError } from '../../../core/errors.js'
import type { EventData, EventInput } from '../../../core/event-data.js'
import type { BeginInvocationOptions } from '../../../core/options.js'
import type { FlushFailure, FlushReport } from '../../../core/report.js'
import type { SendOptions } from '../../../core/send-options.js'

export interface Sent {
  readonly event: EventData
  readonly partitionKey: string | undefined
}

/** What becomes of an event: accepted, or the error that its failure carries. Called when the event is taken. */
export type Script = (sent: Sent, index: number) => EventHubError | undefined | Promise<EventHubError | undefined>

const utf8 = new TextDecoder()

export function bodyText(event: EventInput): string {
  return typeof event.body === 'string' ? event.body : utf8.decode(event.body as Uint8Array)
}

/** Keeps the contract of `Invocation` as its docstrings have it, with the outcomes that a test scripts. */
export class FakeInvocation {
  readonly sent: Sent[] = []
  readonly options: BeginInvocationOptions
  isEnded = false
  readonly #script: Script
  readonly #controller = new AbortController()
  readonly #failures: FlushFailure[] = []
  #nextIndex = 0
  #reported = 0
  #stoppedBy: EventHubError | undefined

  constructor(options: BeginInvocationOptions, script: Script) {
    this.options = options
    this.#script = script
    const { abortSignal } = options
    if (abortSignal?.aborted) this.#stop(abortedError(abortSignal.reason))
    else abortSignal?.addEventListener('abort', () => this.#stop(abortedError(abortSignal.reason)))
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** As if the deadline had come. */
  expire(): void {
    this.#stop(new OperationTimeoutError('The time of the invocation ran out.'))
  }

  async sendEvent(event: EventInput, options: SendOptions = {}): Promise<void> {
    if (this.isEnded) throw new EventHubError('The invocation has ended.', { code: 'invocation-ended' })
    const index = this.#nextIndex++
    const sent = { event: event as EventData, partitionKey: options.partitionKey }
    const error = this.#stoppedBy ?? (await this.#script(sent, index)) ?? this.#stoppedBy
    if (error === undefined) {
      this.sent.push(sent)
      return
    }
    const partition = error.code === 'server-busy' ? { partitionId: '3' } : {}
    this.#failures.push({ index, event, ...partition, outcome: error.outcome, error })
    if (error === this.#stoppedBy) throw error
  }

  async end(): Promise<FlushReport> {
    this.isEnded = true
    const failures = this.#failures.splice(0).sort((a, b) => a.index - b.index)
    const accepted = this.sent.length - this.#reported
    this.#reported += accepted
    return { accepted, failures, durationInMs: 0 }
  }

  #stop(reason: EventHubError): void {
    this.#stoppedBy ??= reason
    this.#controller.abort(reason)
  }
}

export class FakeClient {
  readonly invocations: FakeInvocation[] = []
  isClosed = false
  readonly #script: Script

  constructor(script: Script = () => undefined) {
    this.#script = script
  }

  beginInvocation(options: BeginInvocationOptions): FakeInvocation {
    if (this.isClosed) throw new EventHubError('The client is closed.', { code: 'client-closed' })
    const invocation = new FakeInvocation(options, this.#script)
    this.invocations.push(invocation)
    return invocation
  }

  /** What `getPartitionIds` gives, or rejects with. */
  partitionIds: readonly string[] | Error = ['0', '1', '2']

  async getPartitionIds(): Promise<string[]> {
    if (this.partitionIds instanceof Error) throw this.partitionIds
    return [...this.partitionIds]
  }

  /** Everything accepted, over all invocations. */
  get sent(): Sent[] {
    return this.invocations.flatMap((invocation) => invocation.sent)
  }

  get bodies(): string[] {
    return this.sent.map(({ event }) => bodyText(event))
  }

  get last(): FakeInvocation {
    const last = this.invocations.at(-1)
    if (last === undefined) throw new Error('No invocation was begun.')
    return last
  }

  asClient(): EventHubProducerClient {
    return this as unknown as EventHubProducerClient
  }
}
