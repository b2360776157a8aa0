import type { StopSignal } from '../exit-codes.js'
import type { Format } from './format.js'
import type { Input } from './input.js'
import { noTotals } from './ledger.js'
import type { Totals } from './ledger-format.js'
import type { SettlementJob } from './settlement.js'

/** Everything that a run works with; all of it is open, and closed by whoever opened it. */
export interface SendJob extends SettlementJob {
  readonly input: Input
  readonly format: Format
  readonly maxRecordSizeInBytes: number
  /** Longest wait, once asked to stop, for what is buffered. */
  readonly stopTimeoutInMs: number
  /** After so many events all is flushed before more is taken; undefined: the client's buffer sets the pace. */
  readonly flushEvery: number | undefined
}

/** How a run has ended. */
export type SendEnd =
  | { readonly kind: 'complete' }
  | { readonly kind: 'interrupted'; readonly signal: StopSignal }
  | { readonly kind: 'failed'; readonly error: unknown }

/** Counts of records. */
export interface SendCounts {
  /** Of this run. */
  readonly now: Totals
  /** Of all runs with this ledger. */
  readonly total: Totals
  /** Left this process in this run, and no answer came: may be in the event hub, and will be sent again. */
  readonly unknown: number
  /** Refused by earlier runs with this ledger that were ended before they could tell. */
  readonly untold: number
  /** Given back unsent when the run was ended early. */
  readonly returned: number
  /** Whether the last record, which nothing ends, makes no sense so far and was left for the next run. */
  readonly isLastUnfinished: boolean
}

/** The counts of a run that took nothing. */
export function nothingSent(total: Totals): SendCounts {
  return { now: noTotals, total, untold: 0, unknown: 0, returned: 0, isLastUnfinished: false }
}
