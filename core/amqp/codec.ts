import { message, types } from 'rhea-promise'
import { assertIsEvent, bodyToBytes, type EventInput, isAmqpAnnotatedMessage } from '../event-data.js'
import type { EncodedEvent, EventCodec } from '../transport.js'
import { encodeCommonEvent } from './event-encoder.js'
import {
  type ProducerStamp,
  sequenceAfter,
  stampsLength,
  withoutStamps,
  withRoomForStamps,
  writeStamps,
} from './producer-stamps.js'
import { type RheaMessage, toRheaMessage } from './rhea-message.js'
import { hasNames, Writer } from './values.js'

/** Message format of an Event Hubs batch: data sections, each one an encoded message. */
export const batchMessageFormat = 0x80013700

const partitionKeyAnnotation = 'x-opt-partition-key'
const messageAnnotationsCode = 0x72
const dataSectionCode = 0x75
const footerCode = 0x78

/** An event encoded as one AMQP message. */
export interface AmqpEvent extends EncodedEvent {
  readonly bytes: Buffer
  /** The message-annotations section alone, as the envelope of a batch repeats it; undefined without annotations. */
  readonly annotations: Buffer | undefined
  /** Where in `bytes` an idempotent producer's stamps go; -1: nowhere. */
  readonly stampsAt: number
}

/** A data section's descriptor and constructor: 5 bytes up to 255 bytes of content, 8 beyond. */
function dataSectionOverhead(length: number): number {
  return length <= 255 ? 5 : 8
}

export const amqpCodec: EventCodec<AmqpEvent> = {
  encode(event: EventInput, partitionKey: string | undefined): AmqpEvent {
    assertIsEvent(event)
    const common = encodeCommonShape(event, partitionKey)
    if (common) return common
    const encoded = toRheaMessage(event)
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
      stampsAt: -1,
    }
  },

  // The envelope repeats the first event's annotations, by which the service routes a keyed batch.
  envelopeSizeInBytes: (first) => first.annotations?.length ?? 0,
}

/** The same, for an idempotent producer. */
export const idempotentAmqpCodec: EventCodec<AmqpEvent> = {
  encode(event: EventInput, partitionKey: string | undefined): AmqpEvent {
    assertIsEvent(event)
    const encoded = amqpCodec.encode(withoutStamps(event), partitionKey)
    const { bytes, annotations, stampsAt } = withRoomForStamps(encoded.bytes)
    const sizeInBytes = bytes.length + dataSectionOverhead(bytes.length)
    return { bytes, annotations, sizeInBytes, partitionKey, solo: encoded.solo, stampsAt }
  },
  envelopeSizeInBytes: amqpCodec.envelopeSizeInBytes,
}

/** What a batch's envelope repeats of its first event, unless its events have different keys: where these differ,
 * the link's partition has been chosen already. */
function envelopeAnnotations(events: readonly AmqpEvent[]): Buffer | undefined {
  const first = events[0]
  return events.every((event) => event.partitionKey === first?.partitionKey) ? first?.annotations : undefined
}

/** Writes the producer's stamps on the events of a batch that `encodeBatch` made, and on its envelope. */
export function stampBatch(batch: Buffer, events: readonly AmqpEvent[], stamp: ProducerStamp): void {
  const annotations = envelopeAnnotations(events)
  if (annotations) writeStamps(batch, annotations.length - stampsLength, stamp, stamp.first)
  let at = annotations?.length ?? 0
  for (const [index, { bytes, stampsAt }] of events.entries()) {
    at += dataSectionOverhead(bytes.length)
    writeStamps(batch, at + stampsAt, stamp, sequenceAfter(stamp.first, index))
    at += bytes.length
  }
}

/** One batch message, written into one buffer. */
export function encodeBatch(events: readonly AmqpEvent[]): Buffer {
  const annotations = envelopeAnnotations(events)
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

/** By our own encoder, when the event has the shape that most have; undefined leaves it to rhea. */
function encodeCommonShape(event: EventInput, partitionKey: string | undefined): AmqpEvent | undefined {
  if (isAmqpAnnotatedMessage(event)) return undefined
  const { body, contentType, messageId, correlationId, properties } = event as EventDataFields
  if (!isTextOrAbsent(contentType) || !isTextOrAbsent(messageId) || !isTextOrAbsent(correlationId)) return undefined
  if (properties !== undefined && !hasNames(properties)) return undefined
  const encoded = encodeCommonEvent({
    body: typeof body === 'string' ? body : bodyToBytes(body),
    contentType,
    messageId,
    correlationId,
    properties,
    partitionKey,
  })
  if (!encoded) return undefined
  const { bytes, annotations } = encoded
  return {
    bytes,
    annotations,
    sizeInBytes: bytes.length + dataSectionOverhead(bytes.length),
    partitionKey,
    solo: false,
    stampsAt: -1,
  }
}

function isTextOrAbsent(value: unknown): value is string | undefined {
  return value === undefined || typeof value === 'string'
}

/** The fields of `EventData`, not yet checked. */
interface EventDataFields {
  readonly body: unknown
  readonly contentType?: string
  readonly messageId?: string | number | Uint8Array
  readonly correlationId?: string | number | Uint8Array
  readonly properties?: Record<string, unknown>
}

function encodeMessage(encoded: RheaMessage): Buffer {
  const { footer } = encoded
  // rhea writes the footer ahead of the body; its place is the end (AMQP 1.0, part 3, section 3.2).
  delete encoded.footer
  try {
    const bytes = message.encode(encoded as never) as unknown as Buffer
    return footer === undefined ? bytes : Buffer.concat([bytes, encodeSection(footerCode, types.wrap_map(footer))])
  } catch {
    // rhea's own message may quote what it could not encode.
    throw new TypeError(
      'The event cannot be encoded as an AMQP message. Check the types of its properties and annotations.',
    )
  }
}

function encodeAnnotations(annotations: Record<string, unknown> | undefined): Buffer | undefined {
  if (annotations === undefined || Object.keys(annotations).length === 0) return undefined
  return encodeSection(messageAnnotationsCode, types.wrap_symbolic_map(annotations))
}

function encodeSection(code: number, map: unknown): Buffer {
  const writer = new Writer(Buffer.alloc(64))
  writer.write(types.described_nc(types.wrap_ulong(code), map as never))
  return writer.toBuffer()
}
