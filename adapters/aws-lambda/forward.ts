import type { Context, SQSBatchResponse } from 'aws-lambda'
import { duration, refuseUnknownOptions } from '../../core/options.js'
import type { FlushFailure } from '../../core/report.js'
import { type ConnectionOptions, connect, connectionOptionNames } from './connection.js'
import { deliver, type PartitionKeyFunction } from './delivery.js'
import {
  type Logger,
  refuseNonFunction,
  refuseOther,
  remainingTimeInMs,
  type Surroundings,
  surroundings,
} from './options.js'
import { isPermanent, type PermanentFailureSink, settlePermanent } from './permanent.js'
import type { ForwardResult } from './sources/answers.js'
import { openEvent, sourceNames } from './sources/index.js'
import type { Settlement, SourceName } from './sources/source.js'

export interface ForwardOptions extends ConnectionOptions {
  /** The shapes to take; any other is refused with a `TypeError`. Default: all that are known. */
  readonly sources?: readonly SourceName[] | undefined
  /**
   * A record's partition key; undefined for none. Default: an SQS FIFO message's group, none for a standard queue's;
   * a destination's function ARN without its qualifier; an EventBridge event's source.
   */
  readonly partitionKey?: PartitionKeyFunction | undefined
  /** `cloudevents`: CloudEvents 1.0 in AMQP binary mode. `raw`: what the source delivered. Default: `cloudevents`. */
  readonly format?: 'cloudevents' | 'raw' | undefined
  /** Some consumers cannot read names with a colon. Default: `cloudEvents:`. */
  readonly cloudEventsPropertyPrefix?: 'cloudEvents:' | 'cloudEvents_' | undefined
  /**
   * Takes over records that can never be sent, such as those that are too large. Default: none; they are reported to
   * the source as failed, so that its redrive policy moves them to its dead-letter queue.
   */
  readonly onPermanentFailure?: PermanentFailureSink | undefined
  /** Kept back of the function's remaining time for the answer, in milliseconds. Default: a tenth, at most 500. */
  readonly reserveInMs?: number | undefined
  /** Gets a line for what was not accepted, by id and code. Default: the console. */
  readonly logger?: Logger | undefined
}

/** What Lambda calls. */
export type ForwardHandler = (event: unknown, context: Context) => Promise<SQSBatchResponse | ForwardResult>

const optionNames: ReadonlySet<string> = new Set<keyof ForwardOptions>([
  ...connectionOptionNames,
  'sources',
  'partitionKey',
  'format',
  'cloudEventsPropertyPrefix',
  'onPermanentFailure',
  'reserveInMs',
  'logger',
])

/** How long before the end of the function's time a sink is given up, in milliseconds. */
const sinkReserveInMs = 100
/** A sink's time where nothing says how long the function has, in milliseconds. */
const defaultSinkTimeInMs = 30_000

/**
 * A complete Lambda handler: forwards what it is invoked with to Event Hubs and acknowledges what Event Hubs has
 * accepted, no more. It tells SQS, Lambda destinations and EventBridge apart by their shape.
 *
 * - SQS: answers with exactly the records to deliver again (`ReportBatchItemFailures` must be on).
 * - Lambda destination, EventBridge: throws `EventsNotAcceptedError`, so that Lambda tries again.
 *
 * Without a destination among the options it is configured by the environment: `EVENTHUB_CONNECTION_STRING` (and
 * `EVENTHUB_NAME` without `EntityPath`), or `EVENTHUB_FULLY_QUALIFIED_NAMESPACE` and `EVENTHUB_NAME` with
 * `DefaultAzureCredential`.
 *
 * Throws `TypeError` for options that are wrong or missing, at once.
 */
export function forwardToEventHub(options: ForwardOptions = {}): ForwardHandler {
  return createForwarder(options, surroundings())
}

/** @internal `forwardToEventHub`, with its surroundings in the caller's hands. */
export function createForwarder(options: ForwardOptions, { environment, clock }: Surroundings): ForwardHandler {
  validate(options)
  const { sources = sourceNames, partitionKey, onPermanentFailure, reserveInMs, logger = console } = options
  const format = {
    format: options.format ?? 'cloudevents',
    prefix: options.cloudEventsPropertyPrefix ?? 'cloudEvents:',
  }
  const getClient = connect(options, environment)

  return async (event, context) => {
    const opened = openEvent(event, sources)
    const invocation = getClient().beginInvocation({
      timeoutInMs: remainingTimeInMs(context),
      reserveInMs,
      afterFailure: opened.ordered ? 'stop' : 'continue',
    })
    const report = await deliver(opened, invocation, format, partitionKey)
    const handled = await settlePermanent(
      opened,
      report.failures.filter(isPermanent),
      onPermanentFailure,
      Math.max(0, (remainingTimeInMs(context) ?? defaultSinkTimeInMs) - sinkReserveInMs),
      { clock, logger },
    )
    const failures = report.failures.filter(({ index }) => !handled.has(index))
    const failed = new Set(failures.map(({ index }) => index))
    const settlement: Settlement = { isSettled: (index) => !failed.has(index), report: { ...report, failures } }
    const answer = opened.answer(settlement)
    // An answer that throws speaks for itself; a partial failure would otherwise go by unseen.
    if (failures.length > 0) logger.warn?.(summarize(failures, opened.records.length))
    return answer as SQSBatchResponse | ForwardResult
  }
}

function validate(options: ForwardOptions): void {
  refuseUnknownOptions('forwardToEventHub', options, optionNames)
  refuseOther('format', options.format, ['cloudevents', 'raw'])
  refuseOther('cloudEventsPropertyPrefix', options.cloudEventsPropertyPrefix, ['cloudEvents:', 'cloudEvents_'])
  refuseNonFunction('partitionKey', options.partitionKey)
  refuseNonFunction('onPermanentFailure', options.onPermanentFailure)
  duration('reserveInMs', options.reserveInMs, 0)
  const { sources } = options
  if (sources === undefined) return
  if (!Array.isArray(sources) || sources.length === 0) {
    throw new TypeError(`The option sources must be a list of the shapes to take, of: ${sourceNames.join(', ')}.`)
  }
  for (const source of sources) refuseOther('sources', source, sourceNames)
}

function summarize(failures: readonly FlushFailure[], total: number): string {
  const reasons = [...new Set(failures.map(({ outcome, error }) => `${outcome}, ${error.code}: ${error.message}`))]
  const more = reasons.length > 3 ? ` | and ${reasons.length - 3} other reasons` : ''
  return `eventhub-sluice: ${failures.length} of ${total} records were not accepted and are reported as failed. ${reasons.slice(0, 3).join(' | ')}${more}`
}
