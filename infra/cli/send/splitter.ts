import { crc32 } from 'node:zlib'
import { type Position, start } from './position.js'

/** One record as it stands in the input, without its newline. */
export interface RawRecord {
  /** From 1 up; for lines and NDJSON the number of the line. */
  readonly number: number
  /** All of it, or only its beginning where `sizeInBytes` is more. */
  readonly bytes: Buffer
  readonly sizeInBytes: number
}

/** Records that end one after another, and the place after them. */
export interface Block {
  readonly records: readonly RawRecord[]
  /** Numbers of the records that have no byte. */
  readonly emptyRecords: readonly number[]
  readonly end: Position
}

export interface SplitterOptions {
  /** Records longer than this are not kept, only their beginning. */
  readonly maxRecordSizeInBytes: number
  /** The separator of CSV's fields, as a byte: a newline within quotes ends no record. Default: every newline does. */
  readonly csvDelimiter?: number | undefined
  /** Where the first chunk begins. Default: at the start. */
  readonly from?: Position | undefined
}

/** How much of a record that is too long is kept to recognize it by. */
export const keptOfTooLong = 1024

const newline = 0x0a
const carriageReturn = 0x0d
const quote = 0x22
const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf])

/** Where a byte of CSV stands (RFC 4180). */
type CsvState = 'field-start' | 'plain' | 'quoted' | 'quote-in-quoted'

/** Cuts a stream of bytes into records. Its memory is bounded by a chunk and by `maxRecordSizeInBytes`, whatever comes. */
export class RecordSplitter {
  readonly #maxSize: number
  readonly #csvDelimiter: number | undefined
  #csvState: CsvState = 'field-start'
  #end: Position
  /** CRC-32 of what has come, the unfinished record included. */
  #checksum: number
  #offset: number
  /** Pieces of the record that has not ended yet; of one that is too long, its beginning. */
  #pieces: Buffer[] = []
  #keptSize = 0
  #size = 0
  /** The very first bytes, until there are enough to tell a byte order mark. */
  #head: Buffer | undefined

  constructor(options: SplitterOptions) {
    this.#maxSize = options.maxRecordSizeInBytes
    this.#csvDelimiter = options.csvDelimiter
    this.#end = options.from ?? start
    this.#checksum = this.#end.checksum
    this.#offset = this.#end.offset
    if (this.#offset === 0) this.#head = Buffer.alloc(0)
  }

  /** Takes the next bytes, which must not change afterwards. Returns what has ended with them, if anything has. */
  push(chunk: Buffer): Block | undefined {
    if (this.#head === undefined) return this.#split(chunk, 0)
    const head = Buffer.concat([this.#head, chunk])
    if (head.length < byteOrderMark.length && byteOrderMark.subarray(0, head.length).equals(head)) {
      this.#head = head
      return undefined
    }
    return this.#splitHead(head)
  }

  /** The input has ended: returns the record that no newline has ended, if there is one. */
  finish(): Block | undefined {
    // A mark that was cut off is no mark.
    const before = this.#head === undefined || this.#head.length === 0 ? undefined : this.#splitHead(this.#head)
    if (this.#size === 0) return before
    const records: RawRecord[] = []
    const emptyRecords: number[] = []
    this.#take(Buffer.alloc(0), this.#end.records + 1, records, emptyRecords)
    this.#end = {
      records: this.#end.records + 1,
      offset: this.#offset,
      checksum: this.#checksum,
      isOpen: true,
    }
    return { records, emptyRecords, end: this.#end }
  }

  #splitHead(head: Buffer): Block | undefined {
    this.#head = undefined
    const isMarked = head.subarray(0, byteOrderMark.length).equals(byteOrderMark)
    return this.#split(head, isMarked ? byteOrderMark.length : 0)
  }

  #split(chunk: Buffer, from: number): Block | undefined {
    const records: RawRecord[] = []
    const emptyRecords: number[] = []
    let begin = from
    let count = this.#end.records
    for (let end = this.#endOfRecord(chunk, begin); end !== -1; end = this.#endOfRecord(chunk, begin)) {
      count++
      this.#take(chunk.subarray(begin, end), count, records, emptyRecords)
      begin = end + 1
    }
    this.#keep(chunk.subarray(begin))
    if (count === this.#end.records) {
      this.#checksum = crc32(chunk, this.#checksum)
      this.#offset += chunk.length
      return undefined
    }
    const checksum = crc32(chunk.subarray(0, begin), this.#checksum)
    this.#end = { records: count, offset: this.#offset + begin, checksum, isOpen: false }
    this.#checksum = crc32(chunk.subarray(begin), checksum)
    this.#offset += chunk.length
    return { records, emptyRecords, end: this.#end }
  }

  /** Where the newline is that ends the record, or -1. */
  #endOfRecord(chunk: Buffer, from: number): number {
    if (this.#csvDelimiter === undefined) return chunk.indexOf(newline, from)
    let state = this.#csvState
    for (let at = from; at < chunk.length; at++) {
      const byte = chunk[at]
      if (state === 'quoted') {
        if (byte === quote) state = 'quote-in-quoted'
      } else if (byte === newline) {
        this.#csvState = 'field-start'
        return at
      } else if (byte === this.#csvDelimiter) state = 'field-start'
      else if (byte === quote && state !== 'plain') state = 'quoted'
      else state = 'plain'
    }
    this.#csvState = state
    return -1
  }

  #keep(piece: Buffer): void {
    if (piece.length === 0) return
    this.#size += piece.length
    // One byte more than the limit, since the last one may be a carriage return that belongs to the newline.
    if (this.#size <= this.#maxSize + 1) {
      this.#pieces.push(piece)
      this.#keptSize += piece.length
    } else if (this.#keptSize !== keptOfTooLong) {
      const kept = Buffer.concat([...this.#pieces, piece.subarray(0, keptOfTooLong)]).subarray(0, keptOfTooLong)
      // A copy, so that the chunks it was cut from are let go.
      this.#pieces = [Buffer.from(kept)]
      this.#keptSize = kept.length
    }
  }

  #take(last: Buffer, number: number, records: RawRecord[], emptyRecords: number[]): void {
    this.#keep(last)
    const [only, second] = this.#pieces
    let bytes = second === undefined ? (only ?? last) : Buffer.concat(this.#pieces)
    let size = this.#size
    if (size === bytes.length && bytes.at(-1) === carriageReturn) {
      bytes = bytes.subarray(0, -1)
      size--
    }
    if (size > this.#maxSize && bytes.length > keptOfTooLong) bytes = Buffer.from(bytes.subarray(0, keptOfTooLong))
    this.#pieces = []
    this.#keptSize = 0
    this.#size = 0
    if (size === 0) emptyRecords.push(number)
    else records.push({ number, bytes, sizeInBytes: size })
  }
}
