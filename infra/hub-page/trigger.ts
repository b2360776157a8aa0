import type { Ledger } from './ledger.js'
import type { InvocationReport, Invoke, Work } from './producer-protocol.js'
import type { EventSource } from './source.js'

/** What an invocation of the page's producer may take. */
export const invocationTimeoutInMs = 5000
const maxConcurrentInvocations = 4
const maxEventsPerInvocation = 500
const maxWaitingSends = 100

/** One invocation that has ended. */
export interface Invoked {
  readonly origin: 'stream' | 'form'
  readonly sendId?: number
  readonly taken: number
  readonly report: InvocationReport
}

export interface TriggerEnvironment {
  readonly source: EventSource
  readonly ledger: Ledger
  readonly maxEventsPerInvocation?: number
  connectionStringFor(eventHubName: string): string
  /** Undefined: the producer ended before it could report. */
  invoke(work: Omit<Invoke, 'id'>): Promise<InvocationReport | undefined>
  onInvoked(invoked: Invoked): void
}

interface FormSend {
  readonly sendId: number
  readonly eventHubName: string
  readonly work: Extract<Work, { kind: 'form' }>
}

/**
 * Invokes the producer for what waits, as a serverless platform does: a few invocations side by side, each with its events
 * and its time limit. What an invocation reports as not accepted goes back to the source, and is delivered again.
 */
export class Trigger {
  readonly #env: TriggerEnvironment
  readonly #sends: FormSend[] = []
  #eventHubName: string
  #nextSendId = 1
  #active = 0
  #isHeld = false
  #idle: (() => void)[] = []

  constructor(env: TriggerEnvironment, eventHubName: string) {
    this.#env = env
    this.#eventHubName = eventHubName
  }

  /** Where the stream goes. */
  set streamTo(eventHubName: string) {
    this.#eventHubName = eventHubName
  }

  /** Throws `RangeError` when too many wait already. */
  send(eventHubName: string, work: FormSend['work']): number {
    if (this.#sends.length >= maxWaitingSends) {
      throw new RangeError(`${maxWaitingSends} sends wait already. Thaw the producer, or wait until some are done.`)
    }
    const sendId = this.#nextSendId++
    this.#sends.push({ sendId, eventHubName, work })
    this.dispatch()
    return sendId
  }

  /** Starts invocations for what waits, as many as may run. */
  dispatch(): void {
    while (!this.#isHeld && this.#active < maxConcurrentInvocations) {
      const send = this.#sends.shift()
      if (send !== undefined) {
        void this.#run(send.eventHubName, send.work, send.work.count, send.sendId)
        continue
      }
      const numbers = this.#env.source.take(this.#env.maxEventsPerInvocation ?? maxEventsPerInvocation)
      if (numbers.length === 0) return
      void this.#run(this.#eventHubName, { kind: 'stream', numbers }, numbers.length)
    }
  }

  /** Starts no further invocation. Resolves when none is running. */
  hold(): Promise<void> {
    this.#isHeld = true
    if (this.#active === 0) return Promise.resolve()
    return new Promise((resolve) => this.#idle.push(resolve))
  }

  release(): void {
    this.#isHeld = false
    this.dispatch()
  }

  async #run(eventHubName: string, work: Work, taken: number, sendId?: number): Promise<void> {
    const { ledger, source } = this.#env
    this.#active++
    ledger.take(taken)
    const report =
      (await this.#env.invoke({
        connectionString: this.#env.connectionStringFor(eventHubName),
        timeoutInMs: invocationTimeoutInMs,
        work,
      })) ?? withoutReport(taken)
    this.#active--
    ledger.settle(report)
    if (work.kind === 'stream') {
      const failed = new Set(report.failed)
      ledger.claimAccepted(work.numbers.filter((_, index) => !failed.has(index)))
      source.putBack(report.failed.flatMap((index) => work.numbers[index] ?? []))
    }
    this.#env.onInvoked({ origin: work.kind, taken, report, ...(sendId !== undefined && { sendId }) })
    if (this.#active === 0) for (const resolve of this.#idle.splice(0)) resolve()
    // What was refused at once must not be tried again at once: the next tick does.
    if (report.accepted > 0 || this.#sends.length > 0) this.dispatch()
  }
}

function withoutReport(taken: number): InvocationReport {
  return {
    accepted: 0,
    refused: 0,
    unknown: taken,
    returned: 0,
    durationInMs: 0,
    failed: Array.from({ length: taken }, (_, index) => index),
    reason: 'The producer’s process ended before it could report.',
  }
}
