import type { FlushReport } from '../../core/report.js'

/** One report over all of these, in their order. */
export function joinReports(reports: readonly FlushReport[]): FlushReport {
  return {
    accepted: reports.reduce((sum, { accepted }) => sum + accepted, 0),
    failures: reports.flatMap(({ failures }) => failures),
    durationInMs: Math.max(0, ...reports.map(({ durationInMs }) => durationInMs)),
  }
}
