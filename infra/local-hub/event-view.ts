import { type AmqpValue, Described } from './amqp/decoder.js'
import { dataSections, mapSection, type Section, scanSections, section, sectionValue } from './message-bytes.js'
import type { StoredEvent } from './partition-log.js'

/** A stored event, decoded for people and tests. */
export interface LocalHubEvent {
  /** Where it is stored. */
  readonly partitionId: string
  /** Its position in the partition, from 0. */
  readonly sequenceNumber: number
  /** Where it lies in the partition, in bytes from its beginning. */
  readonly offset: string
  /** When it was stored, by the hub's clock. */
  readonly enqueuedTime: Date
  /** As the sender set it; undefined for none. */
  readonly partitionKey: string | undefined
  /** How the sender wrote the body: binary data, as the SDKs do, or an AMQP value or sequence. */
  readonly bodyType: 'data' | 'value' | 'sequence'
  /** The bytes of a data body. Of a value: a string as UTF-8, binary as it is; otherwise empty, and `value` has it. */
  readonly body: Buffer
  /** The value or sequence of such a body, decoded; undefined for data. */
  readonly value: unknown
  /** The message's properties by their AMQP names (`message-id`, `content-type`, …), those that are set. */
  readonly properties: Readonly<Record<string, unknown>>
  /** The sender's own properties, decoded. */
  readonly applicationProperties: Readonly<Record<string, unknown>>
  /** As the sender set them; what the service adds for readers is not among them. */
  readonly messageAnnotations: Readonly<Record<string, unknown>>
  /** The header's fields by their AMQP names (`durable`, `ttl`, …), those that are set. */
  readonly header: Readonly<Record<string, unknown>>
  /** The sender's encoded message. */
  readonly encoded: Buffer
}

/** An event as it was stored, not decoded. */
export interface LocalHubStoredEvent {
  /** Its position in the partition, from 0. */
  readonly sequenceNumber: number
  /** When it was stored, by the hub's clock, in milliseconds since 1970. */
  readonly enqueuedAt: number
  /** As the sender set it; undefined for none. */
  readonly partitionKey: string | undefined
  /** The sender's encoded message. The hub's own bytes: they must not be changed. */
  readonly bytes: Buffer
}

/** Events that came and were stored together. */
export interface LocalHubBatch {
  /** Where they are. */
  readonly eventHubName: string
  /** Where in it they are. */
  readonly partitionId: string
  /** In their order, one at least. */
  readonly events: readonly LocalHubStoredEvent[]
}

const propertyNames = [
  'message-id',
  'user-id',
  'to',
  'subject',
  'reply-to',
  'correlation-id',
  'content-type',
  'content-encoding',
  'absolute-expiry-time',
  'creation-time',
  'group-id',
  'group-sequence',
  'reply-to-group-id',
]
const headerNames = ['durable', 'priority', 'ttl', 'first-acquirer', 'delivery-count']

export function viewEvent(partitionId: string, event: StoredEvent): LocalHubEvent {
  const { bytes } = event
  const sections = scanSections(bytes)
  const map = (code: number): Record<string, unknown> => plainMap(mapSection(bytes, sections, code))
  const list = (code: number, names: readonly string[]): Record<string, unknown> =>
    named(names, sectionValue(bytes, sections, code))
  return {
    partitionId,
    sequenceNumber: event.sequenceNumber,
    offset: String(event.offset),
    enqueuedTime: new Date(event.enqueuedAt),
    partitionKey: event.partitionKey,
    ...viewBody(bytes, sections),
    properties: list(section.properties, propertyNames),
    applicationProperties: map(section.applicationProperties),
    messageAnnotations: map(section.messageAnnotations),
    header: list(section.header, headerNames),
    encoded: Buffer.from(bytes),
  }
}

function viewBody(bytes: Buffer, sections: readonly Section[]): Pick<LocalHubEvent, 'bodyType' | 'body' | 'value'> {
  const data = dataSections(bytes, sections)
  if (data.length > 0) return { bodyType: 'data', body: Buffer.concat(data), value: undefined }
  const value = sectionValue(bytes, sections, section.value)
  if (value === undefined) {
    const sequence = sectionValue(bytes, sections, section.sequence) ?? []
    return { bodyType: 'sequence', body: Buffer.alloc(0), value: plain(sequence) }
  }
  const body = typeof value === 'string' || Buffer.isBuffer(value) ? Buffer.from(value) : Buffer.alloc(0)
  return { bodyType: 'value', body, value: plain(value) }
}

function named(names: readonly string[], value: AmqpValue | undefined): Record<string, unknown> {
  const fields = Array.isArray(value) ? value : []
  return Object.fromEntries(
    names.flatMap((name, index) => {
      const field = fields[index] ?? null
      return field === null ? [] : [[name, plain(field)]]
    }),
  )
}

function plainMap(map: ReadonlyMap<AmqpValue, AmqpValue>): Record<string, unknown> {
  return Object.fromEntries([...map].map(([key, value]) => [String(key), plain(value)]))
}

function plain(value: AmqpValue): unknown {
  if (value instanceof Map) return plainMap(value)
  if (value instanceof Described) return { descriptor: plain(value.descriptor), value: plain(value.value) }
  if (Buffer.isBuffer(value)) return Buffer.from(value)
  return Array.isArray(value) ? value.map(plain) : value
}
