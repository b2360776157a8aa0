import { type EventInput, isAmqpAnnotatedMessage } from '../event-data.js'
import { code } from './code.js'

/**
 * What an idempotent producer writes on every event: who it is, and the event's number. The numbers are known
 * only when a batch leaves, so an event is encoded with room for them, at the end of its message annotations.
 */
export const producerEpoch = 'com.microsoft:producer-epoch'
export const producerId = 'com.microsoft:producer-id'
export const producerSequenceNumber = 'com.microsoft:producer-sequence-number'
const stampNames: readonly string[] = [producerEpoch, producerId, producerSequenceNumber]

/** One producer's next events. */
export interface ProducerStamp {
  /** Eight bytes, big-endian, as the service gave them. */
  readonly id: Uint8Array
  readonly epoch: number
  /** Sequence number of the batch's first event. */
  readonly first: number
}

/** After the largest, numbers go on from zero (as in the .NET client). */
const largestSequenceNumber = 0x7fffffff

/** The number `count` after `sequenceNumber`. */
export function sequenceAfter(sequenceNumber: number, count: number): number {
  return (sequenceNumber + count) % (largestSequenceNumber + 1)
}

/** The three annotations with zeros in place of their values, and where these are. */
const { blank, epochAt, idAt, sequenceNumberAt } = blankStamps()
const sectionStartLength = 3
const map32StartLength = 9

function blankStamps() {
  const entry = (name: string, type: number, length: number) =>
    Buffer.concat([
      Buffer.from([code.sym8, name.length]),
      Buffer.from(name, 'latin1'),
      Buffer.from([type]),
      Buffer.alloc(length),
    ])
  const parts = [
    entry(producerEpoch, code.short, 2),
    entry(producerId, code.long, 8),
    entry(producerSequenceNumber, code.int, 4),
  ]
  const ends = parts.map((_, i) => Buffer.concat(parts.slice(0, i + 1)).length)
  const [epochEnd = 0, idEnd = 0, sequenceNumberEnd = 0] = ends
  return {
    blank: Buffer.concat(parts),
    epochAt: epochEnd - 2,
    idAt: idEnd - 8,
    sequenceNumberAt: sequenceNumberEnd - 4,
  }
}

/** A message that was received and is sent on may carry another producer's stamps. */
export function withoutStamps(event: EventInput): EventInput {
  if (!isAmqpAnnotatedMessage(event) || !event.messageAnnotations) return event
  const entries = Object.entries(event.messageAnnotations)
  const others = entries.filter(([name]) => !stampNames.includes(name))
  return others.length === entries.length ? event : { ...event, messageAnnotations: Object.fromEntries(others) }
}

/** A stretch of a message. */
interface Stretch {
  readonly start: number
  readonly end: number
}

/** An encoded message with room for stamps. */
export interface StampableBytes {
  readonly bytes: Buffer
  /** The message-annotations section, which ends with the stamps. */
  readonly annotations: Stretch
  /** Where in `bytes` the stamps go. */
  readonly stampsAt: number
}

export function withRoomForStamps(bytes: Buffer): StampableBytes {
  const found = messageAnnotationsIn(bytes)
  const start = found?.start ?? messageAnnotationsStart(bytes)
  const old = found && readMap(bytes, start)
  const entriesLength = old ? old.end - old.entriesStart : 0
  const section = Buffer.allocUnsafe(sectionStartLength + map32StartLength + entriesLength + blank.length)
  section.set([code.described, code.smallUlong, code.messageAnnotations, code.map32])
  section.writeUInt32BE(4 + entriesLength + blank.length, 4)
  section.writeUInt32BE((old?.count ?? 0) + 2 * stampNames.length, 8)
  if (old) bytes.copy(section, sectionStartLength + map32StartLength, old.entriesStart, old.end)
  blank.copy(section, section.length - blank.length)
  const rest = old ? old.end : start
  const stamped = Buffer.concat([bytes.subarray(0, start), section, bytes.subarray(rest)])
  const end = start + section.length
  return { bytes: stamped, annotations: { start, end }, stampsAt: end - blank.length }
}

/** Where the message annotations are; undefined without any. */
export function messageAnnotationsIn(bytes: Buffer): Stretch | undefined {
  const start = messageAnnotationsStart(bytes)
  return bytes[start + 2] === code.messageAnnotations ? { start, end: sectionEnd(bytes, start) } : undefined
}

/** Writes one event's stamps into the room that was left for them in `bytes`. */
export function writeStamps(
  bytes: Buffer,
  stampsAt: number,
  { id, epoch }: ProducerStamp,
  sequenceNumber: number,
): void {
  bytes.writeInt16BE(epoch, stampsAt + epochAt)
  bytes.set(id, stampsAt + idAt)
  bytes.writeInt32BE(sequenceNumber, stampsAt + sequenceNumberAt)
}

/** How many bytes before the end of the annotations their stamps begin. */
export const stampsLength = blank.length

/** Where the message annotations are, or would be: after the header and the delivery annotations. */
function messageAnnotationsStart(bytes: Buffer): number {
  let at = 0
  while (bytes[at + 2] === code.header || bytes[at + 2] === code.deliveryAnnotations) at = sectionEnd(bytes, at)
  return at
}

/** Both sections that can come before are a list or a map. */
function sectionEnd(bytes: Buffer, start: number): number {
  const at = start + sectionStartLength
  const type = bytes[at] ?? 0
  if (type === code.list0) return at + 1
  return type === code.list8 || type === code.map8
    ? at + 2 + bytes.readUInt8(at + 1)
    : at + 5 + bytes.readUInt32BE(at + 1)
}

function readMap(bytes: Buffer, start: number): { count: number; entriesStart: number; end: number } {
  const at = start + sectionStartLength
  const isShort = bytes[at] === code.map8
  return {
    count: isShort ? bytes.readUInt8(at + 2) : bytes.readUInt32BE(at + 5),
    entriesStart: at + (isShort ? 3 : 9),
    end: sectionEnd(bytes, start),
  }
}
