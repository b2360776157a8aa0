import type { SQSRecord } from 'aws-lambda'
import type { BatchResponse } from './answers.js'
import { attributesAsProperties, textContent } from './content.js'
import { partitionKeyOf, timeFromMilliseconds } from './identifiers.js'
import { findInvocationRecord } from './invocation-record.js'
import { readInvocationRecord } from './lambda-destination.js'
import { hasStrings, isObject, parseJson, recordsOf } from './shape.js'
import type { Settlement, Source, SourceRecord } from './source.js'

/** Amazon SQS, standard and FIFO. The event source mapping needs `ReportBatchItemFailures`. */
export const sqs: Source = {
  name: 'sqs',
  matches: (event) => recordsOf(event, isSqsRecord) !== undefined,
  open(event) {
    const received = recordsOf(event, isSqsRecord) ?? []
    const records = received.map(readRecord)
    return {
      records,
      ordered: received.some(isFifo),
      permanentFailures: 'source',
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
  const content = textContent(received.body)
  const group = isFifo(received) ? received.attributes.MessageGroupId : undefined
  const beside = {
    properties: attributesAsProperties(received.messageAttributes, ({ stringValue, binaryValue }) => ({
      text: stringValue,
      base64: binaryValue,
    })),
    group,
  }
  const defaultPartitionKey = group === undefined ? undefined : partitionKeyOf(group)
  const wrapped = findInvocationRecord(parseJson(received.body))
  if (wrapped) {
    const read = readInvocationRecord(wrapped, received, content)
    // Who chose a FIFO queue wants the order of its groups, and not of the functions.
    const { forwarded } = read
    return {
      ...read,
      forwarded: { ...forwarded, defaultPartitionKey: defaultPartitionKey ?? forwarded.defaultPartitionKey },
      ...beside,
    }
  }
  return {
    forwarded: { source: 'sqs', id: received.messageId, defaultPartitionKey, record: received },
    attributes: {
      id: received.messageId,
      source: received.eventSourceARN,
      type: 'com.amazonaws.sqs.message',
      time: timeFromMilliseconds(Number(received.attributes.SentTimestamp)),
    },
    data: content,
    raw: content,
    ...beside,
  }
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
): BatchResponse {
  const failedGroups = new Set<string>()
  const batchItemFailures = received.flatMap(({ messageId }, index) => {
    const group = records[index]?.group
    const failed = !isSettled(index) || (group !== undefined && failedGroups.has(group))
    if (failed && group !== undefined) failedGroups.add(group)
    return failed ? [{ itemIdentifier: messageId }] : []
  })
  return { batchItemFailures }
}
