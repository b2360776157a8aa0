import { types } from 'rhea-promise'

/** An AMQP value with its type, as rhea reads it. */
interface TypedValue {
  readonly type: { readonly name: string; readonly typecode: number }
  readonly value: unknown
  readonly descriptor?: { readonly value: unknown }
}

const { Reader } = types as unknown as {
  readonly Reader: new (bytes: Buffer) => { readonly position: number; remaining(): number; read(): TypedValue }
}

export const sectionCode = {
  header: 0x70,
  deliveryAnnotations: 0x71,
  messageAnnotations: 0x72,
  properties: 0x73,
  applicationProperties: 0x74,
  data: 0x75,
  sequence: 0x76,
  value: 0x77,
  footer: 0x78,
} as const

export interface Section {
  readonly code: number
  readonly value: TypedValue
  /** The section's own bytes, descriptor included. */
  readonly bytes: Buffer
}

/** The sections of an encoded message, in order. */
export function sectionsOf(message: Buffer): Section[] {
  const reader = new Reader(message)
  const sections: Section[] = []
  while (reader.remaining() > 0) {
    const start = reader.position
    const value = reader.read()
    sections.push({ code: Number(value.descriptor?.value), value, bytes: message.subarray(start, reader.position) })
  }
  return sections
}

/** The bytes of the one section with this code; undefined when there is none. */
export function sectionBytes(message: Buffer, code: number): Buffer | undefined {
  return sectionsOf(message).find((section) => section.code === code)?.bytes
}

/** The contents of the data sections: for a batch, the encoded events. */
export function dataOf(message: Buffer): Buffer[] {
  return sectionsOf(message)
    .filter(({ code }) => code === sectionCode.data)
    .map(({ value }) => value.value as Buffer)
}

/** Name to type name and value of a map section's entries; keys with their type too: `Str8 name`. */
export function typedMap(message: Buffer, code: number): Record<string, readonly [type: string, value: unknown]> {
  const section = sectionsOf(message).find((each) => each.code === code)
  const items = (section?.value.value ?? []) as TypedValue[]
  const entries: [string, readonly [string, unknown]][] = []
  for (let i = 0; i + 1 < items.length; i += 2) {
    const [key, value] = [items[i]!, items[i + 1]!]
    entries.push([`${key.type.name} ${String(key.value)}`, [value.type.name, value.value]])
  }
  return Object.fromEntries(entries)
}

/** Type names and values of a list section's fields. */
export function typedList(message: Buffer, code: number): (readonly [type: string, value: unknown])[] {
  const section = sectionsOf(message).find((each) => each.code === code)
  return ((section?.value.value ?? []) as TypedValue[]).map(({ type, value }) => [type.name, value] as const)
}
