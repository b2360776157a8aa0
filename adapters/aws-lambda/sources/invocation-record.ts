import { isEventBridgeEvent } from './event-bridge-event.js'
import { hasStrings, isObject } from './shape.js'

/**
 * What Lambda sends to a destination: how an asynchronous invocation ended. Event source mappings send the same
 * record about a batch that they gave up, without payloads.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
 */
export interface LambdaInvocationRecord {
  readonly version: string
  readonly timestamp: string
  readonly requestContext: {
    readonly requestId: string
    /** With its qualifier: a version, an alias or `$LATEST`. */
    readonly functionArn: string
    /** `Success`, or why it failed: `RetriesExhausted`, `EventAgeExceeded`, … */
    readonly condition: string
    readonly approximateInvokeCount: number
  }
  readonly requestPayload?: unknown
  readonly responseContext?: {
    readonly statusCode: number
    readonly executedVersion: string
    readonly functionError?: string
  }
  readonly responsePayload?: unknown
}

export function isInvocationRecord(value: unknown): value is LambdaInvocationRecord {
  return (
    hasStrings(value, 'version', 'timestamp') &&
    hasStrings(value.requestContext, 'requestId', 'functionArn', 'condition')
  )
}

/** The invocation record that `value` is, or carries as an EventBridge event; undefined when there is none. */
export function findInvocationRecord(value: unknown): LambdaInvocationRecord | undefined {
  if (isInvocationRecord(value)) return value
  return isObject(value) && isEventBridgeEvent(value) && isInvocationRecord(value.detail) ? value.detail : undefined
}
