import { isUtf8 } from 'node:buffer'
import { printable } from '../printable.js'
import type { ReceivedBody, ReceivedEvent } from './decode.js'
import { bytesOf, eventToJson } from './event-json.js'

export interface PrettyOptions {
  /** Characters that a line may have; undefined: as many as it takes. */
  readonly width: number | undefined
  readonly properties: boolean
  readonly colours: boolean
}

/** Where the reader is no terminal, whole bodies are of more use; but not megabytes on a line. */
const longestBody = 4096
const shownBytes = 24

/** One line for people: time, partition, sequence number, key, and the beginning of the body; properties beneath it. */
export function prettyEvent(event: ReceivedEvent, options: PrettyOptions): string {
  const { enqueuedTime, partitionId, sequenceNumber, partitionKey, body } = event
  const paint = (text: string, code: number) => (options.colours ? `\u001b[${code}m${text}\u001b[0m` : text)
  const time = Number.isNaN(enqueuedTime.getTime()) ? '?'.padEnd(24) : enqueuedTime.toISOString()
  const where = `${printable(partitionId).padStart(3)} ${String(sequenceNumber).padStart(8)}`
  const key = partitionKey === undefined ? '-' : printable(partitionKey)
  const head = `${time} ${where}  ${key.padEnd(12)}  `
  const room = options.width === undefined ? longestBody : Math.max(20, options.width - head.length)
  const line = `${paint(time, 2)} ${where}  ${paint(key.padEnd(12), 36)}  ${preview(body, event, room)}\n`
  if (!options.properties) return line
  const indent = ' '.repeat(25)
  return `${line}${propertyLines(event)
    .map((text) => `${indent}${paint(text, 2)}\n`)
    .join('')}`
}

function preview(body: ReceivedBody, event: ReceivedEvent, room: number): string {
  if (body.kind !== 'data') return shortened(`${body.kind}: ${JSON.stringify(eventToJson(event).body)}`, room)
  const bytes = bytesOf(body.parts)
  if (bytes.length === 0) return '(empty)'
  // A character takes four bytes at most, so the beginning is enough; its last one may be cut in two.
  const beginning = bytes.subarray(0, room * 4 + 4)
  const isText = isUtf8(beginning.length === bytes.length ? bytes : withoutHalf(beginning))
  if (isText) return shortened(withoutHalf(beginning).toString('utf8'), room)
  const hex = bytes
    .subarray(0, shownBytes)
    .toString('hex')
    .replace(/(..)(?=.)/g, '$1 ')
  return `(${bytes.length} bytes) ${hex}${bytes.length > shownBytes ? ' …' : ''}`
}

/** Without the last character, where only its first bytes are there. */
function withoutHalf(bytes: Buffer): Buffer {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if ((byte & 0xc0) === 0x80) continue
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1
    return length > back ? bytes.subarray(0, bytes.length - back) : bytes
  }
  return bytes
}

function shortened(text: string, room: number): string {
  const shown = printable(text)
  const characters = [...shown.slice(0, room * 2)]
  if (characters.length <= room && shown.length <= room * 2) return shown
  return `${characters.slice(0, room - 1).join('')}…`
}

function propertyLines(event: ReceivedEvent): string[] {
  const { contentType, messageId, correlationId, properties, amqp } = eventToJson(event)
  const own = { contentType, messageId, correlationId, ...(properties as object | undefined) }
  const lines = Object.entries(own).flatMap(([name, value]) => (value === undefined ? [] : [line(name, value)]))
  return amqp === undefined ? lines : [...lines, line('amqp', amqp)]
}

function line(name: string, value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value)
  return shortened(`${name}: ${text}`, longestBody)
}
