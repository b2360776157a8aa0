import type { EventHubErrorCode, FailureOutcome } from '../../core/errors.js'
import { asRefusal } from '../../core/errors.js'
import type { EventInput } from '../../core/event-data.js'
import type { FlushFailure, FlushReport } from '../../core/report.js'

/** What became of one event of a request. */
export interface EventResult {
  /** Position in the request, from 0. Blank lines do not count. */
  readonly index: number
  /** The event's own id: a CloudEvent's, a batch item's, an Event Grid event's. */
  readonly id?: string
  /**
   * - `accepted`: it is in the event hub.
   * - `refused`: Event Hubs or a limit said no. It is not in the event hub.
   * - `unknown`: it was sent and no answer came. It may be in the event hub; sending it again may double it.
   * - `returned`: it was not sent. It is not in the event hub.
   * - `invalid`: it is no event; `message` says why.
   */
  readonly status: 'accepted' | FailureOutcome | 'invalid'
  /** Where it was to go, if that was known when it failed. */
  readonly partitionId?: string
  /** Stable reason of a failure. */
  readonly code?: EventHubErrorCode | 'invalid-event'
  /** What was wrong and what to do, for people; holds nothing of the event. */
  readonly message?: string
  /** Whether sending the same event again, unchanged, can help. */
  readonly retryable: boolean
  /** How long Event Hubs asked to be left alone, in milliseconds. */
  readonly retryAfterInMs?: number
}

/** One item of the request, as far as it came: taken by the invocation, invalid, or known. */
export type Entry =
  | { readonly id: string | undefined; readonly event: EventInput; readonly rejection?: unknown }
  | { readonly id?: string | undefined; readonly invalid: string }
  /** Accepted by an attempt before this one, and not sent again. */
  | { readonly id?: string | undefined; readonly isKnown: true }

/** Joins what was asked with what the invocation reports. */
export function resultsOf(entries: readonly Entry[], report: FlushReport): EventResult[] {
  const failures = new Map<EventInput, FlushFailure>()
  for (const failure of report.failures) failures.set(failure.event, failure)
  const results: EventResult[] = []
  let known = 0
  let accepted = 0
  for (const [index, entry] of entries.entries()) {
    const result = resultOf(entry, index, failures)
    results.push(result)
    if (result.status === 'accepted') accepted++
    if ('isKnown' in entry) known++
  }
  // Never claims more than the report: were the two ever to disagree, nobody could say which event is in.
  if (accepted !== known + report.accepted) {
    throw new Error(
      `The invocation reports ${report.accepted} accepted events; by its failures there would be ${accepted - known}.`,
    )
  }
  return results
}

function resultOf(entry: Entry, index: number, failures: ReadonlyMap<EventInput, FlushFailure>): EventResult {
  const { id } = entry
  if ('invalid' in entry) {
    return of(index, id, { status: 'invalid', code: 'invalid-event', message: entry.invalid, retryable: false })
  }
  const failure = 'event' in entry ? failures.get(entry.event) : undefined
  if (failure !== undefined) return of(index, id, failureResult(failure.error, failure))
  if ('rejection' in entry) return of(index, id, failureResult(entry.rejection))
  // Most are: without copies.
  if (id === undefined) return { index, status: 'accepted', retryable: false }
  return { index, id, status: 'accepted', retryable: false }
}

function of(index: number, id: string | undefined, result: Omit<EventResult, 'index' | 'id'>): EventResult {
  return id === undefined ? { index, ...result } : { index, id, ...result }
}

function failureResult(thrown: unknown, failure?: FlushFailure): Omit<EventResult, 'index' | 'id'> {
  const error = asRefusal(thrown)
  const { code, retryAfterInMs } = error
  const status = failure?.outcome ?? error.outcome
  return {
    status,
    code,
    message: sentences[code] ?? operator,
    retryable: error.retryable || status === 'unknown' || passing.has(code),
    ...(failure?.partitionId === undefined ? {} : { partitionId: failure.partitionId }),
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  }
}

/** Final for the invocation that met them, but not for the next request. */
const passing: ReadonlySet<EventHubErrorCode> = new Set([
  'aborted',
  'client-closed',
  'invocation-ended',
  'predecessor-failed',
])

/** `code` says which; what to do is the same. */
const again = 'Event Hubs did not confirm this event. Send it again.'
const operator =
  'Event Hubs does not take events of this front door as it is set up. Its operator finds more in its log.'
const asItIs = 'Neither Event Hubs nor the way to it in use here can take this event as it is.'

/**
 * What a caller is told, where it is not for the operator. An error's own message may name hosts or quote what it was
 * given, so it goes to the log and not to the network.
 */
const sentences: Readonly<Partial<Record<EventHubErrorCode, string>>> = {
  aborted: again,
  'argument-error': asItIs,
  'client-closed': again,
  'connection-lost': again,
  'event-too-large': 'The event is larger than this event hub takes. Send less in it, or a reference to it.',
  'invocation-ended': again,
  'not-supported': asItIs,
  'predecessor-failed':
    'An earlier event of the same key failed, so this one was held back. Send both again, in order.',
  'quota-exceeded': 'A quota of the event hub is used up. Send the event again later.',
  'server-busy': 'The event hub is throttling. Send the event again later, more slowly.',
  'service-error': again,
  timeout: again,
}
