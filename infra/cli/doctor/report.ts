import { type ExitCode, exitCodes } from '../exit-codes.js'
import { type StepId, type StepResult, stepIds } from './step.js'
import { spanOf } from './text.js'

/** One examination, as `--json` writes it. Fields are added, never changed. */
export interface Report {
  /** Whether events can be sent: no step failed, and none was left out for want of time. */
  readonly ok: boolean
  /** The first step that failed, and why; null where none did. */
  readonly problem: { readonly step: StepId; readonly code: string; readonly summary: string } | null
  readonly durationInMs: number
  readonly steps: readonly StepResult[]
}

const unfinished = new Set(['interrupted', 'out-of-time'])

export function reportOf(steps: readonly StepResult[], durationInMs: number): Report {
  const wrong = steps.find(({ status, code }) => status === 'failed' || unfinished.has(code))
  return {
    ok: wrong === undefined,
    problem: wrong === undefined ? null : { step: wrong.id, code: wrong.code, summary: wrong.summary },
    durationInMs: Math.round(durationInMs),
    steps,
  }
}

/** The settings are the caller's own; everything else is found out there. */
export function exitCodeFor({ ok, problem }: Report): ExitCode {
  if (ok) return exitCodes.done
  return problem?.step === 'settings' ? exitCodes.usage : exitCodes.failed
}

export interface RenderOptions {
  readonly colours: boolean
  readonly verbose: boolean
}

const symbols = { ok: '✓', warning: '!', failed: '✗', skipped: '–' } as const
const codes = { ok: 32, warning: 33, failed: 31, skipped: 2 } as const
const idWidth = Math.max(...stepIds.map((id) => id.length))

/** A step as lines of the table: what was found, then what to do about it. What was not reached is told in the end. */
export function renderStep(step: StepResult, { colours, verbose }: RenderOptions): string {
  const { status, id, durationInMs, summary, advice, details } = step
  if (wasNotBegun(step) && !verbose) return ''
  const paint = painter(colours)
  const took = durationInMs === undefined || status === 'skipped' ? '' : tookOf(durationInMs)
  const head = `${paint(symbols[status], codes[status])} ${id.padEnd(idWidth)} ${took.padStart(7)}  `
  const text = status === 'skipped' ? paint(summary, codes.skipped) : summary
  const lines = [`${head}${text}`, ...advice.map((line) => `${' '.repeat(idWidth + 12)}→ ${line}`)]
  if (verbose) lines.push(...detailLines(step, details, paint))
  return lines.map((line) => `${line}\n`).join('')
}

function detailLines({ code }: StepResult, details: StepResult['details'], paint: Paint): string[] {
  const entries = Object.entries({ ...(code === 'ok' ? {} : { code }), ...details })
  return entries.map(([name, value]) => {
    const text = Array.isArray(value) ? value.join(', ') : String(value)
    return paint(`${' '.repeat(idWidth + 12)}${name}: ${text}`, 2)
  })
}

function wasNotBegun({ code, durationInMs }: StepResult): boolean {
  return durationInMs === undefined && (code === 'not-reached' || unfinished.has(code))
}

/** What it comes to, in a line or two. */
export function renderVerdict({ ok, problem, steps, durationInMs }: Report, options: RenderOptions): string {
  const paint = painter(options.colours)
  const left = steps.filter(wasNotBegun).map(({ id }) => id)
  const notReached =
    left.length > 0 && !options.verbose
      ? paint(`${symbols.skipped} not reached: ${left.join(', ')}\n`, codes.skipped)
      : ''
  const warnings = steps.filter(({ status }) => status === 'warning').length
  if (ok) {
    const beside = warnings === 0 ? '' : `, with ${warnings} warning${warnings === 1 ? '' : 's'}`
    return `\n${paint(`All is well${beside}.`, codes.ok)} It took ${spanOf(durationInMs)}.\n`
  }
  return `${notReached}\n${paint(sentenceOf(problem), codes.failed)} (${problem?.code})\n`
}

function sentenceOf(problem: Report['problem']): string {
  if (problem?.code === 'interrupted') return `Interrupted at ${problem.step}.`
  if (problem?.code === 'out-of-time') return `The time ran out before ${problem.step}: --timeout gives more.`
  return `It fails at ${problem?.step}: ${problem?.summary}.`
}

type Paint = (text: string, code: number) => string

function painter(colours: boolean): Paint {
  return (text, code) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
}

function tookOf(durationInMs: number): string {
  return durationInMs < 1000 ? `${Math.round(durationInMs)} ms` : `${(durationInMs / 1000).toFixed(1)} s`
}
