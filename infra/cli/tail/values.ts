import { types } from 'rhea-promise'

/** rhea's decoder, which its type declarations leave out: it keeps the type of each value. */
export interface Typed {
  readonly type: { readonly name: string }
  readonly value: unknown
  readonly descriptor?: Typed
}

export const { Reader } = types as unknown as {
  readonly Reader: new (bytes: Buffer) => { read(): Typed; remaining(): number }
}

/** A value of AMQP in JavaScript. Integers that a number cannot hold exactly are `bigint`. */
export type AmqpValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Date
  | Uint8Array
  | readonly AmqpValue[]
  | { readonly [name: string]: AmqpValue }

/** The service's maps and lists nest nowhere near as deep; what does is made to do harm. */
const deepestNesting = 100

/** By the type that was on the wire: rhea's own conversion mixes up bytes, identifiers and large integers. */
export function plainValue(typed: Typed, depth = 0): AmqpValue {
  if (depth > deepestNesting) throw new RangeError('A value is nested too deep.')
  const { value } = typed
  switch (typed.type.name) {
    case 'Null':
      return null
    case 'Long':
      return Buffer.isBuffer(value) ? value.readBigInt64BE() : exactly(value)
    case 'Ulong':
      return Buffer.isBuffer(value) ? value.readBigUInt64BE() : exactly(value)
    case 'Boolean':
      return value === 1 || value === true
    case 'CharUTF32':
      return String.fromCodePoint(Number(value) <= 0x10ffff ? Number(value) : 0xfffd)
    case 'Uuid':
      return uuid(value as Buffer)
    case 'List0':
    case 'List8':
    case 'List32':
      return (value as Typed[]).map((item) => plainValue(item, depth + 1))
    case 'Array8':
    case 'Array32':
      return (value as Typed[]).map((item) => plainValue(item, depth + 1))
    case 'Map8':
    case 'Map32':
      return Object.fromEntries(
        entriesOf(typed).map(([key, item]) => [String(plainValue(key)), plainValue(item, depth + 1)]),
      )
    default:
      return Buffer.isBuffer(value) ? new Uint8Array(value) : (value as AmqpValue)
  }
}

/** A map's keys and values, still typed. */
export function entriesOf({ value }: Typed): [Typed, Typed][] {
  const items = Array.isArray(value) ? (value as Typed[]) : []
  const entries: [Typed, Typed][] = []
  for (let at = 0; at + 1 < items.length; at += 2) {
    const [key, item] = [items[at], items[at + 1]]
    if (key && item) entries.push([key, item])
  }
  return entries
}

/** rhea makes numbers of what is a little too large for them. */
function exactly(value: unknown): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : BigInt(number)
}

function uuid(bytes: Buffer): string {
  const hex = bytes.toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
