import type { AttributeValue, DynamoDBRecord, StreamRecord } from 'aws-lambda'
import { firstUnsettled } from './answers.js'
import { jsonContent } from './content.js'
import { partitionKeyOf, timeFromSeconds } from './identifiers.js'
import { hasStrings, isObject, recordsOf } from './shape.js'
import type { Source, SourceRecord } from './source.js'

/** A change record with the fields that every one has. */
type ChangeRecord = DynamoDBRecord & {
  readonly eventID: string
  readonly eventName: string
  readonly eventSourceARN: string
  readonly dynamodb: StreamRecord & {
    readonly SequenceNumber: string
    readonly Keys: Readonly<Record<string, AttributeValue>>
  }
}

/** DynamoDB streams: changes of one shard, in order. The event source mapping needs `ReportBatchItemFailures`. */
export const dynamodb: Source = {
  name: 'dynamodb',
  matches: (event) => recordsOf(event, isChangeRecord) !== undefined,
  open(event) {
    const received = recordsOf(event, isChangeRecord) ?? []
    const sequenceNumbers = received.map((record) => record.dynamodb.SequenceNumber)
    return {
      records: received.map(readRecord),
      ordered: true,
      permanentFailures: 'stream',
      answer: (settlement) => firstUnsettled(sequenceNumbers, settlement),
    }
  },
}

function isChangeRecord(record: unknown): record is ChangeRecord {
  return (
    hasStrings(record, 'eventSource', 'eventSourceARN', 'eventID', 'eventName') &&
    record.eventSource === 'aws:dynamodb' &&
    hasStrings(record.dynamodb, 'SequenceNumber') &&
    isObject(record.dynamodb.Keys)
  )
}

function readRecord(received: ChangeRecord): SourceRecord {
  const { Keys, ApproximateCreationDateTime, SequenceNumber } = received.dynamodb
  const content = jsonContent(received)
  return {
    forwarded: {
      source: 'dynamodb',
      id: received.eventID,
      defaultPartitionKey: partitionKeyOf(keyText(Keys)),
      record: received,
    },
    attributes: {
      id: received.eventID,
      source: received.eventSourceARN,
      type: `com.amazonaws.dynamodb.${received.eventName.toLowerCase()}`,
      time: timeFromSeconds(ApproximateCreationDateTime),
      extensions: { sequence: SequenceNumber },
    },
    data: content,
    raw: content,
  }
}

/** An item's primary key, the same however its attributes are ordered: `[["id",{"S":"a"}]]`. */
function keyText(keys: Readonly<Record<string, AttributeValue>>): string {
  return JSON.stringify(Object.entries(keys).sort(([a], [b]) => (a < b ? -1 : 1)))
}
