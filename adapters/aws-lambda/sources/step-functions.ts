import type { FlushReport } from '../../../core/report.js'
import { EventsNotAcceptedError } from '../../flush-on-freeze.js'
import { isPermanent } from '../permanent.js'
import type { ForwardResult } from './answers.js'
import { jsonContent, textContent } from './content.js'
import { digest, partitionKeyOf } from './identifiers.js'
import { hasStrings, isObject } from './shape.js'
import type { Settlement, Source, SourceRecord } from './source.js'

/**
 * What a Task state passes as Payload: its context object (`"context.$": "$$"`, or `{% $states.context %}`) beside what
 * is to be forwarded, one event or a list. Of the context only these fields are read.
 */
export interface StepFunctionsPayload {
  /** The state machine's context object. */
  readonly context: {
    readonly Execution: { readonly Id: string }
    readonly State: { readonly Name: string; readonly EnteredTime?: string }
    readonly StateMachine?: { readonly Id?: string }
    /** There inside a Map state. */
    readonly Map?: { readonly Item?: { readonly Index?: number } }
  }
  /** One event. Excludes `events`. */
  readonly event?: unknown
  /** Several, one per element. Excludes `event`. */
  readonly events?: readonly unknown[]
}

/** One of the events of a Task state. */
export interface StepFunctionsItem {
  /** The ARN of the execution. */
  readonly executionId: string
  /** The name of the Task state. */
  readonly stateName: string
  /** Position in `events`; 0 for `event`. */
  readonly index: number
  /** The event. */
  readonly value: unknown
}

/**
 * Events that no retry can deliver: too large, or impossible to encode. Its `name` is what a state machine's `Catch`
 * matches; a `Retry` should match `EventsNotAcceptedError` alone.
 */
export class EventsRefusedError extends Error {
  /** Always `EventsRefusedError`. */
  override readonly name = 'EventsRefusedError'
  /** Always `events-refused`. */
  readonly code = 'events-refused'

  constructor(report: FlushReport) {
    const { failures, accepted } = report
    const reasons = [...new Set(failures.map(({ error }) => `${error.code}: ${error.message}`))].slice(0, 3).join(' | ')
    super(
      `${failures.length} of ${failures.length + accepted} events can never be accepted by Event Hubs, at index ${failures
        .slice(0, 10)
        .map(({ index }) => index)
        .join(', ')}${failures.length > 10 ? ', …' : ''}. ${reasons}`,
      { cause: failures[0]?.error },
    )
  }
}

/** AWS Step Functions: a Task state that names its execution. */
export const stepFunctions: Source = {
  name: 'step-functions',
  matches: isPayload,
  open(event) {
    const records = isPayload(event) ? readItems(event) : []
    return { records, ordered: false, permanentFailures: 'caller', answer }
  },
}

function isPayload(event: unknown): event is StepFunctionsPayload {
  if (!isObject(event) || !isObject(event.context)) return false
  const { Execution, State } = event.context
  if (!hasStrings(Execution, 'Id') || !hasStrings(State, 'Name')) return false
  // One of the two: with both it would be a guess which is meant.
  return 'event' in event ? !('events' in event) : Array.isArray(event.events)
}

function readItems({ context, event, events }: StepFunctionsPayload): SourceRecord[] {
  const { Execution, State, StateMachine } = context
  // The same for every retry of the state, and another one when the state is entered again.
  const visit = [Execution.Id, State.Name, State.EnteredTime, context.Map?.Item?.Index].filter(
    (part) => part !== undefined,
  )
  return (events ?? [event]).map((value, index) => {
    // With a digest of the event, since items of nested Map states may agree in all the rest, down to the millisecond.
    const id = [...visit, index, digest(value)].join('/')
    const content = typeof value === 'string' ? textContent(value) : jsonContent(value)
    return {
      forwarded: {
        source: 'step-functions',
        id,
        defaultPartitionKey: partitionKeyOf(Execution.Id),
        record: { executionId: Execution.Id, stateName: State.Name, index, value },
      },
      attributes: {
        id,
        source: StateMachine?.Id || Execution.Id,
        type: 'com.amazonaws.states.event',
        time: State.EnteredTime,
        subject: State.Name,
      },
      data: content,
      raw: content,
    }
  })
}

/** What can be cured by a retry comes first: the retry then ends in success, or in the other error. */
function answer({ report }: Settlement): ForwardResult {
  if (report.failures.length === 0) return { accepted: report.accepted }
  throw report.failures.every(isPermanent) ? new EventsRefusedError(report) : new EventsNotAcceptedError(report)
}
