import { isContentType } from './cloudevents/attributes.js'
import type { MediaType } from './cloudevents/media-type.js'
import { isUtf8, parseMediaType } from './cloudevents/media-type.js'
import type { ContentReader } from './incoming.js'
import { ProblemError } from './problem.js'
import { readBatch } from './read-batch.js'
import { isHttpBinaryCloudEvent, readBinaryCloudEvent } from './read-binary-cloud-event.js'
import { readBytes } from './read-bytes.js'
import { readCloudEventBatch, readJson, readStructuredCloudEvent } from './read-json.js'
import { readNdjson } from './read-ndjson.js'
import type { WebhookProtocol } from './webhooks/protocol.js'

const readers: ReadonlyMap<string, ContentReader> = new Map([
  ['application/json', readJson],
  ['application/x-ndjson', readNdjson],
  ['application/jsonl', readNdjson],
  ['application/cloudevents+json', readStructuredCloudEvent],
  ['application/cloudevents-batch+json', readCloudEventBatch],
])
/** What is one event as it is. A type that is none of these is a slip more often than a type; forms, what `curl -d` says by default. */
const readAsBytes =
  /^(?:(?:text|image|audio)\/.+|application\/(?:octet-stream|xml|cbor|msgpack|(?:x-)?protobuf|avro)|avro\/binary|(?!application\/cloudevents).+\+(?:json|xml|cbor))$/
const accepted = [...readers.keys(), 'application/octet-stream', 'text/*'].join(', ')

/** The reader for the body of `POST /events`. Throws a 415 that says what is accepted. */
export function readerFor(request: Request, webhooks: readonly WebhookProtocol[]): ContentReader {
  const type = typeOf(request)
  const isStructured = type?.essence.startsWith('application/cloudevents') === true
  // The order of the CloudEvents HTTP binding, section 3: the media type decides, then the headers.
  if (!isStructured && isHttpBinaryCloudEvent(request.headers)) return readBinaryCloudEvent
  let reader = readers.get(type?.essence ?? '')
  if (reader === readJson) {
    for (const webhook of webhooks) reader = webhook.readerFor?.(request) ?? reader
  }
  if (reader !== undefined) return assertUtf8(type, reader)
  // It becomes an AMQP symbol, which is ASCII.
  if (
    type !== undefined &&
    readAsBytes.test(type.essence) &&
    isContentType(request.headers.get('content-type') ?? '')
  ) {
    return readBytes
  }
  throw unsupported(
    `Name the body's type in Content-Type: ${accepted} and the like, or any with CloudEvents headers (ce-id and others).`,
  )
}

/** The reader for the body of `POST /events:batch`. Throws a 415. */
export function batchReaderFor(request: Request): ContentReader {
  const type = typeOf(request)
  if (type?.essence === 'application/json') return assertUtf8(type, readBatch)
  throw unsupported('Send a batch with Content-Type: application/json.', { accept: 'application/json' })
}

function typeOf({ headers }: Request): MediaType | undefined {
  if (!/^(?:identity)?$/i.test(headers.get('content-encoding')?.trim() ?? '')) {
    // Compressed bytes would reach the event hub as if they were the data.
    throw unsupported('Send the body without Content-Encoding.', { accept: accepted, 'accept-encoding': 'identity' })
  }
  return parseMediaType(headers.get('content-type') ?? '')
}

function assertUtf8(type: MediaType | undefined, reader: ContentReader): ContentReader {
  if (isUtf8(type?.charset)) return reader
  throw unsupported('The body must be in UTF-8.')
}

function unsupported(detail: string, headers: Readonly<Record<string, string>> = { accept: accepted }): ProblemError {
  return new ProblemError('unsupported-media-type', detail, headers)
}
