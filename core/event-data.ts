import { kindOf } from './options/checks.js'
import { nearestName } from './options/names.js'

/** A value that an AMQP map can carry and that has an obvious JavaScript form. */
export type AmqpPrimitive = string | number | bigint | boolean | Date | Uint8Array | null

/**
 * An event as most users make it.
 *
 * The body travels as one AMQP data section: bytes as they are, a string as its UTF-8 bytes (as the
 * Python and .NET clients do), anything else as JSON.
 *
 * What `@azure/event-hubs` received can be sent as it is, too. What the service told of it (`sequenceNumber`,
 * `partitionKey`, …) is left out; to keep its annotations, send its `getRawAmqpMessage()`. Any other field is refused.
 */
export interface EventData {
  /** `Uint8Array`: as it is. `string`: UTF-8. Anything else: JSON. Required; `null` is JSON null. */
  readonly body: unknown
  /** RFC 2045 media type of the body, such as `application/json`. Default: not sent. */
  readonly contentType?: string | undefined
  /** Default: not sent. */
  readonly messageId?: string | number | Uint8Array | undefined
  /** Default: not sent. */
  readonly correlationId?: string | number | Uint8Array | undefined
  /** Application properties, by name. Default: none. */
  readonly properties?: Readonly<Record<string, AmqpPrimitive>> | undefined
}

/**
 * An event with every AMQP section in the caller's hands. The field names are those of Azure's SDKs.
 *
 * Source: OASIS AMQP 1.0, part 3, section 3.2, for the sections and what their fields mean.
 */
export interface AmqpAnnotatedMessage {
  /** `data`: bytes, or a list of bytes. `sequence`: a list of lists. `value`: one AMQP value. */
  readonly body: unknown
  /** Default: `data`, encoded as `EventData.body` is. */
  readonly bodyType?: 'data' | 'sequence' | 'value' | undefined
  /** How the message is to be carried. Default: not sent. */
  readonly header?: AmqpMessageHeader | undefined
  /** AMQP's own properties; those of the application have a section of theirs. Default: none. */
  readonly properties?: AmqpMessageProperties | undefined
  /** The application's own, by name: strings, numbers, bigints, booleans, dates, bytes or null. Default: none. */
  readonly applicationProperties?: Readonly<Record<string, unknown>> | undefined
  /** For the service and for readers, by name, of any AMQP type. `x-opt-` names are the service's. Default: none. */
  readonly messageAnnotations?: Readonly<Record<string, unknown>> | undefined
  /** For the next hop alone, by name, of any AMQP type. Default: none. */
  readonly deliveryAnnotations?: Readonly<Record<string, unknown>> | undefined
  /** After the body, by name, of any AMQP type. Default: none. */
  readonly footer?: Readonly<Record<string, unknown>> | undefined
}

/** The header section of an `AmqpAnnotatedMessage`. */
export interface AmqpMessageHeader {
  /** Default: not sent, which AMQP reads as false; true for an event with a partition key. */
  readonly durable?: boolean | undefined
  /** From 0 to 255. Default: not sent, which AMQP reads as 4. */
  readonly priority?: number | undefined
  /** How long the message is of use, in milliseconds. Default: for good. */
  readonly timeToLive?: number | undefined
  /** Default: not sent, which AMQP reads as false. */
  readonly firstAcquirer?: boolean | undefined
  /** Deliveries that failed before. Default: not sent, which AMQP reads as 0. */
  readonly deliveryCount?: number | undefined
}

/** The properties section of an `AmqpAnnotatedMessage`: AMQP's own. Each is left out by default. */
export interface AmqpMessageProperties {
  /** Names the message, for instance to recognize a second copy. */
  readonly messageId?: string | number | Uint8Array | undefined
  /** Who made the message; a string travels as its UTF-8 bytes. */
  readonly userId?: string | Uint8Array | undefined
  /** Address that the message is meant for. */
  readonly to?: string | undefined
  /** What the message is about. */
  readonly subject?: string | undefined
  /** Address for answers. */
  readonly replyTo?: string | undefined
  /** Names what the message belongs to, such as the message that it answers. */
  readonly correlationId?: string | number | Uint8Array | undefined
  /** RFC 2045 media type of the body. */
  readonly contentType?: string | undefined
  /** What was applied to the body besides, such as `gzip`. */
  readonly contentEncoding?: string | undefined
  /** Milliseconds since the Unix epoch. */
  readonly absoluteExpiryTime?: number | undefined
  /** Milliseconds since the Unix epoch. */
  readonly creationTime?: number | undefined
  /** Group that the message belongs to. */
  readonly groupId?: string | undefined
  /** Position in that group, from 0 to 4294967295. */
  readonly groupSequence?: number | undefined
  /** Group that answers belong to. */
  readonly replyToGroupId?: string | undefined
}

/** What `sendEvent` takes. */
export type EventInput = EventData | AmqpAnnotatedMessage

const eventDataOnly = ['contentType', 'messageId', 'correlationId'] as const

const eventFields: ReadonlySet<string> = new Set<keyof EventData | keyof AmqpAnnotatedMessage>([
  'body',
  'contentType',
  'messageId',
  'correlationId',
  'properties',
  'bodyType',
  'header',
  'applicationProperties',
  'messageAnnotations',
  'deliveryAnnotations',
  'footer',
])

const headerFields: ReadonlySet<string> = new Set<keyof AmqpMessageHeader>([
  'durable',
  'priority',
  'timeToLive',
  'firstAcquirer',
  'deliveryCount',
])

const propertyFields: ReadonlySet<string> = new Set<keyof AmqpMessageProperties>([
  'messageId',
  'userId',
  'to',
  'subject',
  'replyTo',
  'correlationId',
  'contentType',
  'contentEncoding',
  'absoluteExpiryTime',
  'creationTime',
  'groupId',
  'groupSequence',
  'replyToGroupId',
])

/** What @azure/event-hubs adds to an event that it received. Told by the service, they are of no use in a new event. */
const receivedFields: ReadonlySet<string> = new Set([
  'enqueuedTimeUtc',
  'sequenceNumber',
  'offset',
  'partitionKey',
  'systemProperties',
  'getRawAmqpMessage',
])

const sendOptionFields: ReadonlySet<string> = new Set(['partitionId', 'partitionKey', 'timeoutInMs', 'abortSignal'])

const none: ReadonlySet<string> = new Set()

/**
 * Tells the two forms apart: an `AmqpAnnotatedMessage` has at least one field that `EventData` lacks.
 * Without one, `properties` are application properties.
 */
export function isAmqpAnnotatedMessage(event: EventInput): event is AmqpAnnotatedMessage {
  const { bodyType, header, applicationProperties, messageAnnotations, deliveryAnnotations, footer } =
    event as AmqpAnnotatedMessage
  return (
    bodyType !== undefined ||
    header !== undefined ||
    applicationProperties !== undefined ||
    messageAnnotations !== undefined ||
    deliveryAnnotations !== undefined ||
    footer !== undefined
  )
}

/**
 * Refuses what is not an event, saying what to pass instead, and fields that no event has: what they hold would be
 * lost without a word. An event received by @azure/event-hubs is one: what the service told of it is left out.
 *
 * @param besides fields that are the caller's business
 */
export function assertIsEvent(event: unknown, besides = none): asserts event is EventInput {
  assertHasEventFields(event, besides)
  if (isAmqpAnnotatedMessage(event)) assertIsAnnotated(event)
}

/** As `assertIsEvent`, where an annotated message is not looked into: a wire that cannot carry one needs no more. */
export function assertHasEventFields(event: unknown, besides = none): asserts event is EventInput {
  if (typeof event !== 'object' || event === null || ArrayBuffer.isView(event) || Array.isArray(event)) {
    throw new TypeError(
      `An event must be an object such as { body: … }; received ${kindOf(event)}. Wrap the value: sendEvent({ body: value }).`,
    )
  }
  if (!('body' in event) || event.body === undefined) {
    throw new TypeError('An event needs a body: { body: string | Uint8Array | JSON value }. Pass null for JSON null.')
  }
  // Without a list of keys: this runs for each event that is sent.
  for (const name in event) {
    if (!eventFields.has(name) && !besides.has(name)) assertMayBeLeftOut(event, name, besides)
  }
}

function assertMayBeLeftOut(event: object, name: string, besides: ReadonlySet<string>): void {
  const field = (key: string): unknown => (event as Record<string, unknown>)[key]
  if (field(name) === undefined) return
  const isReceived = field('enqueuedTimeUtc') !== undefined && field('sequenceNumber') !== undefined
  if (isReceived && receivedFields.has(name)) return
  if (sendOptionFields.has(name)) {
    throw new TypeError(
      `An event has no field "${name}". It belongs in the second argument, sendEvent(event, { ${name} }), or in the options of a batch.`,
    )
  }
  if (propertyFields.has(name)) {
    throw new TypeError(
      `An event has no field "${name}". It belongs in the properties of an AmqpAnnotatedMessage: { body, bodyType: 'data', properties: { ${name} } }.`,
    )
  }
  const near = nearestName(name, new Set([...eventFields, ...besides, ...sendOptionFields]))
  const help = near
    ? `Did you mean ${near}?`
    : 'What readers are to see goes into body or properties; to send a whole object as JSON, wrap it: sendEvent({ body: object }).'
  throw new TypeError(`An event has no field "${name}". ${help}`)
}

/** Fields of both forms in one event, or in the wrong section: half of them would be lost without a word. */
function assertIsAnnotated(event: object): void {
  const { header, properties } = event as AmqpAnnotatedMessage
  for (const name of eventDataOnly) {
    if (((event as Record<string, unknown>)[name] ?? undefined) === undefined) continue
    throw new TypeError(
      `An AmqpAnnotatedMessage has no field ${name}: pass it as properties.${name}, and application properties as applicationProperties.`,
    )
  }
  for (const name in properties) {
    if (propertyFields.has(name) || properties[name as keyof AmqpMessageProperties] === undefined) continue
    throw new TypeError(
      `The properties of an AmqpAnnotatedMessage are AMQP's own, which have no "${name}". ${hint(name, propertyFields) ?? 'Pass your own as applicationProperties.'}`,
    )
  }
  for (const name in header) {
    if (headerFields.has(name) || header[name as keyof AmqpMessageHeader] === undefined) continue
    throw new TypeError(
      `The header of an AmqpAnnotatedMessage has no field "${name}". ${hint(name, headerFields) ?? `Known: ${[...headerFields].join(', ')}.`}`,
    )
  }
}

function hint(name: string, known: ReadonlySet<string>): string | undefined {
  const near = nearestName(name, known)
  return near && `Did you mean ${near}?`
}

const utf8 = new TextEncoder()

/** The body's bytes: `Uint8Array` as it is, a string as UTF-8, anything else as JSON. */
export function bodyToBytes(body: unknown): Uint8Array {
  if (body instanceof Uint8Array) return body
  if (ArrayBuffer.isView(body)) return new Uint8Array(body.buffer, body.byteOffset, body.byteLength)
  if (body instanceof ArrayBuffer) return new Uint8Array(body)
  if (typeof body === 'string') return utf8.encode(body)
  const json = toJson(body)
  // A map, a promise, a stream, an error: JSON would make {} of it, and its content would be lost without a word.
  if (json === '{}' && kindOf(body) !== 'an object') {
    throw new TypeError(
      `An event body that is ${kindOf(body)} has no JSON form. Await a promise, read a stream, and make a plain object, a string or bytes of anything else.`,
    )
  }
  if (json === 'null' && (typeof body === 'number' || body instanceof Date)) {
    throw new TypeError(
      'An event body that is NaN, an infinity or an invalid date has no JSON form. Pass null if null is meant.',
    )
  }
  if (json === undefined) {
    throw new TypeError(
      `An event body of type ${typeof body} has no JSON form (functions, bigints and circles have none). Pass a string, bytes or a JSON value.`,
    )
  }
  return utf8.encode(json)
}

function toJson(body: unknown): string | undefined {
  try {
    return JSON.stringify(body)
  } catch {
    // The engine's message, and a toJSON's own, may quote the body.
    return undefined
  }
}
