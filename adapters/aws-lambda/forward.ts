import type { Context } from 'aws-lambda'
import { EventHubError } from '../../core/errors.js'
import type { Invocation } from '../../core/invocation.js'
import { duration, parseLogger, refuseUnknownOptions } from '../../core/options.js'
import type { FlushFailure, FlushReport } from '../../core/report.js'
import { type ConnectionOptions, connect, connectionOptionNames } from './connection.js'
import { allReturned, deliver, type PartitionKeyFunction } from './delivery.js'
import {
  type Logger,
  refuseNonFunction,
  refuseOther,
  remainingTimeInMs,
  type Surroundings,
  surroundings,
  timeToConnectInMs,
} from './options.js'
import { type PermanentFailureSink, permanentToSettle, settlePermanent } from './permanent.js'
import type { BatchResponse, ForwardResult } from './sources/answers.js'
import type { HttpAnswer } from './sources/http-answer.js'
import { assertHttpAuth, type HttpAuth } from './sources/http-auth.js'
import { openEvent, sourceNames } from './sources/index.js'
import type { OpenedEvent, Settlement, SourceName } from './sources/source.js'

/** Options of `forwardToEventHub`. Unknown names are refused. */
export interface ForwardOptions extends ConnectionOptions {
  /** The shapes to take; any other is refused with a `TypeError`. Default: all that are known. */
  readonly sources?: readonly SourceName[] | undefined
  /** Who may send events by HTTP. Default: nobody, so that an open Function URL is no relay; requests get a 401. */
  readonly auth?: HttpAuth | undefined
  /**
   * A record's partition key; undefined for none. Default: an SQS FIFO message's group; a Kinesis record's partition
   * key; a DynamoDB item's primary key; a destination's function ARN without its qualifier; an EventBridge event's
   * source; an S3 object's bucket and key; a Step Functions execution; an HTTP request's `x-partition-key` or
   * `?partitionKey=`; none for standard queues and topics. Keys longer than 128 characters become digests.
   */
  readonly partitionKey?: PartitionKeyFunction | undefined
  /** `cloudevents`: CloudEvents 1.0 in AMQP binary mode. `raw`: what the source delivered. Default: `cloudevents`. */
  readonly format?: 'cloudevents' | 'raw' | undefined
  /** Some consumers cannot read names with a colon. Default: `cloudEvents:`. */
  readonly cloudEventsPropertyPrefix?: 'cloudEvents:' | 'cloudEvents_' | undefined
  /**
   * Takes over records that can never be sent, such as those that are too large. Default: none. Queues, topics and
   * buses are then told that the record failed, which ends in their dead-letter queue; streams go on behind it, with
   * an error in the log that names its place in the stream. Callers by HTTP and Step Functions are told themselves.
   */
  readonly onPermanentFailure?: PermanentFailureSink | undefined
  /** Kept back of the function's remaining time for the answer, in milliseconds. Default: a tenth, at most 500. */
  readonly reserveInMs?: number | undefined
  /** Gets a line for what was not accepted, by id and code. Default: the console. */
  readonly logger?: Logger | undefined
}

/** What Lambda calls. */
export type ForwardHandler = (event: unknown, context: Context) => Promise<ForwardAnswer>

/** What Lambda passes back to the source. */
export type ForwardAnswer = BatchResponse | ForwardResult | HttpAnswer

const optionNames: ReadonlySet<string> = new Set<keyof ForwardOptions>([
  ...connectionOptionNames,
  'sources',
  'auth',
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

/** For an event that came to nothing. */
const nothing: Settlement = { isSettled: () => true, report: { accepted: 0, failures: [], durationInMs: 0 } }

/**
 * A complete Lambda handler: forwards what it is invoked with to Event Hubs and acknowledges what Event Hubs has
 * accepted, no more. It tells its sources apart by their shape.
 *
 * - SQS: answers with exactly the records to deliver again (`ReportBatchItemFailures` must be on).
 * - Kinesis, DynamoDB streams: the first record to deliver again, with all behind it (`ReportBatchItemFailures` too).
 * - Lambda destination, SNS, EventBridge, S3: throws `EventsNotAcceptedError`, so that Lambda tries again.
 * - Step Functions: throws `EventsNotAcceptedError` where a `Retry` can help, otherwise `EventsRefusedError`.
 * - HTTP: a result for each event; 200, 207, 429 or 503 with `Retry-After`, or 400, 401, 405, 413, 415.
 *
 * Without a destination among the options it is configured by the environment, which docs/aws-lambda.md describes:
 * `EVENTHUB_CONNECTION_STRING`, or a secret or parameter that holds one, or `EVENTHUB_FULLY_QUALIFIED_NAMESPACE`.
 *
 * Throws `TypeError` for options that are wrong or missing, at once.
 */
export function forwardToEventHub(options: ForwardOptions = {}): ForwardHandler {
  return createForwarder(options, surroundings())
}

/** @internal `forwardToEventHub`, with its surroundings in the caller's hands. */
export function createForwarder(options: ForwardOptions, surroundings: Surroundings): ForwardHandler {
  validate(options)
  const { sources = sourceNames, partitionKey, onPermanentFailure, reserveInMs, auth } = options
  const logger = parseLogger('logger', options.logger)
  const format = {
    format: options.format ?? 'cloudevents',
    prefix: options.cloudEventsPropertyPrefix ?? 'cloudEvents:',
  }
  const getClient = connect(options, surroundings)

  const send = async (opened: OpenedEvent, context: Context): Promise<FlushReport> => {
    let invocation: Invocation
    try {
      const client = await getClient(timeToConnectInMs(context, reserveInMs))
      invocation = client.beginInvocation({
        timeoutInMs: remainingTimeInMs(context),
        reserveInMs,
        afterFailure: opened.ordered ? 'stop' : 'continue',
      })
    } catch (error) {
      // A client that cannot be had now fails every record, in the source's own terms. A wrong option fails the call.
      if (error instanceof EventHubError) return allReturned(opened, format, error)
      throw error
    }
    return deliver(opened, invocation, format, partitionKey)
  }

  return async (event, context) => {
    const opened = await openEvent(event, sources, { auth })
    if (opened.records.length === 0) return opened.answer(nothing) as ForwardAnswer
    const report = await send(opened, context)
    const handled = await settlePermanent(
      opened,
      permanentToSettle(opened, report.failures),
      onPermanentFailure,
      Math.max(0, (remainingTimeInMs(context) ?? defaultSinkTimeInMs) - sinkReserveInMs),
      { clock: surroundings.clock, logger },
    )
    const failures = report.failures.filter(({ index }) => !handled.has(index))
    const failed = new Set(failures.map(({ index }) => index))
    const settlement: Settlement = { isSettled: (index) => !failed.has(index), report: { ...report, failures } }
    const answer = opened.answer(settlement)
    // An answer that throws speaks for itself; a partial failure would otherwise go by unseen.
    if (failures.length > 0) logger.warn?.(summarize(failures, opened.records.length))
    return answer as ForwardAnswer
  }
}

function validate(options: ForwardOptions): void {
  refuseUnknownOptions('forwardToEventHub options', options, optionNames)
  refuseOther('format', options.format, ['cloudevents', 'raw'])
  refuseOther('cloudEventsPropertyPrefix', options.cloudEventsPropertyPrefix, ['cloudEvents:', 'cloudEvents_'])
  if (options.clientOptions?.transportType === 'https' && options.format !== 'raw') {
    throw new TypeError(
      "CloudEvents need AMQP: over HTTPS their attributes would have to be headers, which these names cannot be. Leave clientOptions.transportType out ('amqpOverWebSocket' passes port 443), or set format to 'raw'.",
    )
  }
  assertHttpAuth(options.auth)
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
