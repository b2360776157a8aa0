import {
  closeSync,
  fdatasync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs'
import { dirname } from 'node:path'
import { usageError } from '../cli-error.js'
import {
  entryLine,
  headerLine,
  type LedgerEntry,
  LedgerFormatError,
  type LedgerState,
  type LedgerSubject,
  mayBeLedger,
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
  /** Undefined: it cannot be written any more. */
  #fd: number | undefined
  #sizeInBytes = 0
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
    const bytes = contentOf(path)
    if (bytes === undefined || bytes.length === 0) return undefined
    const parsed = parse(path, bytes)
    assertSameJob(path, parsed.subject, subject)
    return stateOf(parsed)
  }

  /**
   * To be asked where nothing is read of it: what was named by mistake must not be written over.
   *
   * @throws CliError `usage` when there is something at the path that is no ledger
   */
  static assertMayReplace(path: string): void {
    const bytes = contentOf(path)
    if (bytes === undefined || bytes.length === 0 || mayBeLedger(bytes)) return
    throw usageError(`'${path}' is no ledger of sluice send, so it is not written over. Name another with --ledger.`)
  }

  /** Throws what the system says when it cannot be written; the run must then end. */
  append(entry: LedgerEntry, whole: () => LedgerEntry): void {
    const bytes = Buffer.from(entryLine(entry))
    this.#write(bytes)
    this.#appended += bytes.length
    if (this.#appended < this.#compactFrom || this.#appended < 8 * this.#snapshotSize) return
    this.abandon()
    this.#fd = this.#replace(whole())
  }

  #write(bytes: Buffer): void {
    const fd = this.#fd
    if (fd === undefined) throw new Error(`The ledger '${this.#path}' is closed.`)
    try {
      writeAll(fd, bytes, this.#sizeInBytes)
    } catch (error) {
      // Half a line counts as not written only where nothing follows it, and something may.
      ftruncateSync(fd, this.#sizeInBytes)
      throw error
    }
    this.#sizeInBytes += bytes.length
  }

  /** Whether `sync` is under way: what is written meanwhile may outlive a power cut, or may not. */
  get isSyncing(): boolean {
    return this.#isSyncing
  }

  /** Sees to it, in the background, that what was written so far outlives a power cut. */
  sync(): void {
    if (this.#isSyncing || this.#fd === undefined) return
    this.#isSyncing = true
    // A failure shows at the next write, or when it is closed.
    fdatasync(this.#fd, () => {
      this.#isSyncing = false
    })
  }

  /** Writes the end state in one line, and closes it. */
  close(whole: LedgerEntry): void {
    this.abandon()
    closeSync(this.#replace(whole))
  }

  /** Leaves it as it was last written: when writing has failed, it would fail again. */
  abandon(): void {
    if (this.#fd === undefined) return
    closeSync(this.#fd)
    // Its number is soon that of another file.
    this.#fd = undefined
  }

  #replace(whole: LedgerEntry): number {
    const scratch = `${this.#path}.new`
    const fd = openSync(scratch, 'w', 0o600)
    const bytes = Buffer.from(headerLine(this.#subject) + entryLine(whole))
    try {
      writeAll(fd, bytes, 0)
      fsyncSync(fd)
      renameSync(scratch, this.#path)
    } catch (error) {
      closeSync(fd)
      rmSync(scratch, { force: true })
      throw error
    }
    syncFolder(dirname(this.#path))
    this.#appended = 0
    this.#sizeInBytes = bytes.length
    this.#snapshotSize = bytes.length
    return fd
  }
}

export const noTotals: Totals = { accepted: 0, refused: 0, skipped: 0 }

function contentOf(path: string): Buffer | undefined {
  try {
    return readFileSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

function stateOf({ subject, entries }: ParsedLedger): LedgerState {
  const settled = new RangeSet()
  let latest: Omit<LedgerState, 'settled' | 'subject'> = { totals: noTotals, position: start }
  for (const { settled: more = [], ...entry } of entries) {
    for (const [from, to] of more) settled.add(from, to)
    latest = { ...latest, ...entry, position: entry.position ?? latest.position }
  }
  settled.dropBelow(latest.position.records + 1)
  const { reach, ...state } = latest
  const isAhead = settled.ranges.length > 0 && reach !== undefined
  return { ...state, subject, settled: settled.ranges as readonly Range[], ...(isAhead && { reach }) }
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

function writeAll(fd: number, bytes: Buffer, position: number): void {
  for (let written = 0; written < bytes.length; ) {
    written += writeSync(fd, bytes, written, bytes.length - written, position + written)
  }
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
