import type { EventBridgeEvent, SQSRecord } from 'aws-lambda'
import { allOrThrow } from './answers.js'
import { isInvocationRecord, type LambdaInvocationRecord } from './invocation-record.js'
import type { Content, Source, SourceRecord } from './source.js'

/** A Lambda destination: one invocation record per invocation. Lambda tries again when the function throws. */
export const lambdaDestination: Source = {
  name: 'lambda-destination',
  open(event) {
    if (!isInvocationRecord(event)) return undefined
    return { records: [readInvocationRecord(event)], ordered: false, answer: allOrThrow }
  },
}

/** The event for an invocation record. `delivered` is what it arrived in, byte for byte where there were bytes. */
export function readInvocationRecord(
  record: LambdaInvocationRecord,
  wrapper?: SQSRecord | EventBridgeEvent<string, unknown>,
  delivered?: Content,
): SourceRecord {
  const { requestId, functionArn, condition } = record.requestContext
  const id = `${requestId}:${condition}`
  const unqualifiedArn = withoutQualifier(functionArn)
  const data: Content = { body: JSON.stringify(record), contentType: 'application/json' }
  return {
    forwarded: { source: 'lambda-destination', id, defaultPartitionKey: unqualifiedArn, record, wrapper },
    attributes: {
      id,
      source: unqualifiedArn,
      type: `com.amazonaws.lambda.invocation.${condition === 'Success' ? 'success' : 'failure'}`,
      time: record.timestamp,
      subject: functionArn,
    },
    data,
    raw: delivered ?? data,
  }
}

/** `arn:aws:lambda:REGION:ACCOUNT:function:NAME`, whatever version or alias follows. */
function withoutQualifier(functionArn: string): string {
  return functionArn.split(':').slice(0, 7).join(':')
}
