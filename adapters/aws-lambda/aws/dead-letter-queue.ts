import { EventHubError } from '../../../core/errors.js'
import { surroundings } from '../options.js'
import { type PermanentFailure, type PermanentFailureSink, placeInStream } from '../permanent.js'
import { type AwsCaller, callAws } from './call.js'

/** Smaller than any limit that SQS has had for a message (256 KiB, lately 1 MiB). */
const longestMessage = 250_000

/**
 * A sink that keeps what can never be sent in an SQS queue, as JSON: the reason, where the record stands, and the
 * record itself. A stream's record that is too large for a message goes without its content, which the stream still
 * has; any other such record makes the sink reject, so that its source keeps it.
 *
 * Throws `TypeError` for what is no URL of a standard queue.
 *
 * @param queueUrl of a standard queue; the function needs `sqs:SendMessage` on it
 */
export function deadLetterQueueSink(queueUrl: string, caller: AwsCaller = surroundings()): PermanentFailureSink {
  const problem = queueUrlProblem(queueUrl)
  if (problem) throw new TypeError(`deadLetterQueueSink: the queue ${problem}`)
  return async (failures, { signal }) => {
    for (const failure of failures) {
      const body = JSON.stringify({ QueueUrl: queueUrl, MessageBody: messageFor(failure) })
      const headers = { 'content-type': 'application/x-amz-json-1.0', 'x-amz-target': 'AmazonSQS.SendMessage' }
      const region = /^https:\/\/sqs\.([a-z0-9-]+)\./.exec(queueUrl)?.[1]
      await callAws({ service: 'sqs', action: 'SendMessage', headers, body, region }, caller, { signal })
    }
  }
}

/** What is wrong with it, to follow its name; undefined for nothing. A FIFO queue would refuse every message of ours. */
export function queueUrlProblem(queueUrl: string): string | undefined {
  if (URL.canParse(queueUrl) && !queueUrl.endsWith('.fifo')) return undefined
  return 'must be the URL of a standard queue, such as https://sqs.eu-west-1.amazonaws.com/123456789012/dead-letters.'
}

function messageFor({ record, error }: PermanentFailure): string {
  const { source, id } = record
  const reason = { code: error.code, message: error.message }
  const place = placeInStream(record)
  const whole = asciiJson({ version: '1.0', reason, source, id, ...place, record: record.record })
  if (whole.length <= longestMessage) return whole
  if (place) return asciiJson({ version: '1.0', reason, source, id, ...place })
  throw new EventHubError(`The record ${id} is too large for a message, and no stream keeps it.`, {
    code: 'event-too-large',
  })
}

/** SQS refuses some characters that JSON would leave as they are; as an escape every one may pass. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
