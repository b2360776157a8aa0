import type { Context } from 'aws-lambda'
import type { EventHubProducerClient } from '../../../core/client.js'
import { EventHubError, type EventHubErrorCode, type FailureOutcome } from '../../../core/errors.js'
import type { EventData, EventInput } from '../../../core/event-data.js'
import type { BeginInvocationOptions } from '../../../core/options.js'
import type { FlushFailure, FlushReport } from '../../../core/report.js'

/** What the fake event hub says to one event. */
export type Verdict = 'accepted' | { outcome: FailureOutcome; code: EventHubErrorCode; retryable?: boolean }

export const unknown: Verdict = { outcome: 'unknown', code: 'timeout', retryable: true }
export const returned: Verdict = { outcome: 'returned', code: 'timeout', retryable: true }
export const busy: Verdict = { outcome: 'refused', code: 'server-busy', retryable: true }
export const noRights: Verdict = { outcome: 'refused', code: 'unauthorized' }
export const heldBack: Verdict = { outcome: 'returned', code: 'predecessor-failed', retryable: true }
export const tooLarge: Verdict = { outcome: 'refused', code: 'event-too-large' }

export interface Sent {
  readonly event: EventData
  readonly partitionKey: string | undefined
}

export interface FakeInvocation {
  readonly options: BeginInvocationOptions
  readonly sent: Sent[]
  ended: boolean
}

/** A client whose event hub follows a script: the verdict on each event by its position in the invocation. */
export function fakeClient(script: (index: number, event: EventData) => Verdict = () => 'accepted') {
  const invocations: FakeInvocation[] = []
  let warmUps = 0

  function beginInvocation(options: BeginInvocationOptions = {}) {
    const state: FakeInvocation = { options, sent: [], ended: false }
    invocations.push(state)
    let reported = 0
    const stopped = new Set<string | undefined>()
    const report = (): FlushReport => {
      const failures: FlushFailure[] = []
      let accepted = 0
      for (; reported < state.sent.length; reported++) {
        const { event, partitionKey } = state.sent[reported]!
        const scripted = script(reported, event)
        // As the client keeps order: nothing of a key is sent behind what failed.
        const isStopped = options.afterFailure === 'stop' && partitionKey !== undefined && stopped.has(partitionKey)
        const verdict = isStopped ? heldBack : scripted
        if (verdict === 'accepted') accepted++
        else {
          stopped.add(partitionKey)
          failures.push(failureOf(reported, event, verdict))
        }
      }
      return { accepted, failures, durationInMs: 1 }
    }
    return {
      signal: new AbortController().signal,
      remainingTimeInMs: 1000,
      async sendEvent(event: EventInput, { partitionKey }: { partitionKey?: string } = {}) {
        if (state.ended) throw new EventHubError('The invocation has ended.', { code: 'invocation-ended' })
        state.sent.push({ event: event as EventData, partitionKey })
      },
      flush: async () => report(),
      async end() {
        state.ended = true
        return report()
      },
    }
  }

  const client = { beginInvocation, warmUp: async () => void warmUps++ } as unknown as EventHubProducerClient
  return {
    client,
    invocations,
    /** What the only invocation sent. */
    get sent() {
      if (invocations.length !== 1) throw new Error(`Expected one invocation; there were ${invocations.length}.`)
      return invocations[0]!.sent
    },
    get warmUps() {
      return warmUps
    },
  }
}

function failureOf(index: number, event: EventInput, { outcome, code, retryable = false }: Exclude<Verdict, string>) {
  const error = new EventHubError(`scripted ${code}`, { code, outcome, retryable })
  return { index, event, outcome, error }
}

/** A Lambda context with this much time left; adapters use nothing else of it. */
export function contextWith(remainingTimeInMs = 30_000): Context {
  return { getRemainingTimeInMillis: () => remainingTimeInMs } as Context
}

/** A logger that keeps its lines. */
export function recordingLogger() {
  const lines: string[] = []
  const log = (message: string) => void lines.push(message)
  return { lines, warn: log, error: log }
}
