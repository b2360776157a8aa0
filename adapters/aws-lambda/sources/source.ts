import type { EventBridgeEvent, SQSRecord } from 'aws-lambda'
import type { AmqpPrimitive } from '../../../core/event-data.js'
import type { FlushReport } from '../../../core/report.js'
import type { LambdaInvocationRecord } from './invocation-record.js'

/** The shapes that `forwardToEventHub` recognizes. */
export type SourceName = 'sqs' | 'lambda-destination' | 'eventbridge'

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
      readonly wrapper: SQSRecord | EventBridgeEvent<string, unknown> | undefined
    }
  | { readonly source: 'eventbridge'; readonly record: EventBridgeEvent<string, unknown> }
)

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
  /** Records of one group must not overtake each other. Undefined: order does not matter. */
  readonly group?: string | undefined
}

/** What became of the records, by their position in `OpenedEvent.records`. */
export interface Settlement {
  /** True when Event Hubs accepted the record, or a dead-letter sink took it over. */
  isSettled(index: number): boolean
  /** The failures among them that are not settled. */
  readonly report: FlushReport
}

/** An invocation event whose shape is known. */
export interface OpenedEvent {
  readonly records: readonly SourceRecord[]
  /** True when the source redelivers in order, so that nothing may overtake a failed record. */
  readonly ordered: boolean
  /** What the function returns to the source; throws where only an error makes the source try again. */
  answer(settlement: Settlement): unknown
}

/** One way in. To add a source: a file with one of these, its name above, a line in `index.ts`. */
export interface Source {
  readonly name: SourceName
  /** Undefined: the event has another shape. */
  open(event: unknown): OpenedEvent | undefined
}
