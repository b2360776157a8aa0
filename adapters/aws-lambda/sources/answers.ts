import { EventsNotAcceptedError } from '../../flush-on-freeze.js'
import type { Settlement } from './source.js'

/** What sources get that have no answer of their own: how many events Event Hubs has accepted. */
export interface ForwardResult {
  /** How many. */
  readonly accepted: number
}

/** For sources that try again only after an error: throws unless everything is settled. */
export function allOrThrow({ report }: Settlement): ForwardResult {
  if (report.failures.length > 0) throw new EventsNotAcceptedError(report)
  return { accepted: report.accepted }
}

/** What an event source mapping with `ReportBatchItemFailures` gets. */
export interface BatchResponse {
  /** The records to deliver again. */
  readonly batchItemFailures: { itemIdentifier: string }[]
}

/**
 * For streams: where to go on. The stream delivers again from the first unsettled record, which is therefore all there
 * is to say.
 *
 * @see https://docs.aws.amazon.com/lambda/latest/dg/services-kinesis-batchfailurereporting.html
 */
export function firstUnsettled(sequenceNumbers: readonly string[], { isSettled }: Settlement): BatchResponse {
  const first = sequenceNumbers.find((_, index) => !isSettled(index))
  return { batchItemFailures: first === undefined ? [] : [{ itemIdentifier: first }] }
}
