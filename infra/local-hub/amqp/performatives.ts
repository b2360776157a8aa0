import { type AmqpValue, decodeValue, readValue } from './decoder.js'
import * as encode from './encoder.js'
import { AmqpError, decodeError } from './errors.js'
import { readRawItems } from './raw-items.js'
import { Reader } from './reader.js'

export const code = {
  open: 0x10,
  begin: 0x11,
  attach: 0x12,
  flow: 0x13,
  transfer: 0x14,
  disposition: 0x15,
  detach: 0x16,
  end: 0x17,
  close: 0x18,
  error: 0x1d,
  accepted: 0x24,
  rejected: 0x25,
  released: 0x26,
  source: 0x28,
  target: 0x29,
  saslMechanisms: 0x40,
  saslInit: 0x41,
  saslOutcome: 0x44,
} as const

const fieldCounts: Readonly<Record<number, number>> = {
  [code.open]: 10,
  [code.begin]: 8,
  [code.attach]: 14,
  [code.flow]: 11,
  [code.transfer]: 11,
  [code.disposition]: 6,
  [code.detach]: 3,
  [code.end]: 1,
  [code.close]: 1,
  [code.saslMechanisms]: 1,
  [code.saslOutcome]: 2,
}

const symbolicDescriptors = new Map<AmqpValue, number>([
  ['amqp:open:list', code.open],
  ['amqp:begin:list', code.begin],
  ['amqp:attach:list', code.attach],
  ['amqp:flow:list', code.flow],
  ['amqp:transfer:list', code.transfer],
  ['amqp:disposition:list', code.disposition],
  ['amqp:detach:list', code.detach],
  ['amqp:end:list', code.end],
  ['amqp:close:list', code.close],
  ['amqp:source:list', code.source],
  ['amqp:target:list', code.target],
  ['amqp:accepted:list', code.accepted],
  ['amqp:sasl-init:list', code.saslInit],
])

/**
 * Writes a performative with every field of its definition, trailing nulls included. They may be left out, but older
 * official Python SDKs index fields without looking at the list's length.
 */
export function writePerformative(descriptor: number, fields: Readonly<Record<number, Buffer | undefined>>): Buffer {
  const items = Array.from({ length: fieldCounts[descriptor] ?? 0 }, (_, index) => fields[index] ?? encode.nothing)
  return encode.described(descriptor, encode.list(items))
}

export function writeError(error: { readonly condition: string; readonly message: string }): Buffer {
  const items = [encode.symbol(error.condition), encode.string(error.message), encode.nothing]
  return encode.described(code.error, encode.list(items))
}

/** A described list with its items still encoded, so that they can be looked at or passed on as they came. */
export class Composite {
  readonly code: number
  readonly fields: readonly Buffer[]

  constructor(descriptor: number, fields: readonly Buffer[]) {
    this.code = descriptor
    this.fields = fields
  }

  /** The field's bytes; undefined when it is absent or null. */
  raw(index: number): Buffer | undefined {
    const bytes = this.fields[index]
    return bytes === undefined || bytes[0] === 0x40 ? undefined : bytes
  }

  value(index: number): AmqpValue {
    const bytes = this.raw(index)
    return bytes === undefined ? null : decodeValue(bytes)
  }

  uint(index: number): number | undefined {
    const value = this.value(index)
    if (value === null) return undefined
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value
    throw invalidField(this.code, index)
  }

  /** As `uint`, for 64-bit fields; values beyond 2^53 are cut off there. */
  ulong(index: number): number | undefined {
    const value = this.value(index)
    return typeof value === 'bigint' ? Number.MAX_SAFE_INTEGER : this.uint(index)
  }

  requiredUint(index: number): number {
    const value = this.uint(index)
    if (value === undefined) throw invalidField(this.code, index)
    return value
  }

  boolean(index: number): boolean {
    const value = this.value(index)
    if (value === null) return false
    if (typeof value === 'boolean') return value
    throw invalidField(this.code, index)
  }

  string(index: number): string | undefined {
    const value = this.value(index)
    if (value === null) return undefined
    if (typeof value === 'string') return value
    throw invalidField(this.code, index)
  }

  binary(index: number): Buffer | undefined {
    const value = this.value(index)
    if (value === null) return undefined
    if (Buffer.isBuffer(value)) return value
    throw invalidField(this.code, index)
  }

  map(index: number): Map<AmqpValue, AmqpValue> {
    const value = this.value(index)
    if (value === null) return new Map()
    if (value instanceof Map) return value
    throw invalidField(this.code, index)
  }

  /** A field of symbols that may hold one of them or an array. */
  symbols(index: number): string[] {
    const value = this.value(index)
    const values = Array.isArray(value) ? value : [value]
    return values.filter((item) => typeof item === 'string')
  }

  composite(index: number): Composite | undefined {
    const bytes = this.raw(index)
    return bytes === undefined ? undefined : readComposite(new Reader(bytes))
  }
}

function invalidField(descriptor: number, index: number): AmqpError {
  return new AmqpError(
    'amqp:invalid-field',
    `Field ${index} of 0x${descriptor.toString(16)} is missing or of a wrong type.`,
  )
}

/** Reads a described list: a performative, a terminus, an outcome. */
export function readComposite(reader: Reader): Composite {
  if (reader.byte() !== 0x00) throw decodeError('A described list was expected.')
  const descriptor = readValue(reader)
  const known = typeof descriptor === 'number' ? descriptor : symbolicDescriptors.get(descriptor)
  if (known === undefined) throw decodeError('A described list has an unknown descriptor.')
  return new Composite(known, readRawItems(reader, 'list'))
}
