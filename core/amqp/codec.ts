import { message, types } from 'rhea-promise'
import { assertIsEvent, bodyToBytes, type EventInput, isAmqpAnnotatedMessage } from '../event-data.js'
import type { EventCodec } from '../transport.js'
import { AmqpEvent } from './amqp-event.js'
import { code } from './code.js'
import { encodeCommonEvent } from './event-encoder.js'
import {
  messageAnnotationsIn,
  type ProducerStamp,
  sequenceAfter,
  stampsLength,
  withoutStamps,
  withRoomForStamps,
  writeStamps,
} from './producer-stamps.js'
import { type RheaMessage, toRheaMessage } from './rhea-message.js'
import { ScatteredBytes } from './scattered-bytes.js'
import { hasNames, Writer } from './values.js'

/** Message format of an Event Hubs batch: data sections, each one an encoded message. */
export const batchMessageFormat = 0x80013700

/** A smaller batch is copied at less cost than it is sent from several places. */
const smallestScatteredInBytes = 64 * 1024
/** So is one whose stretches are shorter on average: each is a write of its own. The costs meet at some 700 bytes. */
const shortestStretchInBytes = 1024

const partitionKeyAnnotation = 'x-opt-partition-key'

export const amqpCodec: EventCodec<AmqpEvent> = {
  encode(event: EventInput, partitionKey: string | undefined, partitionId?: string): AmqpEvent {
    assertIsEvent(event)
    const common = encodeCommonShape(event, partitionKey, partitionId)
    if (common) return common
    const encoded = toRheaMessage(event)
    if (partitionKey !== undefined) {
      encoded.message_annotations = { ...encoded.message_annotations, [partitionKeyAnnotation]: partitionKey }
      // The official SDKs mark keyed events durable; a header without any field trips some readers.
      encoded.durable = true
    }
    const bytes = encodeMessage(encoded)
    return AmqpEvent.of(bytes, partitionKey, messageAnnotationsIn(bytes))
  },

  // The envelope repeats the first event's annotations, by which the service routes a keyed batch.
  envelopeSizeInBytes: (first) => first.annotationsLength,

  release: (event) => event.slab.release(),
}

/** The same, for an idempotent producer. */
export const idempotentAmqpCodec: EventCodec<AmqpEvent> = {
  ...amqpCodec,
  encode(event: EventInput, partitionKey: string | undefined): AmqpEvent {
    assertIsEvent(event)
    const encoded = amqpCodec.encode(withoutStamps(event), partitionKey)
    const { bytes, annotations, stampsAt } = withRoomForStamps(encoded.bytes)
    encoded.slab.release()
    return AmqpEvent.of(bytes, partitionKey, annotations, stampsAt)
  },
}

/**
 * What a batch's envelope repeats of its first event, unless its events have different keys: where these differ,
 * the link's partition has been chosen already.
 */
function envelopeAnnotations(events: readonly AmqpEvent[]): Buffer | undefined {
  const first = events[0]
  return events.every((event) => event.partitionKey === first?.partitionKey) ? first?.annotations : undefined
}

/** Writes the producer's stamps on the events of a batch that `encodeBatch` made, and on its envelope. */
export function stampBatch(batch: Buffer, events: readonly AmqpEvent[], stamp: ProducerStamp): void {
  const annotations = envelopeAnnotations(events)
  if (annotations) writeStamps(batch, annotations.length - stampsLength, stamp, stamp.first)
  let end = annotations?.length ?? 0
  for (const [index, { messageLength, sizeInBytes, stampsAt }] of events.entries()) {
    end += sizeInBytes
    writeStamps(batch, end - messageLength + stampsAt, stamp, sequenceAfter(stamp.first, index))
  }
}

/** One batch message, written into one buffer, which `allocate` makes. */
export function encodeBatch(
  events: readonly AmqpEvent[],
  allocate: (size: number) => Buffer = Buffer.allocUnsafe,
): Buffer {
  const batch = allocate(batchSizeInBytes(events))
  let at = envelopeAnnotations(events)?.copy(batch) ?? 0
  forEachStretch(events, (bytes, start, end) => {
    at += bytes.copy(batch, at, start, end)
    return true
  })
  return batch
}

/**
 * The same batch message, of the events' own bytes where they lie, or undefined where a copy costs less: a small batch,
 * or one of short stretches, as where events of several partitions lie in between each other. The bytes must stay as
 * they are until the peer has accepted all of it.
 */
export function scatteredBatch(events: readonly AmqpEvent[]): ScatteredBytes | undefined {
  const sizeInBytes = batchSizeInBytes(events)
  if (sizeInBytes < smallestScatteredInBytes) return undefined
  const annotations = envelopeAnnotations(events)
  const chunks = annotations ? [annotations] : []
  const mostChunks = chunks.length + sizeInBytes / shortestStretchInBytes
  const isDone = forEachStretch(events, (bytes, start, end) => {
    chunks.push(bytes.subarray(start, end))
    return chunks.length <= mostChunks
  })
  return isDone ? new ScatteredBytes(chunks, sizeInBytes) : undefined
}

/** Size of the batch message that these events make. */
function batchSizeInBytes(events: readonly AmqpEvent[]): number {
  let size = envelopeAnnotations(events)?.length ?? 0
  for (const event of events) size += event.sizeInBytes
  return size
}

/** Events that lie side by side are one stretch. Stops, and returns false, where a visit returns false. */
function forEachStretch(
  events: readonly AmqpEvent[],
  visit: (bytes: Buffer, start: number, end: number) => boolean,
): boolean {
  for (let i = 0; i < events.length; ) {
    const { slab, start } = events[i] as AmqpEvent
    let end = start
    for (let next = events[i]; next?.slab === slab && next.start === end; next = events[++i]) end += next.sizeInBytes
    if (!visit(slab.bytes, start, end)) return false
  }
  return true
}

/** By our own encoder, when the event has the shape that most have; undefined leaves it to rhea. */
function encodeCommonShape(
  event: EventInput,
  partitionKey: string | undefined,
  partitionId: string | undefined,
): AmqpEvent | undefined {
  if (isAmqpAnnotatedMessage(event)) return undefined
  const { body, contentType, messageId, correlationId, properties } = event as EventDataFields
  if (!isTextOrAbsent(contentType) || !isTextOrAbsent(messageId) || !isTextOrAbsent(correlationId)) return undefined
  if (properties !== undefined && !hasNames(properties)) return undefined
  return encodeCommonEvent(
    {
      body: typeof body === 'string' ? body : bodyToBytes(body),
      contentType,
      messageId,
      correlationId,
      properties,
      partitionKey,
    },
    partitionId,
  )
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
    return footer === undefined ? bytes : Buffer.concat([bytes, encodeSection(code.footer, types.wrap_map(footer))])
  } catch {
    // rhea's own message may quote what it could not encode.
    throw new TypeError(
      'The event cannot be encoded as an AMQP message. Check the types of its properties and annotations.',
    )
  }
}

function encodeSection(descriptor: number, map: unknown): Buffer {
  const writer = new Writer(Buffer.alloc(64))
  writer.write(types.described_nc(types.wrap_ulong(descriptor), map as never))
  return writer.toBuffer()
}
