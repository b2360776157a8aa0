import { type AmqpValue, decodeValue, readValue, skipValue } from './amqp/decoder.js'
import * as encode from './amqp/encoder.js'
import { decodeError } from './amqp/errors.js'
import { readRawItems } from './amqp/raw-items.js'
import { Reader } from './amqp/reader.js'

export const section = {
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

const symbolicSections = new Map<AmqpValue, number>([
  ['amqp:header:list', section.header],
  ['amqp:delivery-annotations:map', section.deliveryAnnotations],
  ['amqp:message-annotations:map', section.messageAnnotations],
  ['amqp:properties:list', section.properties],
  ['amqp:application-properties:map', section.applicationProperties],
  ['amqp:data:binary', section.data],
  ['amqp:amqp-sequence:list', section.sequence],
  ['amqp:value:*', section.value],
  ['amqp:footer:map', section.footer],
])

const listCodes = [0x45, 0xc0, 0xd0]
const mapCodes = [0xc1, 0xd1]
const expectedCodes: Readonly<Record<number, readonly number[]>> = {
  [section.header]: listCodes,
  [section.deliveryAnnotations]: mapCodes,
  [section.messageAnnotations]: mapCodes,
  [section.properties]: listCodes,
  [section.applicationProperties]: mapCodes,
  [section.data]: [0xa0, 0xb0],
  [section.sequence]: listCodes,
  [section.footer]: mapCodes,
}

/** Where one section of an encoded message lies. */
export interface Section {
  readonly code: number
  readonly start: number
  /** Where its value begins, after the descriptor. */
  readonly valueStart: number
  readonly end: number
}

const isBody = (code: number): boolean => code >= section.data && code <= section.value

/**
 * Finds the sections of an encoded message and checks all of it: known sections, in order, each once but for repeated
 * data or sequence sections, every value well formed. Throws `AmqpError` (`amqp:decode-error`).
 */
export function scanSections(bytes: Buffer): Section[] {
  const reader = new Reader(bytes)
  const sections: Section[] = []
  while (reader.remaining > 0) {
    const next = scanSection(reader)
    checkOrder(sections, next.code)
    sections.push(next)
  }
  return sections
}

function scanSection(reader: Reader): Section {
  const start = reader.position
  if (reader.byte() !== 0x00) throw decodeError('A message section has no descriptor.')
  const descriptor = readValue(reader)
  const code = typeof descriptor === 'number' ? descriptor : (symbolicSections.get(descriptor) ?? 0)
  if (code < section.header || code > section.footer) throw decodeError('A message has an unknown section.')
  const valueStart = reader.position
  const expected = expectedCodes[code]
  if (expected !== undefined && !expected.includes(reader.bytes[valueStart] ?? -1)) {
    throw decodeError(`Section 0x${code.toString(16)} of a message has a value of a wrong type.`)
  }
  skipValue(reader)
  return { code, start, valueStart, end: reader.position }
}

function checkOrder(sections: readonly Section[], next: number): void {
  const previous = sections.at(-1)?.code ?? 0
  const repeatable = next === section.data || next === section.sequence
  // The specification's place for the footer is the end; rhea, and with it the official JavaScript client, writes it
  // before the body.
  const bodyAfterFooter = previous === section.footer && !sections.some(({ code }) => isBody(code))
  const allowed = isBody(next)
    ? previous < section.data || bodyAfterFooter || (repeatable && next === previous)
    : next > previous && !sections.some(({ code }) => code === next)
  if (!allowed) throw decodeError('The sections of a message are out of order or repeated.')
}

/** As `scanSections`, and there must be a body. */
export function scanMessage(bytes: Buffer): Section[] {
  const sections = scanSections(bytes)
  if (!sections.some(({ code }) => isBody(code))) throw decodeError('A message has no body.')
  return sections
}

/** The value of a section, decoded; undefined when the message has none. */
export function sectionValue(bytes: Buffer, sections: readonly Section[], code: number): AmqpValue | undefined {
  const found = sections.find((candidate) => candidate.code === code)
  return found === undefined ? undefined : decodeValue(bytes.subarray(found.valueStart, found.end))
}

/** A map section, decoded; empty when the message has none. */
export function mapSection(bytes: Buffer, sections: readonly Section[], code: number): Map<AmqpValue, AmqpValue> {
  const value = sectionValue(bytes, sections, code)
  return value instanceof Map ? value : new Map()
}

/** The contents of the data sections, as views of the message. */
export function dataSections(bytes: Buffer, sections: readonly Section[]): Buffer[] {
  return sections
    .filter(({ code }) => code === section.data)
    .map(({ valueStart, end }) => {
      const value = decodeValue(bytes.subarray(valueStart, end))
      return Buffer.isBuffer(value) ? value : Buffer.alloc(0)
    })
}

/**
 * The message with entries added to its annotations, replacing those of the same name. Everything else, and the
 * annotations that were there, stay byte for byte as the sender wrote them.
 */
export function withAnnotations(
  bytes: Buffer,
  additions: {
    readonly delivery?: Readonly<Record<string, Buffer>>
    readonly message: Readonly<Record<string, Buffer>>
  },
): Buffer {
  const sections = scanSections(bytes)
  const parts: Buffer[] = []
  const rest: Buffer[] = []
  for (const { code, start, end } of sections) {
    if (code === section.header) parts.push(bytes.subarray(start, end))
    else if (code > section.messageAnnotations) rest.push(bytes.subarray(start, end))
  }
  parts.push(mergedMap(bytes, sections, section.deliveryAnnotations, additions.delivery ?? {}))
  parts.push(mergedMap(bytes, sections, section.messageAnnotations, additions.message))
  return Buffer.concat([...parts, ...rest])
}

function mergedMap(
  bytes: Buffer,
  sections: readonly Section[],
  code: number,
  additions: Readonly<Record<string, Buffer>>,
): Buffer {
  const existing = sections.find((candidate) => candidate.code === code)
  const added = Object.entries(additions)
  if (added.length === 0) return existing === undefined ? Buffer.alloc(0) : bytes.subarray(existing.start, existing.end)
  const items = existing === undefined ? [] : readRawItems(new Reader(bytes, existing.valueStart, existing.end), 'map')
  const merged: Buffer[] = []
  for (let i = 0; i + 1 < items.length; i += 2) {
    const key = items[i] ?? encode.nothing
    const name = decodeValue(key)
    if (typeof name !== 'string' || !Object.hasOwn(additions, name)) merged.push(key, items[i + 1] ?? encode.nothing)
  }
  for (const [name, value] of added) merged.push(encode.symbol(name), value)
  return encode.described(code, encode.map(merged))
}
