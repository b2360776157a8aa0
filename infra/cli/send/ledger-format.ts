import { crc32 } from 'node:zlib'
import type { Position } from './position.js'
import type { Range } from './range-set.js'

/** What became of the records so far, over all runs. */
export interface Totals {
  readonly accepted: number
  readonly refused: number
  readonly skipped: number
}

/** What a ledger is about. A run with another value of any of these is another job. */
export interface LedgerSubject {
  /** `NAMESPACE/EVENTHUB`. */
  readonly target: string
  /** All that decides where records begin and end, such as `csv,44`. */
  readonly format: string
}

/** What tells that a file was not touched since, without reading it. */
export interface FileIdentity {
  readonly size: number
  readonly modifiedInMs: number
  readonly inode: number
}

/** One line of a ledger after the first; each says by itself how things stood. */
export interface LedgerEntry {
  readonly totals: Totals
  /** The watermark, if it has moved. */
  readonly position?: Position | undefined
  /** Settled since the line before; may lie before the watermark. */
  readonly settled?: readonly Range[] | undefined
  /** A place behind all that is settled after the watermark. */
  readonly reach?: Position | undefined
  /** Of the refused, those that the exit code of a run has told of. */
  readonly reported?: number | undefined
  /** The file, as a run found it when it began. */
  readonly file?: FileIdentity | undefined
  /** Names of the columns, from the first row of a CSV file. */
  readonly columns?: readonly string[] | undefined
}

export interface LedgerState extends Omit<LedgerEntry, 'settled'> {
  readonly subject: LedgerSubject
  readonly position: Position
  readonly settled: readonly Range[]
}

/** A ledger that cannot be read, or is none. */
export class LedgerFormatError extends Error {}

const version = 1

/*
 * Lines of text: eight hexadecimal digits, which are the CRC-32 of the JSON after them. A line that a killed process left
 * unfinished, or a failing disk left as zeros, does not match, and counts as not written if nothing follows it.
 */

export function headerLine(subject: LedgerSubject): string {
  return line({ sluiceLedger: version, target: subject.target, format: subject.format })
}

export function entryLine({ totals, position, settled, reach, reported, file, columns }: LedgerEntry): string {
  return line({
    n: [totals.accepted, totals.refused, totals.skipped],
    ...(position && { at: numbersOf(position) }),
    ...(reach && { to: numbersOf(reach) }),
    ...(settled && settled.length > 0 && { d: deltas(settled) }),
    ...(reported && { r: reported }),
    ...(file && { f: [file.size, file.modifiedInMs, file.inode] }),
    ...(columns && { c: columns }),
  })
}

export interface ParsedLedger {
  readonly subject: LedgerSubject
  readonly entries: readonly LedgerEntry[]
}

/** Whether it begins as one, whole or damaged. */
export function mayBeLedger(bytes: Buffer): boolean {
  return /^[\da-f]{8} \{"sluiceLedger":/.test(bytes.toString('latin1', 0, 30))
}

/**
 * Reads a ledger. A torn end is left out.
 *
 * @throws LedgerFormatError when it is no ledger, or damaged elsewhere than at its end
 */
export function parseLedger(bytes: Buffer): ParsedLedger {
  let subject: LedgerSubject | undefined
  const entries: LedgerEntry[] = []
  let tornAt: number | undefined
  for (let begin = 0; begin < bytes.length; ) {
    const newline = bytes.indexOf(0x0a, begin)
    const end = newline === -1 ? bytes.length : newline
    const value = newline === -1 ? undefined : checkedValue(bytes.toString('utf8', begin, end))
    if (value === undefined) tornAt ??= begin
    else if (tornAt !== undefined) throw new LedgerFormatError(`it is damaged at byte ${tornAt}`)
    else if (subject === undefined) subject = readHeader(value)
    else entries.push(readEntry(value))
    begin = end + 1
  }
  if (subject === undefined) throw new LedgerFormatError('it is no ledger of sluice send')
  return { subject, entries }
}

function line(value: object): string {
  const json = JSON.stringify(value)
  return `${crc32(json).toString(16).padStart(8, '0')} ${json}\n`
}

function checkedValue(text: string): Record<string, unknown> | undefined {
  const json = text.slice(9)
  if (!/^[\da-f]{8} \{/.test(text) || Number.parseInt(text.slice(0, 8), 16) !== crc32(json)) return undefined
  return JSON.parse(json) as Record<string, unknown>
}

function readHeader(value: Record<string, unknown>): LedgerSubject {
  const { sluiceLedger, target, format } = value
  if (typeof sluiceLedger === 'number' && sluiceLedger > version) {
    throw new LedgerFormatError('it was written by a newer version of sluice; update this one')
  }
  if (sluiceLedger !== version || typeof target !== 'string' || typeof format !== 'string') {
    throw new LedgerFormatError('it is no ledger of sluice send')
  }
  return { target, format }
}

/** The checksum has vouched for the shape: we wrote it. */
function readEntry(value: Record<string, unknown>): LedgerEntry {
  const { n, at, to, d, r, f, c } = value as {
    n: [number, number, number]
    at?: PositionNumbers
    to?: PositionNumbers
    d?: number[]
    r?: number
    f?: [number, number, number]
    c?: string[]
  }
  return {
    totals: { accepted: n[0], refused: n[1], skipped: n[2] },
    ...(at && { position: positionOf(at) }),
    ...(to && { reach: positionOf(to) }),
    ...(d && { settled: fromDeltas(d) }),
    ...(r && { reported: r }),
    ...(f && { file: { size: f[0], modifiedInMs: f[1], inode: f[2] } }),
    ...(c && { columns: c }),
  }
}

type PositionNumbers = readonly [records: number, offset: number, checksum: number, isOpen: number]

function numbersOf({ records, offset, checksum, isOpen }: Position): PositionNumbers {
  return [records, offset, checksum, isOpen ? 1 : 0]
}

function positionOf([records, offset, checksum, isOpen]: PositionNumbers): Position {
  return { records, offset, checksum, isOpen: isOpen === 1 }
}

/** Gap, length, gap, length: short, since what is settled lies close together. */
function deltas(ranges: readonly Range[]): number[] {
  const numbers: number[] = []
  let at = 0
  for (const [from, to] of ranges) {
    numbers.push(from - at, to - from)
    at = to
  }
  return numbers
}

function fromDeltas(numbers: readonly number[]): Range[] {
  const ranges: Range[] = []
  let at = 0
  for (let i = 0; i + 1 < numbers.length; i += 2) {
    const from = at + (numbers[i] ?? 0)
    at = from + (numbers[i + 1] ?? 0)
    ranges.push([from, at])
  }
  return ranges
}
