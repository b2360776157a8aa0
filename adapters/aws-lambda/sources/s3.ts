import type { S3EventRecord } from 'aws-lambda'
import { allOrThrow } from './answers.js'
import { jsonContent } from './content.js'
import { digest, partitionKeyOf } from './identifiers.js'
import { hasStrings, isObject, recordsOf } from './shape.js'
import type { Source, SourceRecord } from './source.js'

/** Amazon S3 event notifications, delivered to the function itself. Lambda tries again when the function throws. */
export const s3: Source = {
  name: 's3',
  matches: (event) => recordsOf(event, isS3Record) !== undefined,
  open(event) {
    const records = (recordsOf(event, isS3Record) ?? []).map(readRecord)
    return { records, ordered: false, permanentFailures: 'source', answer: allOrThrow }
  },
}

function isS3Record(record: unknown): record is S3EventRecord {
  return (
    hasStrings(record, 'eventSource', 'eventName', 'eventTime', 'awsRegion') &&
    record.eventSource === 'aws:s3' &&
    isObject(record.s3) &&
    hasStrings(record.s3.bucket, 'name', 'arn') &&
    hasStrings(record.s3.object, 'key')
  )
}

/**
 * Attributes as CloudEvents' adapter for S3 has them, but for the id: a request that deletes many objects makes as many
 * events, which the request's id alone cannot tell apart.
 *
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/adapters/aws-s3.md
 */
function readRecord(received: S3EventRecord): SourceRecord {
  const { bucket, object } = received.s3
  const { eventName, eventTime, awsRegion, responseElements } = received
  const id = digest(
    bucket.name,
    object.key,
    object.versionId,
    object.sequencer,
    eventName,
    eventTime,
    responseElements?.['x-amz-request-id'],
  )
  const content = jsonContent(received)
  return {
    forwarded: {
      source: 's3',
      id,
      defaultPartitionKey: partitionKeyOf(`${bucket.name}/${object.key}`),
      record: received,
    },
    attributes: {
      id,
      source: `aws:s3.${awsRegion}.${bucket.name}`,
      type: `com.amazonaws.s3.${eventName}`,
      time: eventTime,
      // As S3 delivers it, percent-encoded.
      subject: object.key,
    },
    data: content,
    raw: content,
  }
}
