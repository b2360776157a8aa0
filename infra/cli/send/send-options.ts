import { usageError } from '../cli-error.js'
import type { TargetOptions } from '../target.js'
import { CsvFormat } from './csv-format.js'
import { EventsFormat } from './events-format.js'
import { type EventOptions, type Format, type FormatName, LinesFormat, NdjsonFormat } from './format.js'

/** The options of `sluice send`, as Commander reads them. */
export interface SendCommandOptions extends TargetOptions {
  readonly format?: FormatName
  readonly delimiter: string
  readonly columns?: string
  readonly csvRaw?: boolean
  readonly key?: string
  readonly keyColumn?: string
  readonly keyOptional?: boolean
  readonly partition?: string
  readonly contentType?: string
  readonly messageId?: string
  readonly property?: readonly string[]
  readonly propertyField?: readonly string[]
  readonly maxRecordSize: number
  /** In seconds. */
  readonly connectTimeout: number
  /** In seconds. */
  readonly stopTimeout: number
  /** A path; false: `--no-ledger`. */
  readonly ledger?: string | false
  readonly restart?: boolean
  readonly deadLetter?: string
  readonly keepGoing?: boolean
  readonly idempotent?: boolean
  readonly quiet?: boolean
}

/** Formats whose records are lines. */
const lineFormats = { ndjson: NdjsonFormat, lines: LinesFormat, events: EventsFormat } as const

/** Makes the format once the columns of an earlier run are known, which are undefined for a new one. */
export type MakeFormat = (columns: readonly string[] | undefined) => Format

/**
 * Reads what the options say of the records.
 *
 * @throws CliError `usage` for options that cannot go together
 */
export function readFormat(
  file: string,
  options: SendCommandOptions,
): {
  readonly make: MakeFormat
  /** Whatever decides where records begin and end: part of what a ledger is about. */
  readonly identity: string
} {
  const name = options.format ?? formatOf(file)
  const event = readEventOptions(options)
  const maxSize = options.maxRecordSize
  if (name !== 'csv') {
    const given = options.columns ? '--columns' : options.csvRaw ? '--csv-raw' : undefined
    if (given) throw usageError(`${given} is for CSV, and this is ${name}. Add --format csv, or leave it out.`)
    const Format = lineFormats[name]
    const make = () => new Format(event, maxSize)
    make()
    return { make, identity: name }
  }
  const delimiter = readDelimiter(options.delimiter)
  const columns = options.columns?.split(',')
  const csv = { delimiter, columns, asText: options.csvRaw === true }
  const make: MakeFormat = (known) => new CsvFormat(event, maxSize, csv, known)
  make(undefined)
  const header = columns === undefined ? 'header' : `columns ${columns.join(',')}`
  return { make, identity: `csv ${delimiter.charCodeAt(0)} ${header}` }
}

/** By the name of the file, with or without `.gz`. */
function formatOf(file: string): FormatName {
  const name = file.toLowerCase().replace(/\.gz$/, '')
  if (/\.(?:ndjson|jsonl|jsonlines)$/.test(name)) return 'ndjson'
  if (name.endsWith('.csv')) return 'csv'
  if (/\.(?:txt|log)$/.test(name)) return 'lines'
  throw usageError(
    'What is in it? Add --format ndjson (a JSON value on each line), --format csv, or --format lines (text).',
  )
}

function readEventOptions(options: SendCommandOptions): EventOptions {
  if (options.key !== undefined && options.keyColumn !== undefined) {
    throw usageError('--key and --key-column mean the same. Keep one of them.')
  }
  const key = options.key ?? options.keyColumn
  if (key !== undefined && options.partition !== undefined) {
    throw usageError('A partition key says which partition, and --partition says it too. Keep one of them.')
  }
  if (options.keyOptional && key === undefined) {
    throw usageError('--key-optional is about --key FIELD, which is missing.')
  }
  return {
    key,
    keyOptional: options.keyOptional === true,
    partitionId: options.partition,
    contentType: options.contentType,
    // Over HTTPS, an event with a content type is a request of its own; without one, thousands share a request.
    sendsOwnContentType: options.transport !== 'https',
    messageId: options.messageId,
    properties: pairs('--property', options.property ?? [], false),
    propertyFields: pairs('--property-field', options.propertyField ?? [], true),
  }
}

/** @param mayBeAlone whether `NAME` alone stands for `NAME=NAME` */
function pairs(option: string, texts: readonly string[], mayBeAlone: boolean): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const equals = text.indexOf('=')
      if (equals === -1 && mayBeAlone && text !== '') return [text, text]
      if (equals < 1) throw usageError(`${option} needs NAME=${mayBeAlone ? 'FIELD' : 'VALUE'}.`)
      return [text.slice(0, equals), text.slice(equals + 1)]
    }),
  )
}

function readDelimiter(text: string): string {
  const delimiter = text === 'tab' || text === '\\t' ? '\t' : text
  if (/^[^"\r\n\u0080-\uffff]$/.test(delimiter)) return delimiter
  throw usageError("--delimiter must be one ASCII character, such as ';', or the word tab.")
}
