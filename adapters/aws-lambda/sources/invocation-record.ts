import { isEventBridgeEvent } from './event-bridge-event.js'
import { hasStrings, parseJson } from './shape.js'

/**
 * What Lambda sends to a destination: how an asynchronous invocation ended. Event source mappings send the same
 * record about a batch that they gave up, without payloads.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export interface LambdaInvocationRecord {
  /** Of this shape: `1.0`. */
  readonly version: string
  /** When it was made, in ISO 8601. */
  readonly timestamp: string
  /** Which invocation, and how it ended. */
  readonly requestContext: {
    readonly requestId: string
    /** With its qualifier: a version, an alias or `$LATEST`. */
    readonly functionArn: string
    /** `Success`, or why it failed: `RetriesExhausted`, `EventAgeExceeded`, … */
    readonly condition: string
    readonly approximateInvokeCount: number
  }
  /** What the function was invoked with. */
  readonly requestPayload?: unknown
  /** How the function answered. */
  readonly responseContext?: {
    readonly statusCode: number
    readonly executedVersion: string
    readonly functionError?: string
  }
  /** What it answered, or its error. */
  readonly responsePayload?: unknown
}

export function isInvocationRecord(value: unknown): value is LambdaInvocationRecord {
  return (
    hasStrings(value, 'version', 'timestamp') &&
    hasStrings(value.requestContext, 'requestId', 'functionArn', 'condition')
  )
}

/**
 * The invocation record that `value` is, or that an EventBridge event or the envelope of an SNS message (as SNS puts it
 * into a queue) carries; undefined when there is none.
 */
export function findInvocationRecord(value: unknown): LambdaInvocationRecord | undefined {
  if (isInvocationRecord(value)) return value
  if (isEventBridgeEvent(value)) return isInvocationRecord(value.detail) ? value.detail : undefined
  // An envelope holds a text, which holds no further envelope: this ends after one step.
  if (isSnsEnvelope(value)) return findInvocationRecord(withoutEnvelope(parseJson(value.Message)))
  return undefined
}

/** @see https://docs.aws.amazon.com/sns/latest/dg/sns-message-and-json-formats.html */
function isSnsEnvelope(value: unknown): value is { readonly Message: string } {
  return hasStrings(value, 'Type', 'MessageId', 'TopicArn', 'Message') && value.Type === 'Notification'
}

function withoutEnvelope(value: unknown): unknown {
  return isSnsEnvelope(value) ? undefined : value
}
