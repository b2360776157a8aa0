import { AmqpEvent, dataSectionHeadLength, writeDataSectionHead } from './amqp-event.js'
import { code } from './code.js'
import { laneOf, Slab, slabSizeInBytes } from './slab.js'

/**
 * A fast encoder for the common shape of an event: text or bytes, a few simple properties, perhaps a key.
 * It writes what rhea's encoder would, byte for byte (a differential test holds them together), without its
 * objects in between. What it does not know it leaves to rhea.
 */

/** An event's parts, as far as they have the common shape. */
export interface CommonEvent {
  readonly body: Uint8Array | string
  readonly contentType: string | undefined
  readonly messageId: string | undefined
  readonly correlationId: string | undefined
  readonly properties: Readonly<Record<string, unknown>> | undefined
  readonly partitionKey: string | undefined
}

const durableHeader = Buffer.from([0x00, 0x53, code.header, code.list32, 0, 0, 0, 5, 0, 0, 0, 1, code.true])
const emptyHeader = Buffer.from([0x00, 0x53, code.header, code.list0])
const emptyProperties = Buffer.from([0x00, 0x53, code.properties, code.list0])
const partitionKeyName = Buffer.from('\u0013x-opt-partition-key', 'latin1')

/** An event larger than this gets a buffer of its own. */
const largestSharedSizeInBytes = slabSizeInBytes / 2
/** Everything but the body, when it is larger than this, is rare enough to be left to rhea. */
const largestHeadSizeInBytes = 1024 * 1024
/** Of a data section; which one it is, is known for certain only at the end. */
const headLengths = { short: 5, long: 8 }

let lane = laneOf(undefined)

/** The event that is being written: its buffer (that of the lane's slab, most often), where its section begins, and where to go on. */
let out = lane.slab.bytes
let start = 0
let at = 0

/** While an event is written, since its properties may have getters that send another. */
let isWriting = false

/** Undefined when some part has not the common shape. `partitionId`: where the event will go, as far as that is known. */
export function encodeCommonEvent(event: CommonEvent, partitionId?: string): AmqpEvent | undefined {
  if (isWriting) return undefined
  isWriting = true
  try {
    lane = laneOf(partitionId)
    return write(event)
  } finally {
    isWriting = false
  }
}

function write(event: CommonEvent): AmqpEvent | undefined {
  const { partitionKey, body } = event
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length
  // A guess, right for all but the few sizes around 255.
  const headLength = length < 128 && partitionKey === undefined ? headLengths.short : headLengths.long
  out = lane.slab.bytes
  start = lane.slab.end
  at = start + headLength
  makeRoom(64)
  let annotationsStart = -1
  let annotationsEnd = -1
  if (partitionKey === undefined) put(emptyHeader)
  else {
    put(durableHeader)
    annotationsStart = at - start - headLength
    if (!putAnnotations(partitionKey)) return undefined
    annotationsEnd = at - start - headLength
  }
  if (!putProperties(event.messageId, event.correlationId, event.contentType)) return undefined
  if (event.properties !== undefined && !putApplicationProperties(event.properties)) return undefined
  putBody(body, length)
  const sizeInBytes = putHead(headLength)
  const { slab } = lane
  const isShared = out === slab.bytes
  if (isShared) slab.end = start + sizeInBytes
  return new AmqpEvent(
    isShared ? slab : new Slab(out),
    start,
    sizeInBytes,
    partitionKey,
    annotationsStart,
    annotationsEnd,
    -1,
  )
}

function putBody(body: Uint8Array | string, length: number): void {
  makeRoom(headLengths.long + length)
  at = writeDataSectionHead(out, at, length)
  if (typeof body === 'string') out.write(body, at, 'utf8')
  else out.set(body, at)
  at += length
}

/** Writes the head of the data section around the message, now that its length is known; returns the size of both. */
function putHead(guessedLength: number): number {
  const contentLength = at - start - guessedLength
  const headLength = dataSectionHeadLength(contentLength)
  if (headLength !== guessedLength) {
    makeRoom(headLength)
    out.copyWithin(start + headLength, start + guessedLength, at)
  }
  writeDataSectionHead(out, start, contentLength)
  return headLength + contentLength
}

function putAnnotations(partitionKey: string): boolean {
  const sizeAt = putSectionStart(code.messageAnnotations, code.map32)
  putUint32(2)
  if (!reserve(1 + partitionKeyName.length)) return false
  putByte(code.sym8)
  put(partitionKeyName)
  if (!putString(partitionKey)) return false
  putSizeAt(sizeAt)
  return true
}

/** message-id, …, correlation-id (sixth), content-type (seventh): trailing fields that are absent are left out. */
function putProperties(
  messageId: string | undefined,
  correlationId: string | undefined,
  contentType: string | undefined,
): boolean {
  const count = contentType !== undefined ? 7 : correlationId !== undefined ? 6 : messageId !== undefined ? 1 : 0
  if (count === 0) {
    if (!reserve(emptyProperties.length)) return false
    put(emptyProperties)
    return true
  }
  const sizeAt = putSectionStart(code.properties, code.list32)
  putUint32(count)
  // What is put beyond the end of the buffer is lost without a word: each byte needs its room.
  if (!reserve(1)) return false
  if (messageId === undefined) putByte(code.null)
  else if (!putString(messageId)) return false
  if (count > 1) {
    if (!reserve(5)) return false
    for (let i = 0; i < 4; i++) putByte(code.null)
    if (correlationId === undefined) putByte(code.null)
    else if (!putString(correlationId)) return false
  }
  if (contentType !== undefined && !putSymbol(contentType)) return false
  putSizeAt(sizeAt)
  return true
}

function putApplicationProperties(properties: Readonly<Record<string, unknown>>): boolean {
  const sizeAt = putSectionStart(code.applicationProperties, code.map32)
  putUint32(0)
  let count = 0
  for (const name of Object.keys(properties)) {
    const value = properties[name]
    if (value === undefined) continue
    if (!putString(name) || !putValue(value)) return false
    count += 2
  }
  out.writeUInt32BE(count, start + sizeAt + 4)
  putSizeAt(sizeAt)
  return true
}

/** A property's value, in the encoding that rhea would choose; false for what is left to it. */
function putValue(value: unknown): boolean {
  if (typeof value === 'string') return putString(value)
  if (!reserve(9)) return false
  if (typeof value === 'number') return putNumber(value)
  if (typeof value === 'boolean') {
    putByte(value ? code.true : code.false)
    return true
  }
  if (value === null) {
    putByte(code.null)
    return true
  }
  return false
}

function putNumber(value: number): boolean {
  // rhea would make null of it.
  if (Number.isNaN(value)) return false
  if (!Number.isInteger(value)) {
    putByte(code.double)
    at = out.writeDoubleBE(value, at)
  } else if (value > 255 && value < 2 ** 32) {
    putByte(code.uint)
    putUint32(value)
  } else if (value > 0 && value <= 255) {
    putByte(code.smallUint)
    putByte(value)
  } else if (value <= 0 && value >= -128) {
    putByte(code.smallInt)
    at = out.writeInt8(value, at)
  } else if (value < -128 && value > -(2 ** 31) + 1) {
    putByte(code.int)
    at = out.writeInt32BE(value, at)
  } else return false
  return true
}

/** Descriptor and constructor of a section; returns where its size goes, counted from `start`: `out` may change. */
function putSectionStart(descriptor: number, typeCode: number): number {
  reserve(12)
  putByte(code.described)
  putByte(code.smallUlong)
  putByte(descriptor)
  putByte(typeCode)
  const sizeAt = at - start
  at += 4
  return sizeAt
}

function putSizeAt(sizeAt: number): void {
  const from = start + sizeAt
  out.writeUInt32BE(at - from - 4, from)
}

function putString(text: string): boolean {
  const length = Buffer.byteLength(text)
  if (!reserve(length + 5)) return false
  if (length <= 255) {
    putByte(code.str8)
    putByte(length)
  } else {
    putByte(code.str32)
    putUint32(length)
  }
  at += out.write(text, at, 'utf8')
  return true
}

/** Symbols are ASCII; what else a media type may contain is rhea's to decide. */
function putSymbol(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is.
  if (text.length > 255 || !/^[\u0000-\u007f]*$/.test(text) || !reserve(text.length + 2)) return false
  putByte(code.sym8)
  putByte(text.length)
  at += out.write(text, at, 'latin1')
  return true
}

function putByte(byte: number): void {
  out[at++] = byte
}

function putUint32(value: number): void {
  at = out.writeUInt32BE(value, at)
}

function put(bytes: Buffer): void {
  at += bytes.copy(out, at)
}

/** Makes room for so many bytes more; false when long texts would make it too much. */
function reserve(count: number): boolean {
  if (at - start + count > largestHeadSizeInBytes && count > 64) return false
  makeRoom(count)
  return true
}

function makeRoom(count: number): void {
  if (at + count <= out.length) return
  const written = at - start
  const wanted = written + count
  const isShared = wanted <= largestSharedSizeInBytes
  let larger: Buffer
  if (isShared) larger = lane.moveOn().bytes
  else larger = Buffer.allocUnsafeSlow(Math.max(wanted, out === lane.slab.bytes ? 0 : 2 * out.length))
  out.copy(larger, 0, start, at)
  out = larger
  start = 0
  at = written
}
