import type { MediaType } from './cloudevents/media-type.js'
import { isUtf8, parseMediaType } from './cloudevents/media-type.js'
import type { ContentReader } from './incoming.js'
import { ProblemError } from './problem.js'
import { isHttpBinaryCloudEvent, readBinaryCloudEvent } from './read-binary-cloud-event.js'
import { readCloudEventBatch, readJson, readStructuredCloudEvent } from './read-json.js'
import { readNdjson } from './read-ndjson.js'

const readers: ReadonlyMap<string, ContentReader> = new Map([
  ['application/json', readJson],
  ['application/x-ndjson', readNdjson],
  ['application/jsonl', readNdjson],
  ['application/cloudevents+json', readStructuredCloudEvent],
  ['application/cloudevents-batch+json', readCloudEventBatch],
])
const accepted = `${[...readers.keys()].join(', ')}, or any type with CloudEvents headers (ce-id, ce-source, ce-type, ce-specversion)`

/** The reader for a request's body. Throws a 415 that says what is accepted. */
export function readerFor(request: Request): ContentReader {
  const encoding = request.headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  if (encoding !== '' && encoding !== 'identity') {
    // Compressed bytes would reach the event hub as if they were the data.
    throw unsupported('Send the body without Content-Encoding.', { 'accept-encoding': 'identity' })
  }
  const header = request.headers.get('content-type')
  const type = header === null ? undefined : parseMediaType(header)
  const isStructured = type?.essence.startsWith('application/cloudevents') === true
  // The order of the CloudEvents HTTP binding, section 3: the media type decides, then the headers.
  if (!isStructured && isHttpBinaryCloudEvent(request.headers)) return readBinaryCloudEvent
  return readerOfType(type)
}

function readerOfType(type: MediaType | undefined): ContentReader {
  if (type === undefined) throw unsupported(`Name the body's type in Content-Type. Accepted: ${accepted}.`)
  const reader = readers.get(type.essence)
  if (reader === undefined) throw unsupported(`Content-Type must be one of: ${accepted}.`)
  if (!isUtf8(type.charset)) throw unsupported('The body must be in UTF-8.')
  return reader
}

function unsupported(detail: string, headers: Readonly<Record<string, string>> = {}): ProblemError {
  return new ProblemError('unsupported-media-type', detail, { accept: [...readers.keys()].join(', '), ...headers })
}
