import { code } from '../../../core/amqp/code.js'
import { type AmqpValue, entriesOf, plainValue, Reader, type Typed } from './values.js'

/** An event as it was read, with nothing left out. */
export interface ReceivedEvent {
  readonly partitionId: string
  readonly sequenceNumber: number
  readonly offset: string
  readonly enqueuedTime: Date
  readonly partitionKey: string | undefined
  readonly body: ReceivedBody
  /** Sections by their names in Azure's SDKs, fields and all; only those that are there. */
  readonly header: Section
  readonly properties: Section
  readonly applicationProperties: Section
  /** Without what the service adds for readers. */
  readonly messageAnnotations: Section
  readonly deliveryAnnotations: Section
  readonly footer: Section
}

export type Section = Readonly<Record<string, AmqpValue>>

export type ReceivedBody =
  | { readonly kind: 'data'; readonly parts: readonly Buffer[] }
  | { readonly kind: 'value'; readonly value: AmqpValue }
  | { readonly kind: 'sequence'; readonly lists: readonly AmqpValue[] }

const headerFields = ['durable', 'priority', 'timeToLive', 'firstAcquirer', 'deliveryCount'] as const
const propertyFields = [
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
] as const

/** What the service writes onto each event that it hands out. */
const ofTheService = new Set([
  'x-opt-sequence-number',
  'x-opt-sequence-number-epoch',
  'x-opt-offset',
  'x-opt-enqueued-time',
  'x-opt-partition-key',
])

/** Decodes the message of a delivery. Throws for what is no AMQP message. */
export function decodeEvent(partitionId: string, bytes: Buffer): ReceivedEvent {
  const maps = new Map<number, Typed>()
  const data: Buffer[] = []
  const lists: AmqpValue[] = []
  let value: Typed | undefined
  const reader = new Reader(bytes)
  while (reader.remaining() > 0) {
    const section = reader.read()
    const descriptor = Number(section.descriptor?.value)
    // A copy: the bytes around it would stay in memory as long as one small body is waited for.
    if (descriptor === code.data) data.push(Buffer.from(section.value as Buffer))
    else if (descriptor === code.sequence) lists.push(plainValue(section))
    else if (descriptor === code.value) value = section
    else maps.set(descriptor, section)
  }
  const annotations = mapOf(maps.get(code.messageAnnotations))
  return {
    partitionId,
    sequenceNumber: Number(annotations['x-opt-sequence-number']),
    offset: String(annotations['x-opt-offset']),
    enqueuedTime: timeOf(annotations['x-opt-enqueued-time']),
    partitionKey: keyOf(annotations['x-opt-partition-key']),
    body: bodyOf(data, lists, value),
    header: listOf(maps.get(code.header), headerFields),
    properties: listOf(maps.get(code.properties), propertyFields),
    applicationProperties: mapOf(maps.get(code.applicationProperties)),
    messageAnnotations: Object.fromEntries(Object.entries(annotations).filter(([name]) => !ofTheService.has(name))),
    deliveryAnnotations: mapOf(maps.get(code.deliveryAnnotations)),
    footer: mapOf(maps.get(code.footer)),
  }
}

function bodyOf(data: Buffer[], lists: AmqpValue[], value: Typed | undefined): ReceivedBody {
  if (value) return { kind: 'value', value: plainValue(value) }
  return lists.length > 0 ? { kind: 'sequence', lists } : { kind: 'data', parts: data }
}

function mapOf(section: Typed | undefined): Record<string, AmqpValue> {
  if (!section) return {}
  return Object.fromEntries(entriesOf(section).map(([key, value]) => [String(plainValue(key)), plainValue(value)]))
}

function listOf(section: Typed | undefined, names: readonly string[]): Section {
  const fields = Array.isArray(section?.value) ? (section.value as Typed[]) : []
  return Object.fromEntries(
    fields.flatMap((field, at) => {
      const [name, value] = [names[at], plainValue(field)]
      return name === undefined || value === null ? [] : [[name, value]]
    }),
  )
}

function timeOf(value: AmqpValue | undefined): Date {
  return value instanceof Date ? value : new Date(Number(value ?? Number.NaN))
}

function keyOf(value: AmqpValue | undefined): string | undefined {
  return value === undefined || value === null ? undefined : String(value)
}
