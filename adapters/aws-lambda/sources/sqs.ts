import type { SQSBatchResponse, SQSMessageAttribute, SQSRecord } from 'aws-lambda'
import type { AmqpPrimitive } from '../../../core/event-data.js'
import { findInvocationRecord } from './invocation-record.js'
import { readInvocationRecord } from './lambda-destination.js'
import { hasStrings, isObject, parseJson } from './shape.js'
import type { Content, Settlement, Source, SourceRecord } from './source.js'

/** Amazon SQS, standard and FIFO. The event source mapping needs `ReportBatchItemFailures`. */
export const sqs: Source = {
  name: 'sqs',
  open(event) {
    if (!isObject(event) || !Array.isArray(event.Records)) return undefined
    if (event.Records.length === 0 || !event.Records.every(isSqsRecord)) return undefined
    const received: readonly SQSRecord[] = event.Records
    const records = received.map(readRecord)
    return {
      records,
      ordered: received.some(isFifo),
      answer: (settlement) => answer(received, records, settlement),
    }
  },
}

function isSqsRecord(record: unknown): record is SQSRecord {
  return (
    hasStrings(record, 'messageId', 'body', 'eventSource', 'eventSourceARN') &&
    record.eventSource === 'aws:sqs' &&
    isObject(record.attributes)
  )
}

/** By the queue's name: standard queues may carry a message group too, for fairness and not for order. */
function isFifo(record: SQSRecord): boolean {
  return record.eventSourceARN.endsWith('.fifo')
}

function readRecord(received: SQSRecord): SourceRecord {
  const json = parseJson(received.body)
  const content: Content = {
    body: received.body,
    contentType: json === undefined ? 'text/plain; charset=utf-8' : 'application/json',
  }
  const beside = {
    properties: readMessageAttributes(received.messageAttributes ?? {}),
    group: isFifo(received) ? received.attributes.MessageGroupId : undefined,
  }
  const wrapped = findInvocationRecord(json)
  if (wrapped) return { ...readInvocationRecord(wrapped, received, content), ...beside }
  return {
    forwarded: { source: 'sqs', id: received.messageId, defaultPartitionKey: beside.group, record: received },
    attributes: {
      id: received.messageId,
      source: received.eventSourceARN,
      type: 'com.amazonaws.sqs.message',
      time: timeFrom(received.attributes.SentTimestamp),
    },
    data: content,
    raw: content,
    ...beside,
  }
}

function timeFrom(epochMilliseconds: string): string | undefined {
  const time = new Date(Number(epochMilliseconds))
  return Number.isNaN(time.getTime()) ? undefined : time.toISOString()
}

/** Numbers stay the text that SQS delivers: it allows 38 digits, more than a double can hold. */
function readMessageAttributes(
  attributes: Readonly<Record<string, SQSMessageAttribute>>,
): Record<string, AmqpPrimitive> | undefined {
  const properties = Object.entries(attributes).flatMap(
    ([name, { stringValue, binaryValue }]): [string, AmqpPrimitive][] => {
      if (typeof stringValue === 'string') return [[name, stringValue]]
      if (typeof binaryValue === 'string') return [[name, new Uint8Array(Buffer.from(binaryValue, 'base64'))]]
      return []
    },
  )
  return properties.length === 0 ? undefined : Object.fromEntries(properties)
}

/**
 * Exactly the messages to deliver again. In a FIFO queue also those behind them in their group, even where they were
 * accepted: SQS must hand them out after the one that failed.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html
 */
function answer(
  received: readonly SQSRecord[],
  records: readonly SourceRecord[],
  { isSettled }: Settlement,
): SQSBatchResponse {
  const failedGroups = new Set<string>()
  const batchItemFailures = received.flatMap(({ messageId }, index) => {
    const group = records[index]?.group
    const failed = !isSettled(index) || (group !== undefined && failedGroups.has(group))
    if (failed && group !== undefined) failedGroups.add(group)
    return failed ? [{ itemIdentifier: messageId }] : []
  })
  return { batchItemFailures }
}
