import type { InvocationContext } from '@azure/functions'
import { EventHubError } from '../../core/errors.js'
import type { Invocation } from '../../core/invocation.js'
import type { FlushReport } from '../../core/report.js'
import { joinReports } from './reports.js'
import { type EventRouting, type OutgoingEvent, toOutgoingEvents } from './values.js'

/** One output during one invocation of one function: `output.for(context)`. */
export interface InvocationHub {
  /**
   * Sends now, in the background, whatever becomes of the handler. Takes what `context.extraOutputs.set` takes, and
   * throws `TypeError` at once for what no event can carry. All events are taken at the call, awaited or not; the
   * promise resolves when there was room for them, which is before they are accepted. An event that is not accepted
   * stands in the next report, or fails the invocation. Rejects when the invocation has ended.
   */
  send(events: unknown, routing?: EventRouting): Promise<void>
  /**
   * Sends what was set on the output so far, waits until everything sent has its outcome, and returns it. What this
   * report lists is yours to handle: it does not fail the invocation any more, unless the handler has ended before it
   * was there. Ends at the invocation's deadline.
   */
  flush(): Promise<FlushReport>
  /** Aborts at the invocation's deadline, and when it ends. */
  readonly signal: AbortSignal
  /** Milliseconds until the deadline. */
  readonly remainingTimeInMs: number
}

/** The hub as the wrapper holds it. */
export interface OpenHub extends InvocationHub {
  /** Removes what was set on the output with `context.extraOutputs.set` and returns it as events. */
  takeSetEvents(): OutgoingEvent[]
  toEvents(value: unknown): OutgoingEvent[]
  sendEvents(events: readonly OutgoingEvent[]): Promise<void>
  /** The handler has ended: reports that it has not got by now go into the one of `end`. */
  handlerEnded(): void
  end(): Promise<FlushReport>
}

export function openHub(
  invocation: Invocation,
  { extraOutputs }: InvocationContext,
  { name, routing }: { readonly name: string; readonly routing: EventRouting },
): OpenHub {
  const toEvents = (value: unknown) => toOutgoingEvents(value, routing)

  function takeSetEvents(): OutgoingEvent[] {
    const events = toEvents(extraOutputs.get(name))
    extraOutputs.set(name, undefined)
    return events
  }

  const flushing = new Set<Promise<FlushReport>>()
  let hasHandlerEnded = false

  async function flushNow(): Promise<FlushReport> {
    await sendEvents(takeSetEvents())
    return invocation.flush()
  }

  // One call for each event, all at once: an event is taken at the call, also when nobody awaits this promise.
  async function sendEvents(events: readonly OutgoingEvent[]): Promise<void> {
    const sends = await Promise.allSettled(events.map(({ event, options }) => invocation.sendEvent(event, options)))
    for (const send of sends) {
      if (send.status === 'rejected' && !isReported(send.reason)) throw send.reason
    }
  }

  return {
    toEvents,
    takeSetEvents,
    sendEvents,
    send(events, { partitionId, partitionKey } = routing) {
      const isRouted = partitionId !== undefined || partitionKey !== undefined
      const sending = sendEvents(toOutgoingEvents(events, isRouted ? { partitionId, partitionKey } : routing))
      // A rejection that nobody awaits must not end the worker; the client has logged what it says.
      sending.catch(() => {})
      return sending
    },
    flush() {
      const report = flushNow()
      flushing.add(report)
      const settled = () => {
        if (!hasHandlerEnded) flushing.delete(report)
      }
      // Also keeps a rejection that nobody awaits from ending the worker: what it says stands in the report, or comes
      // again when the handler has succeeded.
      report.then(settled, settled)
      return report
    },
    handlerEnded() {
      hasHandlerEnded = true
    },
    async end() {
      hasHandlerEnded = true
      const report = await invocation.end()
      // A flush that was not awaited has taken failures away which nobody would see.
      const forgotten = await Promise.allSettled(flushing)
      const reports = forgotten.flatMap((flush) => (flush.status === 'fulfilled' ? [flush.value] : []))
      return joinReports([...reports, report])
    },
    get signal() {
      return invocation.signal
    },
    get remainingTimeInMs() {
      return invocation.remainingTimeInMs
    },
  }
}

/** Whether the next report, or the end of the invocation, says so too. */
function isReported(error: unknown): boolean {
  return error instanceof EventHubError && error.code !== 'invocation-ended'
}
