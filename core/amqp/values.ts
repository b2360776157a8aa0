import { types } from 'rhea-promise'

/** rhea's encoder; its type declarations leave it out. */
export const { Writer } = types as unknown as {
  readonly Writer: new (buffer: Buffer) => { write(value: unknown): void; toBuffer(): Buffer }
}

/** Structures nest no deeper than this; what does most likely holds itself. */
const deepestNesting = 100

/**
 * A JavaScript value as rhea encodes it rightly: what it would encode wrongly, or not at all, becomes a typed
 * value. Throws `TypeError` with `name` for what AMQP cannot carry, never with the value.
 */
export function amqpValue(name: string, value: unknown, depth = 0): unknown {
  if (depth > deepestNesting) {
    throw new TypeError(`The ${name} is nested deeper than ${deepestNesting} levels, or holds itself.`)
  }
  switch (typeof value) {
    case 'bigint':
      return fromBigInt(name, value)
    case 'number':
      // rhea knows no integer beyond 64 bits, and makes null of NaN.
      return Number.isInteger(value) && value > -(2 ** 63) && value < 2 ** 64 ? value : types.wrap_double(value)
    case 'object':
      return value === null ? null : fromObject(name, value, depth)
    case 'function':
    case 'symbol':
      throw new TypeError(`The ${name} is a ${typeof value}, which AMQP cannot carry.`)
    default:
      return value
  }
}

function fromBigInt(name: string, value: bigint): unknown {
  if (value < -(2n ** 63n) || value >= 2n ** 64n) throw new TypeError(`The ${name} does not fit 64 bits.`)
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt.asUintN(64, value))
  return value < 2n ** 63n ? types.wrap_long(bytes as never) : types.wrap_ulong(bytes as never)
}

function fromObject(name: string, value: object, depth: number): unknown {
  if (isTyped(value)) return checkTyped(name, value)
  if (value instanceof Date) {
    if (Number.isNaN(value.getTime())) throw new TypeError(`The ${name} is an invalid date.`)
    return value
  }
  if (ArrayBuffer.isView(value)) return asBuffer(value)
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  const inner = (item: unknown) => amqpValue(name, item, depth + 1)
  if (Array.isArray(value)) return value.map(inner)
  if (value instanceof Set) return [...value].map(inner)
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [inner(key), inner(item)]))
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, inner(item)]))
}

/** Whether this is a value with a type of the caller's choice, as rhea's `types.wrap_…` make them. */
export function isTyped(value: object): boolean {
  return typeof (value as { toRheaTyped?: unknown }).toRheaTyped === 'function'
}

/** rhea looks at a typed value only when it writes it, and then quotes it in its complaint. */
function checkTyped(name: string, value: object): object {
  try {
    new Writer(Buffer.alloc(64)).write((value as { toRheaTyped(): unknown }).toRheaTyped())
    return value
  } catch {
    throw new TypeError(`The ${name} is a typed value that its type cannot hold.`)
  }
}

/** Whether this is an object with names and values of its own, unlike lists and `Map`s. */
export function hasNames(map: unknown): map is Readonly<Record<string, unknown>> {
  return typeof map === 'object' && map !== null && !(Symbol.iterator in map)
}

/** The entries of a map of names and values, those of `undefined` left out. */
export function entriesOf(name: string, map: unknown): [string, unknown][] {
  if (!hasNames(map)) throw new TypeError(`${name} must be an object of names and values.`)
  return Object.entries(map).filter(([, value]) => value !== undefined)
}

// Single fields. Nothing and null are a field left out.

export function textField(name: string, value: unknown): string | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'string') return value
  throw new TypeError(`${name} must be a string.`)
}

/** AMQP's symbols are ASCII; rhea would cut other characters down to a byte. */
export function symbolField(name: string, value: unknown): string | undefined {
  const text = textField(name, value)
  if (text !== undefined && !/^\p{ASCII}*$/u.test(text)) throw new TypeError(`${name} must be ASCII.`)
  return text
}

export function flagField(name: string, value: unknown): boolean | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'boolean') return value
  throw new TypeError(`${name} must be true or false.`)
}

export function wholeField(name: string, value: unknown, most: number): number | undefined {
  if (value === undefined || value === null) return undefined
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= most) return value
  throw new TypeError(`${name} must be a whole number from 0 to ${most}.`)
}

export function timeField(name: string, value: unknown): number | undefined {
  if (value === undefined || value === null) return undefined
  const time = value instanceof Date ? value.getTime() : value
  if (typeof time === 'number' && Number.isSafeInteger(time)) return time
  throw new TypeError(`${name} must be a whole number of milliseconds since 1970.`)
}

export function asBuffer(bytes: ArrayBufferView): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
}
