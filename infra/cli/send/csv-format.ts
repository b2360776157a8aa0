import { parse } from 'csv-parse/sync'
import { usageError } from '../cli-error.js'
import {
  type Converted,
  EventMaker,
  type EventOptions,
  type Format,
  refused,
  refusedAsNoText,
  refusedAsTooLong,
} from './format.js'
import type { RawRecord } from './splitter.js'

export interface CsvOptions {
  /** One byte. */
  readonly delimiter: string
  /** Names of the columns where the file's first row does not give them. */
  readonly columns?: readonly string[] | undefined
  /** Send the text of the row in place of a JSON object. */
  readonly asText: boolean
}

/** A newline within quotes ends no row, so one quote too many takes in what follows. */
const openQuoteHint = ' It may begin with a quote that nothing closes, and so hold the rows after it.'

/** Each row is an event: a JSON object by the names of the columns, or its text. RFC 4180, and any one-byte delimiter. */
export class CsvFormat implements Format {
  readonly name = 'csv'
  readonly csvDelimiter: number
  readonly #csv: CsvOptions
  readonly #make: EventMaker
  readonly #maxSize: number
  readonly #fields: readonly (string | undefined)[]
  #columns: readonly string[] | undefined
  #indexOf = new Map<string, number>()

  /** @param columns as an earlier run has found them */
  constructor(
    options: EventOptions,
    maxRecordSizeInBytes: number,
    csv: CsvOptions,
    columns: readonly string[] | undefined,
  ) {
    this.#csv = csv
    this.#maxSize = maxRecordSizeInBytes
    this.csvDelimiter = csv.delimiter.charCodeAt(0)
    this.#make = new EventMaker(options, csv.asText ? 'text/csv' : 'application/json')
    this.#fields = [options.key, options.messageId, ...Object.values(options.propertyFields)]
    const known = columns ?? csv.columns
    if (known) this.#learn(known)
  }

  get columns(): readonly string[] | undefined {
    return this.#columns
  }

  *convert(records: readonly RawRecord[]): Iterable<Converted> {
    let rest = records
    if (this.#columns === undefined) {
      const [header, ...others] = records
      if (header === undefined) return
      this.#learn(this.#header(header))
      yield { kind: 'skipped', raw: header }
      rest = others
    }
    const sound: RawRecord[] = []
    for (const raw of rest) {
      const refusal = refusedAsTooLong(raw, this.#maxSize, openQuoteHint) ?? refusedAsNoText(raw)
      if (refusal) yield refusal
      else sound.push(raw)
    }
    const rows = this.#rowsOf(sound)
    for (const [at, raw] of sound.entries()) yield this.#convert(raw, rows[at])
  }

  #convert(raw: RawRecord, row: readonly string[] | undefined): Converted {
    if (row === undefined) {
      const hint = raw.bytes.includes(0x0a) ? openQuoteHint : ''
      return refused(raw, 'invalid-csv', `Its quotes do not match. See RFC 4180.${hint}`)
    }
    const columns = this.#columns ?? []
    if (row.length !== columns.length) {
      const reason = `It has ${row.length} fields, and there are ${columns.length} columns.`
      return refused(raw, 'wrong-number-of-fields', reason)
    }
    const field = (name: string) => {
      const index = this.#indexOf.get(name)
      return index === undefined ? undefined : row[index]
    }
    if (this.#csv.asText) return this.#make.make(raw, raw.bytes, field)
    const object = Object.fromEntries(columns.map((name, index) => [name, row[index]]))
    return this.#make.make(raw, JSON.stringify(object), field)
  }

  /** All at once, and one by one where that fails, so that one broken row is not the end of its neighbours. */
  #rowsOf(records: readonly RawRecord[]): readonly (readonly string[] | undefined)[] {
    if (records.length === 0) return []
    const rows = this.#parse(records.map(({ bytes }) => bytes.toString()).join('\n'))
    if (rows?.length === records.length) return rows
    return records.map(({ bytes }) => {
      const alone = this.#parse(bytes.toString())
      return alone?.length === 1 ? alone[0] : undefined
    })
  }

  #parse(text: string): string[][] | undefined {
    try {
      return parse(text, {
        delimiter: this.#csv.delimiter,
        record_delimiter: ['\n'],
        relax_column_count: true,
      })
    } catch {
      // Its message quotes the row.
      return undefined
    }
  }

  #header(raw: RawRecord): readonly string[] {
    const [columns, more] = raw.sizeInBytes > this.#maxSize ? [] : (this.#parse(raw.bytes.toString()) ?? [])
    if (columns === undefined || more !== undefined) {
      throw usageError('The first row, which should name the columns, is no CSV. Name them with --columns a,b,c.')
    }
    return columns
  }

  /** No message has a name from the file: where the first row is a record by mistake, it would be an event's content. */
  #learn(columns: readonly string[]): void {
    for (const [index, name] of columns.entries()) {
      const other = this.#indexOf.get(name)
      if (other !== undefined) {
        throw usageError(
          `Columns ${other + 1} and ${index + 1} have the same name. Name them all with --columns a,b,c.`,
        )
      }
      this.#indexOf.set(name, index)
    }
    for (const field of this.#fields) {
      if (field === undefined || this.#indexOf.has(field)) continue
      const where = this.#csv.columns ? 'in --columns' : `in the first row, which names ${columns.length}`
      throw usageError(`There is no column '${field}' ${where}. Is the name right, and is the --delimiter?`)
    }
    this.#columns = columns
  }
}
