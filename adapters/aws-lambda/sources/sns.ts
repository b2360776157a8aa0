import type { SNSEventRecord } from 'aws-lambda'
import { allOrThrow } from './answers.js'
import { attributesAsProperties, textContent } from './content.js'
import { findInvocationRecord } from './invocation-record.js'
import { readInvocationRecord } from './lambda-destination.js'
import { hasStrings, parseJson, recordsOf } from './shape.js'
import type { Source, SourceRecord } from './source.js'

/** Amazon SNS. Lambda tries again when the function throws. */
export const sns: Source = {
  name: 'sns',
  matches: (event) => recordsOf(event, isSnsRecord) !== undefined,
  open(event) {
    const records = (recordsOf(event, isSnsRecord) ?? []).map(readRecord)
    return { records, ordered: false, permanentFailures: 'source', answer: allOrThrow }
  },
}

function isSnsRecord(record: unknown): record is SNSEventRecord {
  return (
    hasStrings(record, 'EventSource') &&
    record.EventSource === 'aws:sns' &&
    hasStrings(record.Sns, 'MessageId', 'TopicArn', 'Message')
  )
}

function readRecord(received: SNSEventRecord): SourceRecord {
  const { Sns: message } = received
  const content = textContent(message.Message)
  const properties = attributesAsProperties(message.MessageAttributes, ({ Type, Value }) =>
    Type === 'Binary' ? { base64: Value } : { text: Value },
  )
  const wrapped = findInvocationRecord(parseJson(message.Message))
  if (wrapped) return { ...readInvocationRecord(wrapped, received, content), properties }
  return {
    // Topics that deliver to functions keep no order, so no key: all partitions share the load.
    forwarded: { source: 'sns', id: message.MessageId, defaultPartitionKey: undefined, record: received },
    attributes: {
      id: message.MessageId,
      source: message.TopicArn,
      type: 'com.amazonaws.sns.Notification',
      time: message.Timestamp,
      // SNS delivers null where there is none.
      subject: message.Subject || undefined,
    },
    data: content,
    raw: content,
    properties,
  }
}
