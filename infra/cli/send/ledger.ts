import { closeSync, fdatasync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { usageError } from '../cli-error.js'
import {
  entryLine,
  headerLine,
  type LedgerEntry,
  LedgerFormatError,
  type LedgerState,
  type LedgerSubject,
  type ParsedLedger,
  parseLedger,
  type Totals,
} from './ledger-format.js'
import { start } from './position.js'
import { type Range, RangeSet } from './range-set.js'

/** Lines are gathered into one when they take more than this, and more than eight times what would be left. */
const compactFromInBytes = 256 * 1024

/**
 * What was settled, on disk. Each line is handed to the system when it is written, so that nothing is lost however the
 * process ends; after a power cut the last seconds may be missing, which costs duplicates and no record.
 */
export class Ledger {
  readonly #path: string
  readonly #subject: LedgerSubject
  readonly #compactFrom: number
  #fd: number
  #appended = 0
  #snapshotSize = 0
  #isSyncing = false

  private constructor(path: string, subject: LedgerSubject, whole: LedgerEntry, compactFrom: number) {
    this.#path = path
    this.#subject = subject
    this.#compactFrom = compactFrom
    // One file at every instant: the new one takes the old one's name when it is whole.
    this.#fd = this.#replace(whole)
  }

  /**
   * Begins a ledger, in place of one that is there, with how things stand: what `read` has found, and what was settled
   * since. The lock must be held.
   */
  static open(path: string, subject: LedgerSubject, whole: LedgerEntry, compactFrom = compactFromInBytes): Ledger {
    return new Ledger(path, subject, whole, compactFrom)
  }

  /**
   * What an earlier run has left; undefined: nothing.
   *
   * @throws CliError `usage` when the file is no ledger, is damaged, or is that of another job
   */
  static read(path: string, subject: LedgerSubject): LedgerState | undefined {
    let bytes: Buffer
    try {
      bytes = readFileSync(path)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
      throw error
    }
    if (bytes.length === 0) return undefined
    const parsed = parse(path, bytes)
    assertSameJob(path, parsed.subject, subject)
    return stateOf(parsed)
  }

  /** Throws what the system says when it cannot be written; the run must then end. */
  append(entry: LedgerEntry, whole: () => LedgerEntry): void {
    const text = entryLine(entry)
    writeAll(this.#fd, text)
    this.#appended += text.length
    if (this.#appended < this.#compactFrom || this.#appended < 8 * this.#snapshotSize) return
    closeSync(this.#fd)
    this.#fd = this.#replace(whole())
  }

  /** Sees to it, in the background, that what was written so far outlives a power cut. */
  sync(): void {
    if (this.#isSyncing) return
    this.#isSyncing = true
    // A failure shows at the next write, or when it is closed.
    fdatasync(this.#fd, () => {
      this.#isSyncing = false
    })
  }

  /** Writes the end state in one line, and closes it. */
  close(whole: LedgerEntry): void {
    closeSync(this.#fd)
    closeSync(this.#replace(whole))
  }

  /** Leaves it as it was last written: when writing has failed, it would fail again. */
  abandon(): void {
    closeSync(this.#fd)
  }

  #replace(whole: LedgerEntry): number {
    const scratch = `${this.#path}.new`
    const fd = openSync(scratch, 'w', 0o600)
    const text = headerLine(this.#subject) + entryLine(whole)
    writeAll(fd, text)
    fsyncSync(fd)
    renameSync(scratch, this.#path)
    syncFolder(dirname(this.#path))
    this.#appended = 0
    this.#snapshotSize = text.length
    return fd
  }
}

export const noTotals: Totals = { accepted: 0, refused: 0, skipped: 0 }

function stateOf({ subject, entries }: ParsedLedger): LedgerState {
  const settled = new RangeSet()
  let latest: Omit<LedgerState, 'settled' | 'subject'> = { totals: noTotals, position: start }
  for (const { settled: more = [], ...entry } of entries) {
    for (const [from, to] of more) settled.add(from, to)
    latest = { ...latest, ...entry, position: entry.position ?? latest.position }
  }
  settled.dropBelow(latest.position.records + 1)
  return { ...latest, subject, settled: settled.ranges as readonly Range[] }
}

function parse(path: string, bytes: Buffer): ParsedLedger {
  try {
    return parseLedger(bytes)
  } catch (error) {
    if (!(error instanceof LedgerFormatError)) throw error
    throw usageError(
      `'${path}' cannot be used as a ledger: ${error.message}. Name another with --ledger, or remove it to send everything again.`,
    )
  }
}

function assertSameJob(path: string, found: LedgerSubject, wanted: LedgerSubject): void {
  const again = 'or add --restart to send everything again.'
  if (found.target !== wanted.target) {
    throw usageError(
      `The ledger '${path}' is that of sending to ${found.target}, not to ${wanted.target}. Name another with --ledger, ${again}`,
    )
  }
  if (found.format !== wanted.format) {
    throw usageError(
      `The ledger '${path}' was begun with the format ${found.format}, not ${wanted.format}. Use that format, ${again}`,
    )
  }
}

function writeAll(fd: number, text: string): void {
  const bytes = Buffer.from(text)
  for (let written = 0; written < bytes.length; ) written += writeSync(fd, bytes, written)
}

/** So that the new name is as lasting as the file. Some systems cannot do it for a folder. */
function syncFolder(path: string): void {
  try {
    const fd = openSync(path, 'r')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  } catch {}
}
