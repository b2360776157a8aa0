import { jsonContent } from './content.js'
import { eventsAnswer, type HttpAnswer, problemAnswer } from './http-answer.js'
import { whyNotAllowed } from './http-auth.js'
import { type HttpItem, type HttpRequest, isHttpEvent, readRequest } from './http-request.js'
import { partitionKeyOf, timeFromMilliseconds } from './identifiers.js'
import { decodeUtf8 } from './shape.js'
import type { Content, OpenedEvent, Source, SourceRecord } from './source.js'

/** As many as the front door takes. Lambda's answer has room for about 20,000 results, and its memory for few more. */
const mostEvents = 1000

/**
 * A Function URL or API Gateway: the body is one event, or, where it is a JSON array, one per element, at most 1000.
 * For NDJSON and for CloudEvents of the caller's own there is the front door (`eventhub-sluice/fetch`).
 */
export const http: Source = {
  name: 'http',
  matches: isHttpEvent,
  async open(event, { auth }) {
    if (!isHttpEvent(event)) return answered(problemAnswer(400, 'Not an HTTP request'))
    const request = readRequest(event)
    const refusal = await whyNotAllowed(request, auth)
    if (refusal !== undefined) {
      const challenge: Record<string, string> =
        typeof auth === 'object' ? { 'www-authenticate': 'Bearer realm="events"' } : {}
      return answered(problemAnswer(401, refusal, challenge))
    }
    if (request.method !== 'POST' && request.method !== 'PUT') {
      return answered(problemAnswer(405, 'Use POST here.', { allow: 'POST, PUT' }))
    }
    const read = readItems(request)
    if ('statusCode' in read) return answered(read)
    return {
      records: read,
      ordered: false,
      permanentFailures: 'caller',
      answer: ({ report }) =>
        eventsAnswer(
          read.map(({ attributes }) => attributes.id),
          report,
        ),
    }
  },
}

function answered(answer: HttpAnswer): OpenedEvent {
  return { records: [], ordered: false, permanentFailures: 'caller', answer: () => answer }
}

function readItems(request: HttpRequest): SourceRecord[] | HttpAnswer {
  const contentType = request.headers['content-type']?.trim() || 'application/octet-stream'
  const essence = contentType.split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (request.body.length === 0) return problemAnswer(400, 'The body is empty. Send at least one event.')
  if (request.headers['content-encoding']?.trim()) return problemAnswer(415, 'Send the body without Content-Encoding.')
  if (essence.startsWith('application/cloudevents') || request.headers['ce-specversion'] !== undefined) {
    return problemAnswer(415, 'CloudEvents are not taken here. The front door (eventhub-sluice/fetch) takes them.')
  }
  // It becomes an AMQP symbol, which is ASCII.
  if (!/^[\x20-\x7e]+$/.test(contentType)) return problemAnswer(400, 'Content-Type must be printable ASCII.')
  if (essence !== 'application/json') return [readItem(request, 0, undefined, { body: request.body, contentType })]

  const text = decodeUtf8(request.body)
  if (text === undefined) return problemAnswer(400, 'The body is not valid UTF-8.')
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    // The engine's own message quotes the body: it stays here.
    return problemAnswer(400, 'The body is not valid JSON. Nothing of it was sent.')
  }
  // One value leaves byte for byte; the elements of an array are written anew.
  if (!Array.isArray(value)) return [readItem(request, 0, value, { body: request.body, contentType })]
  if (value.length === 0) return problemAnswer(400, 'The array is empty. Send at least one event.')
  if (value.length > mostEvents) {
    return problemAnswer(
      413,
      `A request may have ${mostEvents} events; this one has ${value.length}. Nothing was sent.`,
    )
  }
  return value.map((element, index) => readItem(request, index, element, jsonContent(element), value.length))
}

function readItem(request: HttpRequest, index: number, value: unknown, content: Content, count = 1): SourceRecord {
  // A caller that sends again under its own key makes the same ids, so that consumers can tell the second copy.
  const visit = request.headers['idempotency-key'] || request.requestId
  const id = count === 1 ? visit : `${visit}/${index}`
  const key = request.headers['x-partition-key'] || request.query.partitionKey
  const item: HttpItem = { request, index, value }
  return {
    forwarded: {
      source: 'http',
      id,
      defaultPartitionKey: key ? partitionKeyOf(key) : undefined,
      record: item,
    },
    attributes: {
      id,
      source: `https://${request.domainName}${request.path}`,
      type: 'com.amazonaws.lambda.http',
      time: request.timeEpoch === undefined ? undefined : timeFromMilliseconds(request.timeEpoch),
    },
    data: content,
    raw: content,
  }
}
