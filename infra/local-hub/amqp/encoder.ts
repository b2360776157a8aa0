/** AMQP values as bytes. Each function returns one complete value, constructor included. */

export const nothing: Buffer = Buffer.from([0x40])
const emptyList = Buffer.from([0x45])
const trueBytes = Buffer.from([0x41])
const falseBytes = Buffer.from([0x42])

export function boolean(value: boolean): Buffer {
  return value ? trueBytes : falseBytes
}

export function ubyte(value: number): Buffer {
  return Buffer.from([0x50, value])
}

export function ushort(value: number): Buffer {
  const bytes = Buffer.from([0x60, 0, 0])
  bytes.writeUInt16BE(value, 1)
  return bytes
}

export function short(value: number): Buffer {
  const bytes = Buffer.from([0x61, 0, 0])
  bytes.writeInt16BE(value, 1)
  return bytes
}

export function uint(value: number): Buffer {
  if (value === 0) return Buffer.from([0x43])
  if (value <= 0xff) return Buffer.from([0x52, value])
  const bytes = Buffer.from([0x70, 0, 0, 0, 0])
  bytes.writeUInt32BE(value, 1)
  return bytes
}

export function int(value: number): Buffer {
  const bytes = Buffer.from([0x71, 0, 0, 0, 0])
  bytes.writeInt32BE(value, 1)
  return bytes
}

export function ulong(value: number | bigint): Buffer {
  if (value === 0 || value === 0n) return Buffer.from([0x44])
  if (value <= 0xff) return Buffer.from([0x53, Number(value)])
  const bytes = Buffer.alloc(9)
  bytes[0] = 0x80
  bytes.writeBigUInt64BE(BigInt(value), 1)
  return bytes
}

export function long(value: number | bigint): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = 0x81
  bytes.writeBigInt64BE(BigInt(value), 1)
  return bytes
}

export function double(value: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes[0] = 0x82
  bytes.writeDoubleBE(value, 1)
  return bytes
}

/** A point in time, in milliseconds since 1970. */
export function timestamp(milliseconds: number): Buffer {
  const bytes = long(Math.trunc(milliseconds))
  bytes[0] = 0x83
  return bytes
}

export function string(value: string): Buffer {
  return variable(0xa1, Buffer.from(value, 'utf8'))
}

export function symbol(value: string): Buffer {
  return variable(0xa3, Buffer.from(value, 'latin1'))
}

export function binary(value: Buffer): Buffer {
  return variable(0xa0, value)
}

function variable(shortCode: number, content: Buffer): Buffer {
  if (content.length <= 0xff) return Buffer.concat([Buffer.from([shortCode, content.length]), content])
  const head = Buffer.from([shortCode + 0x10, 0, 0, 0, 0])
  head.writeUInt32BE(content.length, 1)
  return Buffer.concat([head, content])
}

export function list(items: readonly Buffer[]): Buffer {
  return items.length === 0 ? emptyList : compound(0xc0, items.length, items)
}

/** Encoded keys and values, in turn. */
export function map(keysAndValues: readonly Buffer[]): Buffer {
  return compound(0xc1, keysAndValues.length, keysAndValues)
}

export function symbolMap(entries: Readonly<Record<string, Buffer>>): Buffer {
  return map(Object.entries(entries).flatMap(([key, value]) => [symbol(key), value]))
}

export function stringMap(entries: Readonly<Record<string, Buffer>>): Buffer {
  return map(Object.entries(entries).flatMap(([key, value]) => [string(key), value]))
}

export function symbolArray(values: readonly string[]): Buffer {
  return array(
    0xb3,
    values.map((value) => Buffer.from(value, 'latin1')),
  )
}

export function stringArray(values: readonly string[]): Buffer {
  return array(
    0xb1,
    values.map((value) => Buffer.from(value, 'utf8')),
  )
}

/** An array of variable-width elements; `code` is the element type with a four-byte length. */
function array(code: number, contents: readonly Buffer[]): Buffer {
  const elements = contents.flatMap((content) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(content.length)
    return [length, content]
  })
  return compound(0xe0, contents.length, [Buffer.from([code]), ...elements])
}

function compound(shortCode: number, count: number, parts: readonly Buffer[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  if (length < 0xff && count <= 0xff) return Buffer.concat([Buffer.from([shortCode, length + 1, count]), ...parts])
  const head = Buffer.alloc(9)
  head[0] = shortCode + 0x10
  head.writeUInt32BE(length + 4, 1)
  head.writeUInt32BE(count, 5)
  return Buffer.concat([head, ...parts])
}

export function described(descriptor: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0x00]), ulong(descriptor), value])
}
