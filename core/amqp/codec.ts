import { message, types } from 'rhea-promise'
import {
  type AmqpAnnotatedMessage,
  assertIsEvent,
  bodyToBytes,
  type EventInput,
  isAmqpAnnotatedMessage,
} from '../event-data.js'
import type { EncodedEvent, EventCodec } from '../transport.js'

/** Message format of an Event Hubs batch: data sections, each one an encoded message. */
export const batchMessageFormat = 0x80013700

const partitionKeyAnnotation = 'x-opt-partition-key'
const dataSectionCode = 0x75
const valueSectionCode = 0x77

/** rhea's encoder; its type declarations leave it out. */
const { Writer } = types as unknown as {
  readonly Writer: new (buffer: Buffer) => { write(value: unknown): void; toBuffer(): Buffer }
}

/** An event encoded as one AMQP message. */
export interface AmqpEvent extends EncodedEvent {
  readonly bytes: Buffer
  /** The message-annotations section alone, as the envelope of a batch repeats it; undefined without annotations. */
  readonly annotations: Buffer | undefined
}

/** A data section's descriptor and constructor: 5 bytes up to 255 bytes of content, 8 beyond. */
function dataSectionOverhead(length: number): number {
  return length <= 255 ? 5 : 8
}

export const amqpCodec: EventCodec<AmqpEvent> = {
  encode(event: EventInput, partitionKey: string | undefined): AmqpEvent {
    assertIsEvent(event)
    const encoded = isAmqpAnnotatedMessage(event) ? fromAnnotated(event) : fromEventData(event)
    if (partitionKey !== undefined) {
      encoded.message_annotations = { ...encoded.message_annotations, [partitionKeyAnnotation]: partitionKey }
      // The official SDKs mark keyed events durable; a header without any field trips some readers.
      encoded.durable = true
    }
    const bytes = encodeMessage(encoded)
    return {
      bytes,
      annotations: encodeAnnotations(encoded.message_annotations),
      sizeInBytes: bytes.length + dataSectionOverhead(bytes.length),
      partitionKey,
      solo: false,
    }
  },

  // The envelope repeats the first event's annotations, by which the service routes a keyed batch.
  envelopeSizeInBytes: (first) => first.annotations?.length ?? 0,
}

/** One batch message, written into one buffer. */
export function encodeBatch(events: readonly AmqpEvent[]): Buffer {
  const first = events[0]
  // The envelope's key routes the whole batch; where keys differ, the link's partition has been chosen already.
  const isUniform = events.every((event) => event.partitionKey === first?.partitionKey)
  const annotations = isUniform ? first?.annotations : undefined
  let size = annotations?.length ?? 0
  for (const event of events) size += event.sizeInBytes
  const batch = Buffer.allocUnsafe(size)
  let at = annotations ? annotations.copy(batch) : 0
  for (const { bytes } of events) {
    batch[at++] = 0x00
    batch[at++] = 0x53
    batch[at++] = dataSectionCode
    if (bytes.length <= 255) {
      batch[at++] = 0xa0
      batch[at++] = bytes.length
    } else {
      batch[at++] = 0xb0
      at = batch.writeUInt32BE(bytes.length, at)
    }
    at += bytes.copy(batch, at)
  }
  return batch
}

/** rhea's message, as far as it is used here. */
interface RheaMessage {
  body: unknown
  message_annotations?: Record<string, unknown> | undefined
  durable?: boolean | undefined
  [section: string]: unknown
}

function encodeMessage(encoded: RheaMessage): Buffer {
  try {
    return message.encode(encoded as never) as unknown as Buffer
  } catch (error) {
    throw new TypeError(
      `The event cannot be encoded as an AMQP message: ${error instanceof Error ? error.message : String(error)}. Check the types of its properties and annotations.`,
      { cause: error },
    )
  }
}

function encodeAnnotations(annotations: Record<string, unknown> | undefined): Buffer | undefined {
  if (annotations === undefined || Object.keys(annotations).length === 0) return undefined
  const writer = new Writer(Buffer.alloc(64))
  writer.write(types.described_nc(types.wrap_ulong(0x72), types.wrap_symbolic_map(annotations)))
  return writer.toBuffer()
}

function fromEventData(event: EventInput): RheaMessage {
  const { body, contentType, messageId, correlationId, properties } = event as {
    body: unknown
    contentType?: string
    messageId?: string | number | Uint8Array
    correlationId?: string | number | Uint8Array
    properties?: Record<string, unknown>
  }
  return withoutUndefined({
    body: message.data_section(asBuffer(bodyToBytes(body))),
    content_type: contentType,
    message_id: messageIdentifier('messageId', messageId),
    correlation_id: messageIdentifier('correlationId', correlationId),
    application_properties: applicationProperties(properties),
  })
}

function fromAnnotated(event: AmqpAnnotatedMessage): RheaMessage {
  const { header, properties } = event
  return withoutUndefined({
    body: annotatedBody(event),
    durable: header?.durable,
    priority: header?.priority,
    ttl: header?.timeToLive,
    first_acquirer: header?.firstAcquirer,
    delivery_count: header?.deliveryCount,
    message_id: messageIdentifier('properties.messageId', properties?.messageId),
    user_id: typeof properties?.userId === 'string' ? Buffer.from(properties.userId) : properties?.userId,
    to: properties?.to,
    subject: properties?.subject,
    reply_to: properties?.replyTo,
    correlation_id: messageIdentifier('properties.correlationId', properties?.correlationId),
    content_type: properties?.contentType,
    content_encoding: properties?.contentEncoding,
    absolute_expiry_time: properties?.absoluteExpiryTime,
    creation_time: properties?.creationTime,
    group_id: properties?.groupId,
    group_sequence: properties?.groupSequence,
    reply_to_group_id: properties?.replyToGroupId,
    application_properties: applicationProperties(event.applicationProperties),
    message_annotations: amqpMap('messageAnnotations', event.messageAnnotations),
    delivery_annotations: amqpMap('deliveryAnnotations', event.deliveryAnnotations),
    footer: amqpMap('footer', event.footer),
  })
}

function annotatedBody({ body, bodyType = 'data' }: AmqpAnnotatedMessage): unknown {
  if (bodyType === 'data') {
    if (Array.isArray(body) && body.length > 0 && body.every((part) => part instanceof Uint8Array)) {
      return message.data_sections(body.map(asBuffer) as never)
    }
    return message.data_section(asBuffer(bodyToBytes(body)))
  }
  if (bodyType === 'sequence') {
    if (!Array.isArray(body)) throw new TypeError("A body of type 'sequence' must be an array.")
    const lists = body.every(Array.isArray) && body.length > 0 ? body : [body]
    return message.sequence_sections(lists.map((list) => list.map((item: unknown) => amqpValue('body', item))) as never)
  }
  if (bodyType !== 'value') {
    throw new TypeError(`bodyType must be 'data', 'sequence' or 'value'; received ${String(bodyType)}.`)
  }
  // rhea has no name for a value section; this is a data section under the other code.
  const section = message.data_section(amqpValue('body', body) as never) as { typecode?: number }
  section.typecode = valueSectionCode
  return section
}

function messageIdentifier(name: string, id: string | number | Uint8Array | undefined): unknown {
  if (id === undefined || id === null) return undefined
  if (typeof id === 'string') return id
  if (typeof id === 'number' && Number.isSafeInteger(id) && id >= 0) return id
  if (id instanceof Uint8Array) return types.wrap_binary(asBuffer(id))
  throw new TypeError(`${name} must be a string, a whole number from 0 up, or bytes.`)
}

/** AMQP allows only simple values in application properties. */
function applicationProperties(
  properties: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  if (properties === undefined || properties === null) return undefined
  if (typeof properties !== 'object') throw new TypeError('properties must be an object of names and values.')
  const map: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined) continue
    const simple =
      value === null ||
      typeof value !== 'object' ||
      value instanceof Date ||
      value instanceof Uint8Array ||
      isTyped(value)
    if (!simple) {
      throw new TypeError(
        `The property '${name}' is ${Array.isArray(value) ? 'an array' : 'an object'}; properties hold strings, numbers, bigints, booleans, dates, bytes or null. Put structures into the body.`,
      )
    }
    map[name] = amqpValue(`property '${name}'`, value)
  }
  return map
}

function amqpMap(
  name: string,
  map: Readonly<Record<string, unknown>> | undefined,
): Record<string, unknown> | undefined {
  if (map === undefined || map === null) return undefined
  if (typeof map !== 'object') throw new TypeError(`${name} must be an object of names and values.`)
  const entries = Object.entries(map).filter(([, value]) => value !== undefined)
  return Object.fromEntries(entries.map(([key, value]) => [key, amqpValue(`${name}.${key}`, value)]))
}

/** JavaScript values that rhea would encode wrongly or not at all, as AMQP typed values. */
function amqpValue(name: string, value: unknown): unknown {
  if (typeof value === 'bigint') {
    if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new TypeError(`The ${name} does not fit 64 bits.`)
    const bytes = Buffer.alloc(8)
    bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
    return value < 2n ** 63n ? types.wrap_long(bytes as never) : types.wrap_ulong(bytes as never)
  }
  if (typeof value === 'function' || typeof value === 'symbol') {
    throw new TypeError(`The ${name} is a ${typeof value}, which AMQP cannot carry.`)
  }
  if (value instanceof Uint8Array) return asBuffer(value)
  if (Array.isArray(value)) return value.map((item) => amqpValue(name, item))
  return value
}

function isTyped(value: object): boolean {
  return typeof (value as { toRheaTyped?: unknown }).toRheaTyped === 'function'
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}

function withoutUndefined(encoded: RheaMessage): RheaMessage {
  for (const name of Object.keys(encoded)) {
    if (encoded[name] === undefined) delete encoded[name]
  }
  return encoded
}
