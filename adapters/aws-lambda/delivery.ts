import { EventHubError, toEventHubError } from '../../core/errors.js'
import type { EventData } from '../../core/event-data.js'
import type { Invocation } from '../../core/invocation.js'
import type { FlushFailure, FlushReport } from '../../core/report.js'
import { type EventFormat, toEventData } from './cloud-events.js'
import { lineOf } from './redelivery.js'
import { partitionKeyOf } from './sources/identifiers.js'
import type { ForwardedRecord, OpenedEvent, SourceRecord } from './sources/source.js'

/** Chooses a record's partition key; undefined lets any partition take it. */
export type PartitionKeyFunction = (record: ForwardedRecord) => string | undefined

/**
 * Sends every record and ends the invocation. The report's indexes are positions in `opened.records`, whatever the
 * invocation itself counted.
 */
export async function deliver(
  opened: OpenedEvent,
  invocation: Invocation,
  format: EventFormat,
  partitionKey: PartitionKeyFunction | undefined,
): Promise<FlushReport> {
  const sent: { readonly index: number; readonly event: EventData }[] = []
  const failures = new Map<number, FlushFailure>()
  const stoppedLines = new Set<string>()

  const fail = (index: number, event: EventData, error: EventHubError) => {
    failures.set(index, { index, event, outcome: error.outcome, error })
    const line = lineOf(opened, index)
    if (line !== undefined) stoppedLines.add(line)
  }

  for (const [index, record] of opened.records.entries()) {
    const event = toEventData(record, format)
    const line = lineOf(opened, index)
    // Sent now it would overtake, and come again all the same.
    if (line !== undefined && stoppedLines.has(line)) {
      fail(index, event, predecessorFailed())
      continue
    }
    let key: string | undefined
    try {
      key = chooseKey(record, partitionKey)
    } catch (error) {
      fail(index, event, toEventHubError(error))
      continue
    }
    // Taken at the call. What it rejects stands in the invocation's report as well.
    invocation.sendEvent(event, { partitionKey: key }).catch(() => undefined)
    sent.push({ index, event })
  }

  const report = await invocation.end()
  for (const failure of report.failures) {
    const origin = sent[failure.index]
    if (origin) failures.set(origin.index, { ...failure, index: origin.index })
  }
  assertAccounted(opened, report, failures)
  return { ...report, failures: [...failures.values()].sort((a, b) => a.index - b.index) }
}

/** The report where not even an invocation could begin: nothing left. */
export function allReturned(opened: OpenedEvent, format: EventFormat, thrown: unknown): FlushReport {
  const error = toEventHubError(thrown).withOutcome('returned')
  const failures = opened.records.map((record, index): FlushFailure => {
    return { index, event: toEventData(record, format), outcome: 'returned', error }
  })
  return { accepted: 0, failures, durationInMs: 0 }
}

/** Acknowledging needs an acceptance for every record that did not fail; anything else is a bug, and not the source's loss. */
function assertAccounted(opened: OpenedEvent, report: FlushReport, failures: ReadonlyMap<number, FlushFailure>): void {
  const expected = opened.records.length - failures.size
  if (report.accepted === expected) return
  throw new Error(
    `The report accounts for ${report.accepted} accepted and ${failures.size} failed of ${opened.records.length} records. Nothing is acknowledged, so that the source sends them again. This is a bug in eventhub-sluice: please report it.`,
  )
}

function chooseKey({ forwarded }: SourceRecord, partitionKey: PartitionKeyFunction | undefined): string | undefined {
  if (!partitionKey) return forwarded.defaultPartitionKey
  let key: unknown
  try {
    key = partitionKey(forwarded)
  } catch (cause) {
    // By name alone: the message is the user's, and may quote the record, as those of JSON.parse do.
    throw keyError(forwarded, `threw ${cause instanceof Error ? cause.name : typeof cause}`, cause)
  }
  if (key === undefined) return undefined
  if (typeof key === 'string') return partitionKeyOf(key)
  throw keyError(forwarded, `returned a value of type ${typeof key}; return a string, or undefined for no key`)
}

/** A fault of the option, not of the event: `returned`, so that the record comes again once the option is mended. */
function keyError({ id }: ForwardedRecord, reason: string, cause?: unknown): EventHubError {
  return new EventHubError(`The partitionKey option ${reason} (record ${id}).`, { code: 'argument-error', cause })
}

function predecessorFailed(): EventHubError {
  return new EventHubError('Not sent, because a record before it, in its stream or message group, failed.', {
    code: 'predecessor-failed',
    retryable: true,
  })
}
