import type {
  DynamoDBRecord,
  EventBridgeEvent,
  KinesisStreamRecord,
  S3EventRecord,
  SNSEventRecord,
  SQSRecord,
} from 'aws-lambda'
import type { AmqpPrimitive } from '../../../core/event-data.js'
import type { FlushReport } from '../../../core/report.js'
import type { HttpAuth } from './http-auth.js'
import type { HttpItem } from './http-request.js'
import type { LambdaInvocationRecord } from './invocation-record.js'
import type { StepFunctionsItem } from './step-functions.js'

/** The shapes that `forwardToEventHub` recognizes. */
export type SourceName =
  | 'sqs'
  | 'sns'
  | 'kinesis'
  | 'dynamodb'
  | 's3'
  | 'lambda-destination'
  | 'eventbridge'
  | 'step-functions'
  | 'http'

/** What is being forwarded, as `partitionKey` and `onPermanentFailure` get to see it. */
export type ForwardedRecord = {
  /** The id that the event carries. The same for every redelivery. */
  readonly id: string
  /** The key that is used unless the `partitionKey` option says otherwise. */
  readonly defaultPartitionKey: string | undefined
} & (
  | { readonly source: 'sqs'; readonly record: SQSRecord }
  | {
      readonly source: 'lambda-destination'
      readonly record: LambdaInvocationRecord
      /** What the invocation record came wrapped in; undefined when Lambda delivered it itself. */
      readonly wrapper: InvocationRecordWrapper | undefined
    }
  | { readonly source: 'eventbridge'; readonly record: EventBridgeEvent<string, unknown> }
  | { readonly source: 'sns'; readonly record: SNSEventRecord }
  | { readonly source: 'kinesis'; readonly record: KinesisStreamRecord }
  | { readonly source: 'dynamodb'; readonly record: DynamoDBRecord }
  | { readonly source: 's3'; readonly record: S3EventRecord }
  | { readonly source: 'step-functions'; readonly record: StepFunctionsItem }
  | { readonly source: 'http'; readonly record: HttpItem }
)

/** What an invocation record may come wrapped in. */
export type InvocationRecordWrapper = SQSRecord | SNSEventRecord | EventBridgeEvent<string, unknown>

/** A body and its media type, ready to travel. */
export interface Content {
  readonly body: string | Uint8Array
  readonly contentType: string
}

/** CloudEvents 1.0 context attributes, less `specversion` and `datacontenttype`. */
export interface CloudEventAttributes {
  readonly id: string
  readonly source: string
  readonly type: string
  /** RFC 3339. */
  readonly time?: string | undefined
  readonly subject?: string | undefined
  /** Extension attributes; names in lower-case letters and digits. */
  readonly extensions?: Readonly<Record<string, string>> | undefined
}

/** One event to be: a source's record, read. */
export interface SourceRecord {
  readonly forwarded: ForwardedRecord
  readonly attributes: CloudEventAttributes
  /** The body in the `cloudevents` format. */
  readonly data: Content
  /** The body in the `raw` format: what the source delivered, whole. */
  readonly raw: Content
  /** What the sender attached beside the body; travels as application properties in either format. */
  readonly properties?: Readonly<Record<string, AmqpPrimitive>> | undefined
  /** A FIFO queue's message group: none of its records may overtake another. Undefined: order is not by group. */
  readonly group?: string | undefined
}

/** What became of the records, by their position in `OpenedEvent.records`. */
export interface Settlement {
  /** True when Event Hubs accepted the record, or a dead-letter sink took it over. */
  isSettled(index: number): boolean
  /** The failures among them that are not settled. */
  readonly report: FlushReport
}

/**
 * Whose a record is that can never be sent and that no sink takes over:
 *
 * - `source`: reported as failed. The source tries a bounded number of times, then puts it into its dead-letter queue.
 * - `caller`: told in the answer, and never offered to the sink: who sent it can act on it.
 * - `stream`: counted as settled. The stream keeps the record whatever the answer, and would repeat it, and hold up
 *   everything behind it, until it expires.
 */
export type PermanentFailurePolicy = 'source' | 'caller' | 'stream'

/** An invocation event whose shape is known. */
export interface OpenedEvent {
  /** None: there is nothing to send, and `answer` says why. */
  readonly records: readonly SourceRecord[]
  /** True when the source redelivers in order, so that nothing may overtake a failed record. */
  readonly ordered: boolean
  readonly permanentFailures: PermanentFailurePolicy
  /** What the function returns to the source; throws where only an error makes the source try again. */
  answer(settlement: Settlement): unknown
}

/** What sources have to know of the forwarder's options. */
export interface SourceSettings {
  /** Who may send events by HTTP; undefined: nobody. */
  readonly auth: HttpAuth | undefined
}

/** One way in. To add a source: a file with one of these, its name above, a line in `index.ts`. */
export interface Source {
  readonly name: SourceName
  /** Whether the event has this source's shape. */
  matches(event: unknown): boolean
  /** Reads an event that `matches`. */
  open(event: unknown, settings: SourceSettings): OpenedEvent | Promise<OpenedEvent>
}
