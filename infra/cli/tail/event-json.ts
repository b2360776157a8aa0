import { isUtf8 } from 'node:buffer'
import type { ReceivedBody, ReceivedEvent, Section } from './decode.js'
import type { AmqpValue } from './values.js'

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** Properties that events of most users have, beside the body rather than in a section. */
const promoted = new Set(['contentType', 'messageId', 'correlationId'])

/**
 * A whole event as JSON, from which the same event can be made again:
 *
 * - `body` is text, and then the body is its UTF-8; or another JSON value, and then the body is its JSON without spaces.
 *   `bodyBase64` in its place are bytes.
 * - Values that JSON does not have are `{"$date": …}`, `{"$base64": …}`, `{"$bigint": …}` and `{"$number": "NaN"}`; an
 *   object with such a name of its own is `{"$object": …}`.
 * - `amqp` has what most events have none of: the sections of the message, and another type of body.
 */
export function eventToJson(event: ReceivedEvent): Record<string, Json> {
  const { sequenceNumber, offset, enqueuedTime, partitionId, partitionKey, properties, applicationProperties } = event
  const known = Object.entries(properties).filter(([name]) => promoted.has(name))
  const amqp = amqpOf(event)
  return {
    partitionId,
    sequenceNumber,
    offset,
    enqueuedTime: Number.isNaN(enqueuedTime.getTime()) ? null : enqueuedTime.toISOString(),
    ...(partitionKey === undefined ? {} : { partitionKey }),
    ...sectionToJson(Object.fromEntries(known)),
    ...(isEmpty(applicationProperties) ? {} : { properties: sectionToJson(applicationProperties) }),
    ...bodyToJson(event.body),
    ...(isEmpty(amqp) ? {} : { amqp }),
  }
}

function amqpOf(event: ReceivedEvent): Record<string, Json> {
  const { header, properties, messageAnnotations, deliveryAnnotations, footer, body, partitionKey } = event
  const rest = Object.fromEntries(Object.entries(properties).filter(([name]) => !promoted.has(name)))
  // Each event with a partition key is durable.
  const isPlain = partitionKey !== undefined && Object.keys(header).length === 1 && header.durable === true
  const sections = {
    header: isPlain ? {} : header,
    properties: rest,
    messageAnnotations,
    deliveryAnnotations,
    footer,
  }
  return {
    ...(body.kind === 'data' ? {} : { bodyType: body.kind }),
    ...(body.kind === 'data' && body.parts.length > 1 ? { dataSizes: body.parts.map(({ length }) => length) } : {}),
    ...Object.fromEntries(
      Object.entries(sections).flatMap(([name, section]) => (isEmpty(section) ? [] : [[name, sectionToJson(section)]])),
    ),
  }
}

function bodyToJson(body: ReceivedBody): Record<string, Json> {
  if (body.kind === 'value') return { body: toJson(body.value) }
  if (body.kind === 'sequence') return { body: body.lists.map(toJson) }
  const bytes = bytesOf(body.parts)
  if (!isUtf8(bytes)) return { bodyBase64: bytes.toString('base64') }
  const text = bytes.toString('utf8')
  const json = asJsonAsWritten(text)
  // JSON's null is a body, too.
  return { body: json === undefined ? text : json }
}

export function bytesOf(parts: readonly Buffer[]): Buffer {
  const [only] = parts
  return only && parts.length === 1 ? only : Buffer.concat(parts)
}

/** The value that the text is the JSON of, to the byte; a string counts as the text that it is. */
function asJsonAsWritten(text: string): Json | undefined {
  if (!/^[[{\d\-tfn]/.test(text)) return undefined
  try {
    const value: Json = JSON.parse(text)
    return JSON.stringify(value) === text ? value : undefined
  } catch {
    return undefined
  }
}

function sectionToJson(section: Section): Record<string, Json> {
  return Object.fromEntries(Object.entries(section).map(([name, value]) => [name, toJson(value)]))
}

function toJson(value: AmqpValue): Json {
  switch (typeof value) {
    case 'bigint':
      return { $bigint: String(value) }
    case 'number':
      return Number.isFinite(value) && !Object.is(value, -0)
        ? value
        : { $number: Object.is(value, -0) ? '-0' : String(value) }
    case 'object':
      return value === null ? null : fromObject(value)
    default:
      return value
  }
}

function fromObject(value: object): Json {
  if (value instanceof Date) return { $date: Number.isNaN(value.getTime()) ? 'invalid' : value.toISOString() }
  if (value instanceof Uint8Array) return { $base64: Buffer.from(value).toString('base64') }
  if (Array.isArray(value)) return value.map(toJson)
  const object = sectionToJson(value as Section)
  return Object.keys(object).some((name) => name.startsWith('$')) ? { $object: object } : object
}

function isEmpty(object: object): boolean {
  return Object.keys(object).length === 0
}
