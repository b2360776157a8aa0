import type { DeadLetter, DeadLetterFile } from './dead-letters.js'
import type { Format } from './format.js'
import type { Input } from './input.js'
import { type Ledger, noTotals } from './ledger.js'
import type { LedgerEntry, LedgerState, Totals } from './ledger-format.js'
import type { Position } from './position.js'
import { toRanges } from './range-set.js'
import { RefusalGuard } from './refusal-guard.js'
import { Watermark } from './watermark.js'

/** What settling works with. */
export interface SettlementJob {
  readonly input: Pick<Input, 'from' | 'file'>
  readonly format: Pick<Format, 'columns'>
  /** Begins the ledger with how things stand; undefined: none is kept. */
  readonly openLedger: ((whole: LedgerEntry) => Ledger) | undefined
  /** How an earlier run has left things. */
  readonly before: LedgerState | undefined
  readonly deadLetters: DeadLetterFile
  /** Go on although nothing was right so far. */
  readonly keepGoing: boolean
}

/**
 * What has become of the records, in memory and on disk: a record is settled when it was accepted, refused and written to the
 * dead-letter file, or skipped. Whatever it does throws what the system says when a file cannot be written.
 */
export class Settlement {
  readonly #job: SettlementJob
  readonly #watermark: Watermark
  readonly #guard: RefusalGuard
  #accepted = 0
  #refused = 0
  #skipped = 0
  /** Skipped since the ledger was last written. */
  #newlySkipped: number[] = []
  #reported: number
  #columns: readonly string[] | undefined
  #ledger: Ledger | undefined
  #writtenReach: Position | undefined

  constructor(job: SettlementJob) {
    this.#job = job
    this.#reported = job.before?.reported ?? 0
    this.#columns = job.before?.columns
    this.#watermark = new Watermark(job.input.from, job.before?.settled, job.before?.reach)
    const isProven = job.keepGoing || (job.before?.totals.accepted ?? 0) > 0
    this.#guard = new RefusalGuard(isProven, (letters) => this.#writeDeadLetters(letters))
  }

  /** Of this run. */
  get now(): Totals {
    return { accepted: this.#accepted, refused: this.#refused, skipped: this.#skipped }
  }

  /** Of all runs with this ledger. */
  get total(): Totals {
    const { accepted, refused, skipped } = this.#job.before?.totals ?? noTotals
    return {
      accepted: accepted + this.#accepted,
      refused: refused + this.#refused,
      skipped: skipped + this.#skipped,
    }
  }

  /** Everything before it is settled. */
  get position(): Position {
    return this.#watermark.position
  }

  isSettled(number: number): boolean {
    return this.#watermark.isSettled(number)
  }

  /** Records were read up to here. */
  read(end: Position): void {
    this.#watermark.read(end)
  }

  accept(numbers: readonly number[]): void {
    this.#accepted += numbers.length
    this.#settle(numbers)
    this.#guard.open()
  }

  skip(number: number): void {
    this.#skipped++
    this.#newlySkipped.push(number)
    // The names of the columns are known from here on, and their row must not be read as a record by a later run.
    const { columns } = this.#job.format
    if (columns === this.#columns) return
    this.#columns = columns
    this.#settle([], columns)
  }

  /**
   * Refuses a record, or holds that back while nothing was right.
   *
   * @param isProven whether something was right already, so that this is about the record alone
   * @returns the first refusal, if this is one too many
   */
  refuse(letter: DeadLetter, isProven: boolean): DeadLetter | undefined {
    if (isProven) this.#guard.open()
    return this.#guard.refuse(letter)
  }

  /** Refused by earlier runs that were ended before they could tell. */
  get untold(): number {
    return (this.#job.before?.totals.refused ?? 0) - (this.#job.before?.reported ?? 0)
  }

  /**
   * All was read, and what was taken has ended: what is held back is written.
   *
   * @param isTold whether this run's exit code will tell of what was refused
   */
  finish(isTold: boolean): void {
    this.#guard.open()
    this.#settle([])
    if (!isTold) return
    this.#reported = this.total.refused
    if (this.untold > 0) this.#ledger ??= this.#job.openLedger?.(this.#whole())
  }

  /** Sees to it, in the background, that the ledger outlives a power cut, and whatever it tells of does. */
  sync(): void {
    this.#job.deadLetters.sync()
    this.#ledger?.sync()
  }

  /** Writes the ledger in as few lines as it takes. */
  close(): void {
    this.#job.deadLetters.sync()
    if (this.#ledger === undefined) return
    this.#watermark.settle(toRanges(this.#newlySkipped))
    this.#ledger.close(this.#whole())
  }

  /** Leaves the ledger as it is: it cannot be written any more. */
  abandon(): void {
    this.#ledger?.abandon()
  }

  #writeDeadLetters(letters: readonly DeadLetter[]): void {
    // In the file first: a kill in between makes a second copy there, and loses nothing.
    const { deadLetters } = this.#job
    deadLetters.write(letters)
    if (this.#ledger?.isSyncing) deadLetters.sync()
    this.#refused += letters.length
    this.#settle(letters.map(({ raw }) => raw.number))
  }

  #settle(numbers: readonly number[], columns?: readonly string[]): void {
    const ranges = toRanges(this.#newlySkipped.length > 0 ? [...numbers, ...this.#newlySkipped] : numbers)
    this.#newlySkipped = []
    const hasMoved = this.#watermark.settle(ranges)
    if (ranges.length === 0 && !hasMoved) return
    const { openLedger } = this.#job
    if (openLedger === undefined) return
    // Not before there is something to say: a run with a wrong option leaves no ledger that the right one must fight.
    if (this.#ledger === undefined) {
      this.#ledger = openLedger(this.#whole())
      return
    }
    const { position, reach } = this.#watermark
    this.#ledger.append(
      {
        totals: this.total,
        settled: ranges.filter(([, to]) => to > position.records + 1),
        ...(hasMoved && { position }),
        ...(reach !== this.#writtenReach && { reach }),
        ...(columns && { columns }),
      },
      () => this.#whole(),
    )
    this.#writtenReach = reach
  }

  /** How things stand, to be written so that it outlives a power cut. */
  #whole(): LedgerEntry {
    this.#job.deadLetters.sync()
    return {
      totals: this.total,
      position: this.#watermark.position,
      settled: this.#watermark.ranges,
      reach: this.#watermark.reach,
      reported: this.#reported,
      file: this.#job.input.file,
      columns: this.#columns,
    }
  }
}
