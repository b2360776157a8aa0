import { readdirSync, readFileSync } from 'node:fs'
import { expect } from 'vitest'

/** An event as its source sends it, and what that source has to get for an answer. */
export interface RecordedEvent {
  readonly name: string
  readonly source: string
  readonly event: unknown
  /** How many events it holds. */
  readonly count: number
  /** What ends the invocation, in part, when the event hub has taken everything. */
  readonly whenAccepted: object
  /** The same, when it has taken nothing. */
  readonly whenStalled: object
}

// biome-ignore lint/suspicious/noExplicitAny: recorded JSON of many shapes
type Json = any

const folder = new URL('../../fixtures/aws/', import.meta.url)

export function recordedEvent(name: string): Json {
  return JSON.parse(readFileSync(new URL(`${name}.json`, folder), 'utf8'))
}

/** All that there are in the repository. */
export function recordedEvents(): RecordedEvent[] {
  const names = readdirSync(folder).map((file) => file.replace(/\.json$/, ''))
  return names.map((name) => ({ name, ...describe(name, recordedEvent(name)) }))
}

const response = (payload: unknown) => ({ kind: 'response', payload })
const failed = { kind: 'error', error: { errorType: 'EventsNotAcceptedError' } }

/** Told apart by what only that source has, and by other means than the adapter. */
function describe(name: string, event: Json): Omit<RecordedEvent, 'name'> {
  const [first] = event.Records ?? []
  const { length } = event.Records ?? [event]
  /** From which record on to deliver again. */
  const batch = (source: string, itemIdentifiers: string[]) => ({
    source,
    event,
    count: length,
    whenAccepted: response({ batchItemFailures: [] }),
    whenStalled: response({ batchItemFailures: itemIdentifiers.map((itemIdentifier) => ({ itemIdentifier })) }),
  })
  const allOrNothing = (source: string, count = length) => ({
    source,
    event,
    count,
    whenAccepted: response({ accepted: count }),
    whenStalled: failed,
  })
  switch (first?.eventSource ?? first?.EventSource) {
    case 'aws:sqs':
      return batch(
        'sqs',
        event.Records.map(({ messageId }: Json) => messageId),
      )
    case 'aws:kinesis':
      return batch('kinesis', [first.kinesis.sequenceNumber])
    case 'aws:dynamodb':
      return batch('dynamodb', [first.dynamodb.SequenceNumber])
    case 'aws:sns':
      return allOrNothing('sns')
    case 'aws:s3':
      return allOrNothing('s3')
  }
  if (event.requestContext?.http || event.httpMethod) {
    const body = Buffer.from(event.body, event.isBase64Encoded ? 'base64' : 'utf8').toString('utf8')
    const count = body.startsWith('[') ? JSON.parse(body).length : 1
    return {
      source: 'http',
      event,
      count,
      whenAccepted: response({ statusCode: 200 }),
      whenStalled: response({ statusCode: 503, headers: { 'retry-after': expect.stringMatching(/^\d+$/) } }),
    }
  }
  if (event.context?.Execution) return allOrNothing('step-functions', event.events?.length ?? 1)
  if (event.requestContext?.functionArn) return allOrNothing('lambda-destination', 1)
  if (event['detail-type']) return allOrNothing('eventbridge', 1)
  throw new Error(`test/fixtures/aws/${name}.json comes from a source that this suite does not know.`)
}
