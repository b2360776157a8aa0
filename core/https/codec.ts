import { EventHubError } from '../errors.js'
import { assertHasEventFields, bodyToBytes, type EventInput, isAmqpAnnotatedMessage } from '../event-data.js'
import type { EncodedEvent, EventCodec } from '../transport.js'

/** An event as it travels over HTTPS. */
export interface HttpsEvent extends EncodedEvent {
  /** The event's element of a batch's JSON array; undefined for an event that must travel alone. */
  readonly json: string | undefined
  /** The raw body and the headers of the request that carries it alone; undefined for all others. */
  readonly single: { readonly body: Uint8Array; readonly headers: Readonly<Record<string, string>> } | undefined
}

const utf8 = new TextEncoder()
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

export const batchMediaType = 'application/vnd.microsoft.servicebus.json'

/** `[` and `]`; the comma between elements is counted with each element. */
const arrayOverheadInBytes = 1

/**
 * The REST API carries text bodies, simple properties and a partition key. What else an event may hold has
 * no place there and is refused by name rather than dropped.
 */
export const httpsCodec: EventCodec<HttpsEvent> = {
  encode(event: EventInput, partitionKey: string | undefined): HttpsEvent {
    assertHasEventFields(event)
    if (isAmqpAnnotatedMessage(event)) {
      throw notSupported(
        'Over HTTPS, only the fields of EventData can be sent: body, contentType, messageId, correlationId and properties. Use AMQP for an AmqpAnnotatedMessage.',
      )
    }
    const { messageId, correlationId, properties } = event as {
      messageId?: unknown
      correlationId?: unknown
      properties?: unknown
    }
    const contentType = mediaType((event as { contentType?: unknown }).contentType)
    const bytes = bodyToBytes(event.body)
    const broker = {
      ...(partitionKey === undefined ? {} : { PartitionKey: partitionKey }),
      ...identifier('MessageId', messageId),
      ...identifier('CorrelationId', correlationId),
    }
    const userProperties = textProperties(properties)
    const text = contentType === undefined ? asText(bytes) : undefined
    const json =
      text === undefined
        ? undefined
        : JSON.stringify({
            Body: text,
            ...(Object.keys(userProperties).length > 0 ? { UserProperties: userProperties } : {}),
            ...(Object.keys(broker).length > 0 ? { BrokerProperties: broker } : {}),
          })
    if (json !== undefined) {
      // A batch of one is as good as the single form, and keeps names and types of properties.
      return { json, single: undefined, sizeInBytes: utf8.encode(json).length + 1, partitionKey, solo: false }
    }
    const headers = singleHeaders(contentType, broker, userProperties)
    const sizeInBytes = bytes.length + headerSize(headers)
    // A copy: the caller's own bytes may change before they are sent, or sent again.
    return { json, single: { body: bytes.slice(), headers }, sizeInBytes, partitionKey, solo: true }
  },

  envelopeSizeInBytes: () => arrayOverheadInBytes,
}

/** The body of a batch request. */
export function encodeJsonBatch(events: readonly HttpsEvent[]): string {
  return `[${events.map((event) => event.json).join(',')}]`
}

function asText(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes)
  } catch {
    return undefined
  }
}

function notSupported(message: string): EventHubError {
  return new EventHubError(message, { code: 'not-supported', outcome: 'refused' })
}

/** It becomes a header, and must not make a batch of the event's own body. */
function mediaType(contentType: unknown): string | undefined {
  if (contentType === undefined || contentType === null) return undefined
  if (typeof contentType !== 'string') throw new TypeError('contentType must be a string.')
  const isBatch = contentType.split(';', 1)[0]?.trim().toLowerCase() === batchMediaType
  if (isHeaderValue(contentType) && !isBatch) return contentType
  throw notSupported(
    `Over HTTPS, contentType must be printable ASCII, and another type than ${batchMediaType}, which says that the body is a batch. Use AMQP to send it as it is.`,
  )
}

function identifier(name: string, id: unknown): Record<string, string> {
  if (id === undefined || id === null) return {}
  if (typeof id === 'string' || (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0)) {
    return { [name]: String(id) }
  }
  throw notSupported(`Over HTTPS, ${name} must be a string or a whole number from 0 up. Use AMQP to send bytes.`)
}

type TextProperty = string | number | boolean

/** Dates become ISO text; what is null is left out. */
function textProperties(properties: unknown): Record<string, TextProperty> {
  if (properties === undefined || properties === null) return {}
  if (typeof properties !== 'object' || Symbol.iterator in properties) {
    throw new TypeError('properties must be an object of names and values.')
  }
  const entries: [string, TextProperty][] = []
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue
    const text = value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : value
    const isSimple = typeof text === 'string' || typeof text === 'boolean' || Number.isFinite(text)
    if (!isSimple) {
      throw notSupported(
        `Over HTTPS, the property '${name}' must be a string, a finite number, a boolean or a date. Use AMQP for other types.`,
      )
    }
    entries.push([name, text])
  }
  return Object.fromEntries(entries)
}

/** Headers that the request itself needs or `fetch` keeps for itself: no property can travel under these names. */
const reservedHeader =
  /^(?:__proto__|accept|accept-.*|access-control-.*|authorization|brokerproperties|connection|content-.*|cookie2?|date|dnt|expect|forwarded|from|host|if-.*|keep-alive|max-forwards|origin|pragma|proxy-.*|range|referer|sec-.*|set-cookie2?|te|trailer|transfer-encoding|upgrade|user-agent|via|warning|x-ms-.*)$/

function isHeaderValue(text: string): boolean {
  return /^[!-~](?:[ -~]*[!-~])?$/.test(text)
}

/** A header's text that is a JSON scalar is read as a number, a boolean, null or the text in its quotes. */
function readsAsText(value: string): boolean {
  try {
    const read: unknown = JSON.parse(value)
    return typeof read === 'object' && read !== null
  } catch {
    return true
  }
}

/** A property becomes a header: lower case, because `fetch` makes it so, and text, because headers have no types. */
function singleHeaders(
  contentType: string | undefined,
  broker: Record<string, string>,
  userProperties: Record<string, TextProperty>,
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': contentType ?? 'application/octet-stream' }
  if (Object.keys(broker).length > 0) headers.brokerproperties = asciiJson(broker)
  for (const [name, value] of Object.entries(userProperties)) {
    const isExact = /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !reservedHeader.test(name)
    if (!isExact || typeof value !== 'string' || !isHeaderValue(value) || !readsAsText(value)) {
      throw notSupported(
        `Over HTTPS, an event with a contentType or a body that is not text travels alone, its properties as headers; '${name}' cannot be one (lower-case name, ASCII text that is no number, boolean or quotation). Leave contentType out, rename the property, or use AMQP.`,
      )
    }
    headers[name] = value
  }
  return headers
}

/** Header values are ASCII; JSON's own escapes keep everything else. */
function asciiJson(value: unknown): string {
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

function headerSize(headers: Record<string, string>): number {
  let size = 0
  for (const [name, value] of Object.entries(headers)) size += name.length + value.length + 4
  return size
}
