import fc from 'fast-check'
import { message } from 'rhea-promise'
import { expect, test } from 'vitest'
import { amqpCodec, encodeBatch } from '../../../../core/amqp/codec.js'
import type { AmqpAnnotatedMessage, EventData, EventInput } from '../../../../core/event-data.js'
import { scanMessage } from '../../../../infra/local-hub/message-bytes.js'
import { dataOf } from '../../../support/amqp-sections.js'
import { annotated, eventData, maybe, text } from '../../../support/arbitrary-events.js'
import { seed } from '../../../support/seed.js'

const isAnnotated = (event: EventInput): event is AmqpAnnotatedMessage => 'bodyType' in event

// What rhea's reader makes of each kind of value; written apart from the encoder.

const utf8 = (value: string) => Buffer.from(value).toString()

function word(value: bigint): Buffer {
  const buffer = Buffer.alloc(8)
  buffer.writeBigUInt64BE(BigInt.asUintN(64, value))
  return buffer
}

function read(value: unknown): unknown {
  if (typeof value === 'string') return utf8(value)
  if (typeof value === 'bigint') return value >= -(2n ** 53n) && value <= 2n ** 53n ? Number(value) : word(value)
  if (typeof value === 'number') {
    const isWord = Number.isInteger(value) && Math.abs(value) > 2 ** 53 && value < 2 ** 64 && value > -(2 ** 63)
    return isWord ? word(BigInt(value)) : value + 0
  }
  if (value instanceof Uint8Array) return Buffer.from(value)
  if (value instanceof Date || value === null || typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map(read)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [utf8(key), read(each)]))
}

function readBody(event: EventInput): unknown {
  const { body } = event
  if (isAnnotated(event) && event.bodyType === 'value') return read(body)
  if (isAnnotated(event) && event.bodyType === 'sequence') {
    const items = body as unknown[]
    const several = items.length > 0 && items.every(Array.isArray)
    const content = several && items.length === 1 ? items[0] : items
    return expect.objectContaining({ typecode: 0x76, content: read(content) })
  }
  if (Array.isArray(body) && isAnnotated(event)) {
    const sections = body.map((part: Uint8Array) => Buffer.from(part))
    return expect.objectContaining({ typecode: 0x75, content: sections.length === 1 ? sections[0] : sections })
  }
  const isRaw = typeof body === 'string' || body instanceof Uint8Array
  return expect.objectContaining({ typecode: 0x75, content: Buffer.from(isRaw ? body : JSON.stringify(body)) })
}

function expected(event: EventInput, key: string | undefined): Record<string, unknown> {
  const fields: Record<string, unknown> = { body: readBody(event) }
  if (!isAnnotated(event)) {
    const { contentType, messageId, correlationId, properties } = event as EventData
    Object.assign(fields, { content_type: contentType, message_id: messageId, correlation_id: correlationId })
    fields.application_properties = properties
  } else {
    const { header, properties = {} } = event
    Object.assign(fields, { durable: header?.durable, priority: header?.priority, ttl: header?.timeToLive })
    Object.assign(fields, { first_acquirer: header?.firstAcquirer, delivery_count: header?.deliveryCount })
    const snake = (field: string) => field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
    for (const [field, value] of Object.entries(properties)) fields[snake(field)] = value
    if (typeof properties.userId === 'string') fields.user_id = Buffer.from(properties.userId)
    for (const field of ['absolute_expiry_time', 'creation_time']) {
      if (fields[field] !== undefined) fields[field] = new Date(fields[field] as number)
    }
    fields.application_properties = event.applicationProperties
    fields.message_annotations = event.messageAnnotations
    fields.delivery_annotations = event.deliveryAnnotations
    fields.footer = event.footer
  }
  if (key !== undefined) {
    fields.durable = true
    fields.message_annotations = { ...(fields.message_annotations as object), 'x-opt-partition-key': key }
  }
  const given = Object.entries(fields).filter(([, value]) => value !== undefined)
  return Object.fromEntries(given.map(([field, value]) => [field, field === 'body' ? value : read(value)]))
}

test(`every event comes back as it was, field for field, from a well-formed message (SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.oneof(eventData, annotated), maybe(text), (event, key) => {
      const encoded = amqpCodec.encode(event, key)
      expect({ ...message.decode(encoded.bytes) }).toEqual(expected(event, key))
      // The local hub's own reader, which shares nothing with rhea's, finds every section in its place.
      expect(() => scanMessage(encoded.bytes)).not.toThrow()
    }),
    { numRuns: 1500, seed },
  )
})

test(`every batch is as large as it says, and holds its events byte for byte (SEED=${seed})`, () => {
  const padded = fc.record({
    body: fc.oneof(fc.nat(400), fc.constantFrom(65_000, 66_000)).map((size) => 'x'.repeat(size)),
  })
  fc.assert(
    fc.property(
      fc.array(fc.oneof(eventData, annotated, padded), { minLength: 1, maxLength: 8 }),
      maybe(text),
      (events, key) => {
        const encoded = events.map((event) => amqpCodec.encode(event, key))
        const batch = encodeBatch(encoded)
        const sizes = encoded.map(({ sizeInBytes }) => sizeInBytes)
        const envelope = amqpCodec.envelopeSizeInBytes(encoded[0]!)
        expect(batch).toHaveLength(sizes.reduce((sum, size) => sum + size, envelope))
        expect(dataOf(batch).map((each) => each.toString('hex'))).toEqual(
          encoded.map((each) => each.bytes.toString('hex')),
        )
      },
    ),
    { numRuns: 300, seed },
  )
})
