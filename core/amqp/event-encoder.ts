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

export interface EncodedCommonEvent {
  readonly bytes: Buffer
  /** The message-annotations section within `bytes`. */
  readonly annotations: Buffer | undefined
}

/** AMQP 1.0 type constructors (part 1.6) and section descriptors (part 3.2), as far as they are used here. */
const code = {
  described: 0x00,
  smallUlong: 0x53,
  header: 0x70,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  null: 0x40,
  true: 0x41,
  false: 0x42,
  list0: 0x45,
  list32: 0xd0,
  map32: 0xd1,
  uint: 0x70,
  smallUint: 0x52,
  int: 0x71,
  smallInt: 0x54,
  double: 0x82,
  str8: 0xa1,
  str32: 0xb1,
  sym8: 0xa3,
  bin8: 0xa0,
  bin32: 0xb0,
} as const

const durableHeader = Buffer.from([0x00, 0x53, code.header, code.list32, 0, 0, 0, 5, 0, 0, 0, 1, code.true])
const emptyHeader = Buffer.from([0x00, 0x53, code.header, code.list0])
const emptyProperties = Buffer.from([0x00, 0x53, code.properties, code.list0])
const partitionKeyName = Buffer.from('\u0013x-opt-partition-key', 'latin1')

/** Where everything but the body is put together; grows to the largest seen, within reason. */
let scratch = Buffer.allocUnsafe(4096)
/** Larger ones are rare enough to be left to rhea. */
const largestScratch = 1024 * 1024
let at = 0

/** Undefined when some part has not the common shape. Not reentrant, and needs not be: it never waits. */
export function encodeCommonEvent(event: CommonEvent): EncodedCommonEvent | undefined {
  at = 0
  const { partitionKey, body } = event
  let annotationsStart = 0
  let annotationsEnd = 0
  if (partitionKey === undefined) put(emptyHeader)
  else {
    put(durableHeader)
    annotationsStart = at
    if (!putAnnotations(partitionKey)) return undefined
    annotationsEnd = at
  }
  if (!putProperties(event.messageId, event.correlationId, event.contentType)) return undefined
  if (event.properties !== undefined && !putApplicationProperties(event.properties)) return undefined

  const isText = typeof body === 'string'
  const length = isText ? Buffer.byteLength(body) : body.length
  const bytes = Buffer.allocUnsafe(at + (length <= 255 ? 5 : 8) + length)
  scratch.copy(bytes, 0, 0, at)
  let to = at
  bytes[to++] = code.described
  bytes[to++] = code.smallUlong
  bytes[to++] = code.data
  if (length <= 255) {
    bytes[to++] = code.bin8
    bytes[to++] = length
  } else {
    bytes[to++] = code.bin32
    to = bytes.writeUInt32BE(length, to)
  }
  if (isText) bytes.write(body, to, 'utf8')
  else bytes.set(body, to)
  return {
    bytes,
    annotations: partitionKey === undefined ? undefined : bytes.subarray(annotationsStart, annotationsEnd),
  }
}

function putAnnotations(partitionKey: string): boolean {
  const start = putSectionStart(code.messageAnnotations, code.map32)
  putUint32(2)
  if (!reserve(1 + partitionKeyName.length)) return false
  putByte(code.sym8)
  put(partitionKeyName)
  if (!putString(partitionKey)) return false
  putSizeAt(start)
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
  const start = putSectionStart(code.properties, code.list32)
  putUint32(count)
  if (messageId === undefined) putByte(code.null)
  else if (!putString(messageId)) return false
  if (count > 1) {
    if (!reserve(5)) return false
    for (let i = 0; i < 4; i++) putByte(code.null)
    if (correlationId === undefined) putByte(code.null)
    else if (!putString(correlationId)) return false
  }
  if (contentType !== undefined && !putSymbol(contentType)) return false
  putSizeAt(start)
  return true
}

function putApplicationProperties(properties: Readonly<Record<string, unknown>>): boolean {
  const start = putSectionStart(code.applicationProperties, code.map32)
  const countAt = at
  putUint32(0)
  let count = 0
  for (const name of Object.keys(properties)) {
    const value = properties[name]
    if (value === undefined) continue
    if (!putString(name) || !putValue(value)) return false
    count += 2
  }
  scratch.writeUInt32BE(count, countAt)
  putSizeAt(start)
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
    at = scratch.writeDoubleBE(value, at)
  } else if (value > 255 && value < 2 ** 32) {
    putByte(code.uint)
    putUint32(value)
  } else if (value > 0 && value <= 255) {
    putByte(code.smallUint)
    putByte(value)
  } else if (value <= 0 && value >= -128) {
    putByte(code.smallInt)
    at = scratch.writeInt8(value, at)
  } else if (value < -128 && value > -(2 ** 31) + 1) {
    putByte(code.int)
    at = scratch.writeInt32BE(value, at)
  } else return false
  return true
}

/** Descriptor and constructor of a section; returns where its size goes. */
function putSectionStart(descriptor: number, typeCode: number): number {
  reserve(12)
  putByte(code.described)
  putByte(code.smallUlong)
  putByte(descriptor)
  putByte(typeCode)
  const start = at
  at += 4
  return start
}

function putSizeAt(start: number): void {
  scratch.writeUInt32BE(at - start - 4, start)
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
  at += scratch.write(text, at, 'utf8')
  return true
}

/** Symbols are ASCII; what else a media type may contain is rhea's to decide. */
function putSymbol(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: the range is what ASCII is.
  if (text.length > 255 || !/^[\u0000-\u007f]*$/.test(text) || !reserve(text.length + 2)) return false
  putByte(code.sym8)
  putByte(text.length)
  at += scratch.write(text, at, 'latin1')
  return true
}

function putByte(byte: number): void {
  scratch[at++] = byte
}

function putUint32(value: number): void {
  at = scratch.writeUInt32BE(value, at)
}

function put(bytes: Buffer): void {
  at += bytes.copy(scratch, at)
}

/** Makes room for so many bytes more; false when a long text would make it too much. */
function reserve(count: number): boolean {
  const needed = at + count
  if (needed <= scratch.length) return true
  if (needed > largestScratch && count > 64) return false
  const larger = Buffer.allocUnsafe(Math.max(needed, Math.min(largestScratch, scratch.length * 2)))
  scratch.copy(larger, 0, 0, at)
  scratch = larger
  return true
}
