import { decodeError } from './errors.js'
import { Reader } from './reader.js'

/** A value that carries a descriptor of its own. */
export class Described {
  readonly descriptor: AmqpValue
  readonly value: AmqpValue

  constructor(descriptor: AmqpValue, value: AmqpValue) {
    this.descriptor = descriptor
    this.value = value
  }
}

/** A decoded AMQP value. Symbols and chars become strings, uuids their text form, decimals their bytes. */
export type AmqpValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Buffer
  | AmqpValue[]
  | Map<AmqpValue, AmqpValue>
  | Described

// Deeper nesting than any sender needs; without a limit a few kilobytes could overflow the stack.
const maxDepth = 32
// Elements of zero width cost no bytes, so an array of them could claim four billion.
const maxZeroWidthElements = 4096

const knownCodes = new Set([
  0x40, 0x41, 0x42, 0x43, 0x44, 0x45, 0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x60, 0x61, 0x70, 0x71, 0x72, 0x73,
  0x74, 0x80, 0x81, 0x82, 0x83, 0x84, 0x94, 0x98, 0xa0, 0xa1, 0xa3, 0xb0, 0xb1, 0xb3, 0xc0, 0xc1, 0xd0, 0xd1, 0xe0,
  0xf0,
])

const fixedWidths = [0, 1, 2, 4, 8, 16]

function readCode(reader: Reader): number {
  const code = reader.byte()
  if (!knownCodes.has(code)) throw decodeError(`0x${code.toString(16)} is not an AMQP type.`)
  return code
}

function checkDepth(depth: number): void {
  if (depth > maxDepth) throw decodeError(`Values are nested more than ${maxDepth} deep.`)
}

interface Compound {
  readonly end: number
  readonly count: number
}

function readCompoundHeader(reader: Reader, code: number): Compound {
  const wide = (code & 0x10) !== 0
  const size = reader.size(wide)
  const end = reader.position + size
  if (end > reader.end) throw decodeError('A list, map or array is longer than the data.')
  const count = reader.size(wide)
  if (reader.position > end) throw decodeError('A list, map or array is shorter than its own count field.')
  return { end, count }
}

function checkCompoundEnd(reader: Reader, compound: Compound): void {
  if (reader.position !== compound.end) throw decodeError('A list, map or array does not end where it says.')
}

function checkArrayCount(count: number, elementCode: number, bytesLeft: number): void {
  const limit = elementCode >>> 4 === 4 ? maxZeroWidthElements : bytesLeft
  if (count > limit) throw decodeError('An array claims more elements than its size allows.')
}

/** Steps over one value, checking all of it. What passes here cannot trip a decoder that trusts lengths. */
export function skipValue(reader: Reader, depth = 0): void {
  checkDepth(depth)
  if (reader.remaining > 0 && reader.bytes[reader.position] === 0x00) {
    reader.position += 1
    skipValue(reader, depth + 1)
    skipValue(reader, depth + 1)
    return
  }
  skipBody(reader, readCode(reader), depth)
}

function skipBody(reader: Reader, code: number, depth: number): void {
  const category = code >>> 4
  const width = fixedWidths[category - 4]
  if (width !== undefined) {
    reader.take(width)
    return
  }
  if (category === 0xa || category === 0xb) {
    reader.take(reader.size(category === 0xb))
    return
  }
  const compound = readCompoundHeader(reader, code)
  const inner = new Reader(reader.bytes, reader.position, compound.end)
  if (category === 0xc || category === 0xd) {
    if ((code & 0x0f) === 1 && compound.count % 2 !== 0) throw decodeError('A map has a key without a value.')
    if (compound.count > inner.remaining) throw decodeError('A list or map claims more items than its size allows.')
    for (let i = 0; i < compound.count; i++) skipValue(inner, depth + 1)
  } else {
    const elementCode = readElementConstructor(inner, depth)
    checkArrayCount(compound.count, elementCode, inner.remaining)
    for (let i = 0; i < compound.count; i++) skipBody(inner, elementCode, depth + 1)
  }
  reader.position = inner.position
  checkCompoundEnd(reader, compound)
}

/** The constructor that all elements of an array share; a descriptor on it is checked and passed over. */
function readElementConstructor(reader: Reader, depth: number): number {
  checkDepth(depth)
  if (reader.remaining > 0 && reader.bytes[reader.position] === 0x00) {
    reader.position += 1
    skipValue(reader, depth + 1)
    return readElementConstructor(reader, depth + 1)
  }
  return readCode(reader)
}

/** Reads one value. Throws `AmqpError` (`amqp:decode-error`) on anything malformed. */
export function readValue(reader: Reader, depth = 0): AmqpValue {
  checkDepth(depth)
  if (reader.remaining > 0 && reader.bytes[reader.position] === 0x00) {
    reader.position += 1
    const descriptor = readValue(reader, depth + 1)
    return new Described(descriptor, readValue(reader, depth + 1))
  }
  return readBody(reader, readCode(reader), depth)
}

/** Decodes bytes that hold exactly one value. */
export function decodeValue(bytes: Buffer): AmqpValue {
  const reader = new Reader(bytes)
  const value = readValue(reader)
  if (reader.remaining > 0) throw decodeError('There is data after the value.')
  return value
}

function readBody(reader: Reader, code: number, depth: number): AmqpValue {
  const category = code >>> 4
  const width = fixedWidths[category - 4]
  if (width !== undefined) return readFixed(code, reader.take(width))
  if (category === 0xa || category === 0xb) {
    const bytes = reader.take(reader.size(category === 0xb))
    const kind = code & 0x0f
    return kind === 0 ? bytes : bytes.toString(kind === 1 ? 'utf8' : 'latin1')
  }
  const compound = readCompoundHeader(reader, code)
  const inner = new Reader(reader.bytes, reader.position, compound.end)
  const value =
    category >= 0xe ? readArray(inner, compound.count, depth) : readItems(inner, code, compound.count, depth)
  reader.position = inner.position
  checkCompoundEnd(reader, compound)
  return value
}

function readArray(reader: Reader, count: number, depth: number): AmqpValue[] {
  const elementCode = readElementConstructor(reader, depth)
  checkArrayCount(count, elementCode, reader.remaining)
  const items: AmqpValue[] = []
  for (let i = 0; i < count; i++) items.push(readBody(reader, elementCode, depth + 1))
  return items
}

function readItems(reader: Reader, code: number, count: number, depth: number): AmqpValue {
  if (count > reader.remaining) throw decodeError('A list or map claims more items than its size allows.')
  const items: AmqpValue[] = []
  for (let i = 0; i < count; i++) items.push(readValue(reader, depth + 1))
  if ((code & 0x0f) === 0) return items
  if (count % 2 !== 0) throw decodeError('A map has a key without a value.')
  const map = new Map<AmqpValue, AmqpValue>()
  for (let i = 0; i < count; i += 2) map.set(items[i] ?? null, items[i + 1] ?? null)
  return map
}

function readFixed(code: number, bytes: Buffer): AmqpValue {
  switch (code) {
    case 0x40:
      return null
    case 0x41:
      return true
    case 0x42:
      return false
    case 0x43:
    case 0x44:
      return 0
    case 0x45:
      return []
    case 0x56:
      return bytes.readUInt8(0) !== 0
    case 0x50:
    case 0x52:
    case 0x53:
      return bytes.readUInt8(0)
    case 0x51:
    case 0x54:
    case 0x55:
      return bytes.readInt8(0)
    case 0x60:
      return bytes.readUInt16BE(0)
    case 0x61:
      return bytes.readInt16BE(0)
    case 0x70:
      return bytes.readUInt32BE(0)
    case 0x71:
      return bytes.readInt32BE(0)
    case 0x72:
      return bytes.readFloatBE(0)
    case 0x82:
      return bytes.readDoubleBE(0)
    case 0x73:
      return readChar(bytes.readUInt32BE(0))
    case 0x80:
      return narrow(bytes.readBigUInt64BE(0))
    case 0x81:
      return narrow(bytes.readBigInt64BE(0))
    case 0x83:
      return new Date(Number(bytes.readBigInt64BE(0)))
    case 0x98:
      return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
    default:
      return bytes
  }
}

function readChar(codePoint: number): string {
  if (codePoint > 0x10ffff) throw decodeError('A char is not a Unicode code point.')
  return String.fromCodePoint(codePoint)
}

/** Numbers where they are exact, bigints beyond. */
function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
