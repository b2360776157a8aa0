import type { KinesisStreamRecord } from 'aws-lambda'
import { firstUnsettled } from './answers.js'
import { bytesContent } from './content.js'
import { partitionKeyOf, timeFromSeconds } from './identifiers.js'
import { hasStrings, recordsOf } from './shape.js'
import type { Source, SourceRecord } from './source.js'

/** Amazon Kinesis Data Streams: records of one shard, in order. The event source mapping needs `ReportBatchItemFailures`. */
export const kinesis: Source = {
  name: 'kinesis',
  matches: (event) => recordsOf(event, isKinesisRecord) !== undefined,
  open(event) {
    const received = recordsOf(event, isKinesisRecord) ?? []
    const sequenceNumbers = received.map((record) => record.kinesis.sequenceNumber)
    return {
      records: received.map(readRecord),
      ordered: true,
      permanentFailures: 'stream',
      answer: (settlement) => firstUnsettled(sequenceNumbers, settlement),
    }
  },
}

function isKinesisRecord(record: unknown): record is KinesisStreamRecord {
  return (
    hasStrings(record, 'eventSource', 'eventSourceARN', 'eventID') &&
    record.eventSource === 'aws:kinesis' &&
    hasStrings(record.kinesis, 'data', 'partitionKey', 'sequenceNumber')
  )
}

function readRecord(received: KinesisStreamRecord): SourceRecord {
  const { data, partitionKey, sequenceNumber, approximateArrivalTimestamp } = received.kinesis
  // The bytes of the producer as they are. A record that the Kinesis Producer Library has aggregated stays so.
  const content = bytesContent(new Uint8Array(Buffer.from(data, 'base64')))
  return {
    forwarded: {
      source: 'kinesis',
      // The shard and the sequence number: unique in the stream.
      id: received.eventID,
      defaultPartitionKey: partitionKeyOf(partitionKey),
      record: received,
    },
    attributes: {
      id: received.eventID,
      source: received.eventSourceARN,
      type: 'com.amazonaws.kinesis.record',
      time: timeFromSeconds(approximateArrivalTimestamp),
      extensions: { partitionkey: partitionKey, sequence: sequenceNumber },
    },
    data: content,
    raw: content,
  }
}
