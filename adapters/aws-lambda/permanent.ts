import type { Clock } from '../../core/clock.js'
import { EventHubError, type EventHubErrorCode } from '../../core/errors.js'
import type { EventInput } from '../../core/event-data.js'
import type { FlushFailure } from '../../core/report.js'
import type { Logger } from './options.js'
import { lineOf } from './redelivery.js'
import type { ForwardedRecord, OpenedEvent, PermanentFailurePolicy } from './sources/source.js'

/** A record that Event Hubs will never take as it is, however often it comes. */
export interface PermanentFailure {
  /** As its source delivered it. */
  readonly record: ForwardedRecord
  /** The event that was made of it. */
  readonly event: EventInput
  /** Why it is refused. */
  readonly error: EventHubError
}

/** What a `PermanentFailureSink` gets beside the failures. */
export interface PermanentFailureDetails {
  /** Aborts shortly before the function's time is up. From then on the sink's answer no longer counts. */
  readonly signal: AbortSignal
}

/** Takes over records that can never be sent. Once it resolves they count as handled; if it rejects, as failed. */
export type PermanentFailureSink = (
  failures: readonly PermanentFailure[],
  details: PermanentFailureDetails,
) => Promise<void> | void

/**
 * Refusals that can name the event itself. Any other, such as missing rights, a missing hub or a transport that cannot
 * carry it, somebody can mend.
 */
const faultsOfTheEvent: ReadonlySet<EventHubErrorCode> = new Set(['event-too-large', 'argument-error'])

/**
 * Whether the fault is the event's own: the client judged so before it sent anything, or the service found it too large
 * when it came alone, since the client sends smaller batches until then. What else the service refuses, it refuses by
 * the batch, and often because of a setting: to give up every event of the batch would lose those that are well.
 */
export function isPermanent({ outcome, error }: FlushFailure): boolean {
  if (outcome !== 'refused' || error.retryable || !faultsOfTheEvent.has(error.code)) return false
  return error.condition === undefined || error.code === 'event-too-large'
}

/**
 * The permanent failures whose turn it is. Those that come again behind another record, in a stream or in a message
 * group, are judged then: a sink would otherwise get them with every redelivery, which a stream repeats without end.
 *
 * @param failures in the order of the records
 */
export function permanentToSettle(opened: OpenedEvent, failures: readonly FlushFailure[]): FlushFailure[] {
  const comingAgain = new Set<string>()
  return failures.filter((failure) => {
    const line = lineOf(opened, failure.index)
    if (isPermanent(failure)) return line === undefined || !comingAgain.has(line)
    if (line !== undefined) comingAgain.add(line)
    return false
  })
}

/** Where a stream keeps a record; undefined for any other source. */
export function placeInStream(record: ForwardedRecord): StreamPlace | undefined {
  switch (record.source) {
    case 'kinesis':
      return { eventSourceARN: record.record.eventSourceARN, sequenceNumber: record.record.kinesis.sequenceNumber }
    case 'dynamodb':
      return { eventSourceARN: record.record.eventSourceARN, sequenceNumber: record.record.dynamodb?.SequenceNumber }
    default:
      return undefined
  }
}

interface StreamPlace {
  readonly eventSourceARN: string | undefined
  readonly sequenceNumber: string | undefined
}

const fates: Readonly<Record<PermanentFailurePolicy, string>> = {
  source: "It is left to the source's own retries and dead-letter queue",
  caller: 'Its sender is told',
  stream: 'It is passed over, and stays in the stream until it expires there; onPermanentFailure could keep it',
}

/**
 * Logs the permanent failures and offers them to the sink, where the source's policy has one. Returns the indexes of
 * those that are settled thereby.
 */
export async function settlePermanent(
  opened: OpenedEvent,
  failures: readonly FlushFailure[],
  sink: PermanentFailureSink | undefined,
  remainingTimeInMs: number,
  { clock, logger }: { readonly clock: Clock; readonly logger: Logger },
): Promise<ReadonlySet<number>> {
  const permanent = failures.flatMap(({ index, event, error }): (PermanentFailure & { index: number })[] => {
    const record = opened.records[index]?.forwarded
    return record ? [{ index, record, event, error }] : []
  })
  if (permanent.length === 0) return new Set()
  const policy = opened.permanentFailures
  const fate = sink && policy !== 'caller' ? 'It goes to onPermanentFailure' : fates[policy]
  for (const { record, error } of permanent) {
    const place = placeInStream(record)
    const where = place ? `, sequence number ${place.sequenceNumber} of ${place.eventSourceARN}` : ''
    logger.error?.(
      `eventhub-sluice: Event Hubs can never take ${record.source} record ${record.id}${where} (${error.code}). ${fate}.`,
    )
  }
  if (policy === 'caller') return new Set()
  if (!sink) return new Set(policy === 'stream' ? permanent.map(({ index }) => index) : [])
  try {
    const handed = permanent.map(({ record, event, error }) => ({ record, event, error }))
    await withinTime((signal) => sink(handed, { signal }), remainingTimeInMs, clock)
    return new Set(permanent.map(({ index }) => index))
  } catch (error) {
    logger.error?.(
      `eventhub-sluice: onPermanentFailure failed (${reasonOf(error)}); its records count as not accepted.`,
    )
    return new Set()
  }
}

/** Our own errors never quote a record. Others are the user's and may: by name alone. */
function reasonOf(error: unknown): string {
  if (error instanceof EventHubError) return `${error.code}: ${error.message}`
  return error instanceof Error ? error.name : typeof error
}

/** Rejects when `work` has not settled in time; its signal is aborted then. Leaves no timer behind. */
async function withinTime(
  work: (signal: AbortSignal) => Promise<void> | void,
  timeInMs: number,
  clock: Clock,
): Promise<void> {
  const controller = new AbortController()
  let cancel: (() => void) | undefined
  const outOfTime = new Promise<never>((_, reject) => {
    cancel = clock.schedule(timeInMs, () => {
      const error = new DOMException('The time for onPermanentFailure is up.', 'TimeoutError')
      controller.abort(error)
      reject(error)
    })
  })
  try {
    // Inside an async function, so that a sink that throws at once rejects like any other.
    await Promise.race([(async () => work(controller.signal))(), outOfTime])
  } finally {
    cancel?.()
  }
}
