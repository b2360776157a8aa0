import { isUtf8 } from 'node:buffer'
import type { AmqpPrimitive, EventData, EventInput, SendOptions } from '../../../core/index.js'
import { usageError } from '../cli-error.js'
import { keptOfTooLong, type RawRecord } from './splitter.js'

export type FormatName = 'ndjson' | 'csv' | 'lines' | 'events'

/** What a record has become. */
export type Converted =
  | {
      readonly kind: 'event'
      readonly raw: RawRecord
      readonly event: EventInput
      readonly target: SendOptions | undefined
    }
  | { readonly kind: 'refused'; readonly raw: RawRecord; readonly refusal: Refusal }
  | { readonly kind: 'skipped'; readonly raw: RawRecord }

/** Why a record is not in the event hub: a code for programs, a sentence for people. No sentence quotes the record. */
export interface Refusal {
  readonly code: string
  readonly reason: string
}

/** Makes events of records. */
export interface Format {
  readonly name: FormatName
  /** The byte between fields where newlines within quotes end no record; undefined: every newline does. */
  readonly csvDelimiter: number | undefined
  /** Names of the columns, once they are known. */
  readonly columns: readonly string[] | undefined
  convert(records: readonly RawRecord[]): Iterable<Converted>
}

/** How events are made of what a record says. */
export interface EventOptions {
  /** Field that holds the partition key. */
  readonly key?: string | undefined
  /** Send what has no key without one, in place of refusing it. */
  readonly keyOptional: boolean
  readonly partitionId?: string | undefined
  readonly contentType?: string | undefined
  /** Whether the format's own content type is sent where there is no other. */
  readonly sendsOwnContentType: boolean
  /** The same for all events. */
  readonly properties: Readonly<Record<string, string>>
  /** From fields: name of the property, name of the field. */
  readonly propertyFields: Readonly<Record<string, string>>
  /** Field that holds the message id. */
  readonly messageId?: string | undefined
}

/** Reads a field of a record, as `EventOptions` name it. */
export type FieldReader = (field: string) => unknown

/** Builds the event of a record whose body is made. */
export class EventMaker {
  readonly #options: EventOptions
  readonly #contentType: string | undefined
  readonly #fixedTarget: SendOptions | undefined
  readonly #needsFields: boolean
  readonly #hasProperties: boolean

  constructor(options: EventOptions, ownContentType: string | undefined) {
    this.#options = options
    this.#contentType = options.contentType ?? (options.sendsOwnContentType ? ownContentType : undefined)
    this.#fixedTarget = options.partitionId === undefined ? undefined : { partitionId: options.partitionId }
    this.#hasProperties = Object.keys({ ...options.properties, ...options.propertyFields }).length > 0
    const { key, messageId, propertyFields } = options
    this.#needsFields = (key ?? messageId) !== undefined || Object.keys(propertyFields).length > 0
  }

  /** Whether it reads fields at all. */
  get needsFields(): boolean {
    return this.#needsFields
  }

  make(raw: RawRecord, body: unknown, fieldOfRecord: FieldReader): Converted {
    const { key, keyOptional, messageId } = this.#options
    let inexact: string | undefined
    const field: FieldReader = (name) => {
      const value = fieldOfRecord(name)
      // JSON.parse has made another number of it, perhaps that of another record.
      if (typeof value === 'number' && Number.isInteger(value) && !Number.isSafeInteger(value)) inexact ??= name
      return value
    }
    let target = this.#fixedTarget
    if (key !== undefined) {
      const partitionKey = asText(field(key))
      if (partitionKey !== undefined) target = { partitionKey }
      else if (!keyOptional) {
        return refused(raw, 'no-key', `It has no text or number in '${key}', which is to be its partition key.`)
      }
    }
    const id = messageId === undefined ? undefined : asText(field(messageId))
    if (messageId !== undefined && id === undefined) {
      return refused(raw, 'no-message-id', `It has no text or number in '${messageId}', which is to be its message id.`)
    }
    const event: EventData = {
      body,
      ...(this.#contentType !== undefined && { contentType: this.#contentType }),
      ...(id !== undefined && { messageId: id }),
      ...(this.#hasProperties && { properties: this.#properties(field) }),
    }
    if (inexact !== undefined) {
      const reason = `The number in '${inexact}' is larger than 2^53, and cannot be read exactly. Write it as text, in quotes.`
      return refused(raw, 'inexact-number', reason)
    }
    return { kind: 'event', raw, event, target }
  }

  #properties(field: FieldReader): Record<string, AmqpPrimitive> {
    const properties: Record<string, AmqpPrimitive> = { ...this.#options.properties }
    for (const [name, source] of Object.entries(this.#options.propertyFields)) {
      const value = field(source)
      if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') properties[name] = value
    }
    return properties
  }
}

function asText(value: unknown): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : undefined
}

export function refused(raw: RawRecord, code: string, reason: string): Converted {
  return { kind: 'refused', raw, refusal: { code, reason } }
}

/** Refuses what was too long to keep; undefined: it was not. */
export function refusedAsTooLong(raw: RawRecord, limit: number, hint = ''): Converted | undefined {
  if (raw.sizeInBytes <= limit) return undefined
  const reason = `It has ${raw.sizeInBytes} bytes; the longest that is read has ${limit} (--max-record-size). Its first ${keptOfTooLong} bytes are shown.${hint}`
  return refused(raw, 'record-too-long', reason)
}

/** Refuses what is no text; undefined: it is. */
export function refusedAsNoText(raw: RawRecord): Converted | undefined {
  if (isUtf8(raw.bytes)) return undefined
  return refused(raw, 'invalid-utf8', 'It is not UTF-8 text.')
}

/** Each line is an event, byte for byte. */
export class LinesFormat implements Format {
  readonly name = 'lines'
  readonly csvDelimiter = undefined
  readonly columns = undefined
  readonly #make: EventMaker
  readonly #maxSize: number

  constructor(options: EventOptions, maxRecordSizeInBytes: number) {
    this.#make = new EventMaker(options, undefined)
    this.#maxSize = maxRecordSizeInBytes
    if (this.#make.needsFields) {
      throw usageError(
        'Lines of text have no fields to take a key, a message id or a property from. Use --format ndjson or csv.',
      )
    }
  }

  *convert(records: readonly RawRecord[]): Iterable<Converted> {
    for (const raw of records) {
      yield refusedAsTooLong(raw, this.#maxSize) ?? this.#make.make(raw, raw.bytes, () => undefined)
    }
  }
}

/** Each line is a JSON value, and travels as it is written. */
export class NdjsonFormat implements Format {
  readonly name = 'ndjson'
  readonly csvDelimiter = undefined
  readonly columns = undefined
  readonly #make: EventMaker
  readonly #maxSize: number

  constructor(options: EventOptions, maxRecordSizeInBytes: number) {
    this.#make = new EventMaker(options, 'application/json')
    this.#maxSize = maxRecordSizeInBytes
  }

  *convert(records: readonly RawRecord[]): Iterable<Converted> {
    for (const raw of records) {
      yield refusedAsTooLong(raw, this.#maxSize) ?? refusedAsNoText(raw) ?? this.#convert(raw)
    }
  }

  #convert(raw: RawRecord): Converted {
    const text = raw.bytes.toString()
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      if (text.trim() === '') return { kind: 'skipped', raw }
      return refused(raw, 'invalid-json', 'It is not JSON.')
    }
    return this.#make.make(raw, raw.bytes, (path) => fieldOf(value, path))
  }
}

/** The field of that name, or, where there is none, what its dots lead to: `customer.id`. */
export function fieldOf(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null) return undefined
  if (Object.hasOwn(value, path)) return (value as Record<string, unknown>)[path]
  const dot = path.indexOf('.')
  if (dot === -1 || !Object.hasOwn(value, path.slice(0, dot))) return undefined
  return fieldOf((value as Record<string, unknown>)[path.slice(0, dot)], path.slice(dot + 1))
}
