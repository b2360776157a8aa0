import { allOrThrow } from './answers.js'
import { jsonContent } from './content.js'
import { partitionKeyOf } from './identifiers.js'
import { isInvocationRecord, type LambdaInvocationRecord } from './invocation-record.js'
import type { Content, InvocationRecordWrapper, Source, SourceRecord } from './source.js'

/** A Lambda destination: one invocation record per invocation. Lambda tries again when the function throws. */
export const lambdaDestination: Source = {
  name: 'lambda-destination',
  matches: isInvocationRecord,
  open(event) {
    const records = isInvocationRecord(event) ? [readInvocationRecord(event)] : []
    return { records, ordered: false, permanentFailures: 'source', answer: allOrThrow }
  },
}

/** The event for an invocation record. `delivered` is what it arrived in, byte for byte where there were bytes. */
export function readInvocationRecord(
  record: LambdaInvocationRecord,
  wrapper?: InvocationRecordWrapper,
  delivered?: Content,
): SourceRecord {
  const { requestId, functionArn, condition } = record.requestContext
  const id = `${requestId}:${condition}`
  const unqualifiedArn = withoutQualifier(functionArn)
  const data = jsonContent(record)
  return {
    forwarded: {
      source: 'lambda-destination',
      id,
      defaultPartitionKey: partitionKeyOf(unqualifiedArn),
      record,
      wrapper,
    },
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
