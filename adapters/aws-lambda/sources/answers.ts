import { EventsNotAcceptedError } from '../../flush-on-freeze.js'
import type { Settlement } from './source.js'

/** What sources get that have no answer of their own: how many events Event Hubs has accepted. */
export interface ForwardResult {
  readonly accepted: number
}

/** For sources that try again only after an error: throws unless everything is settled. */
export function allOrThrow({ report }: Settlement): ForwardResult {
  if (report.failures.length > 0) throw new EventsNotAcceptedError(report)
  return { accepted: report.accepted }
}
