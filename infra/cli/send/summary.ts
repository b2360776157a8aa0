import { EventHubError } from '../../../core/index.js'
import { CliError } from '../cli-error.js'
import { type ExitCode, exitCodeOf, exitCodes } from '../exit-codes.js'
import { printable } from '../printable.js'
import type { Totals } from './ledger-format.js'
import { count, duration } from './progress.js'
import type { SendCounts, SendEnd } from './send-job.js'

/** What a run has come to. */
export interface SendResult {
  readonly file: string
  /** `NAMESPACE/EVENTHUB`. */
  readonly target: string
  readonly end: SendEnd
  readonly counts: SendCounts
  /** How many records an earlier run had settled. */
  readonly settledBefore: number
  readonly deadLetterPath: string
  readonly ledgerPath: string | undefined
  /** Whether an earlier ledger was to be forgotten. */
  readonly isRestart: boolean
  readonly durationInMs: number
}

export function exitCodeFor({ end, counts }: Pick<SendResult, 'end' | 'counts'>): ExitCode {
  switch (end.kind) {
    case 'complete':
      if (counts.isLastUnfinished) return exitCodes.incomplete
      return counts.now.refused + counts.untold > 0 ? exitCodes.deadLettered : exitCodes.done
    case 'interrupted':
      return exitCodeOf(end.signal)
    case 'failed':
      if (end.error instanceof CliError) return end.error.exitCode
      return end.error instanceof EventHubError && end.error.retryable ? exitCodes.incomplete : exitCodes.failed
  }
}

/** For people. */
export function summaryText(result: SendResult): string {
  const { file, target, end, counts, settledBefore, deadLetterPath, ledgerPath, durationInMs, isRestart } = result
  const { accepted, refused, skipped } = counts.now
  const name = file === '-' ? 'standard input' : file
  const seconds = durationInMs / 1000
  const lines: string[] = []
  if (end.kind === 'complete' && accepted + refused + skipped === 0 && !counts.isLastUnfinished) {
    lines.push(
      settledBefore > 0
        ? `${everythingBefore(name, target, counts.total)} To send it again, add --restart.`
        : `There is nothing in ${name}.`,
    )
  } else {
    const rate = seconds > 0 ? ` (${count(Math.round(accepted / seconds))} a second)` : ''
    lines.push(`Sent ${records(accepted)} of ${name} to ${target} in ${duration(seconds)}${rate}.`)
    if (settledBefore > 0) lines.push(`${were(settledBefore, 'record')} dealt with by earlier runs.`)
  }
  if (skipped > 0) lines.push(`${were(skipped)} no record: empty lines, or a header.`)
  if (refused > 0) lines.push(`${were(refused)} refused. What and why is in ${deadLetterPath}`)
  if (counts.untold > 0) {
    lines.push(
      `${were(counts.untold)} refused by an earlier run that was interrupted. What and why is in ${deadLetterPath}`,
    )
  }
  const { unknown, returned } = counts
  if (unknown > 0)
    lines.push(
      `${count(unknown)} ${unknown === 1 ? 'has' : 'have'} left, and no answer came: ${unknown === 1 ? 'it' : 'they'} may be in the event hub.`,
    )
  if (returned > 0) lines.push(`${were(returned)} read and not sent.`)
  if (counts.isLastUnfinished) {
    lines.push(
      'The last record has no newline and makes no sense, so it may be unfinished: it was left for the next run. If that is all of it, add a newline.',
    )
  }
  if (end.kind !== 'complete') {
    const again = unknown > 0 ? ' What may be there already is sent again: expect duplicates of it.' : ''
    const why = end.kind === 'interrupted' ? 'Interrupted.' : 'Not all was sent.'
    const isToBeMended = exitCodeFor(result) === exitCodes.failed
    const command = `the same command${isRestart ? ', without --restart,' : ''}`
    const resume = isToBeMended
      ? `Once that is mended, ${command} goes on from here.`
      : `Resume by running ${command} again.`
    lines.push(
      ledgerPath === undefined
        ? `${why} There is no ledger, so the same command would send everything again.`
        : `${why} ${resume}${again}`,
    )
  }
  return lines.map((line) => `${printable(line)}\n`).join('')
}

function records(number: number): string {
  return `${count(number)} record${number === 1 ? '' : 's'}`
}

function were(number: number, noun?: 'record'): string {
  return `${noun ? records(number) : count(number)} ${number === 1 ? 'was' : 'were'}`
}

function everythingBefore(name: string, target: string, { accepted, refused }: Totals): string {
  if (refused === 0) return `Everything in ${name} was sent to ${target} already (${records(accepted)}).`
  return `Everything in ${name} was dealt with already: ${were(accepted, 'record')} sent to ${target}, ${were(refused)} refused.`
}

/** For programs. */
export function summaryJson(result: SendResult): object {
  const { file, target, end, counts, settledBefore, deadLetterPath, ledgerPath, durationInMs } = result
  return {
    type: 'summary',
    file,
    target,
    result: end.kind,
    exitCode: exitCodeFor(result),
    ...counts.now,
    unknown: counts.unknown,
    returned: counts.returned,
    refusedBefore: counts.untold,
    isLastUnfinished: counts.isLastUnfinished,
    settledBefore,
    total: counts.total,
    durationInMs: Math.round(durationInMs),
    ledger: ledgerPath ?? null,
    deadLetters: counts.now.refused + counts.untold > 0 ? deadLetterPath : null,
    ...(end.kind === 'failed' && { error: errorJson(end.error) }),
  }
}

function errorJson(error: unknown): object {
  const message = error instanceof Error ? error.message : String(error)
  return error instanceof EventHubError ? { code: error.code, outcome: error.outcome, message } : { message }
}
