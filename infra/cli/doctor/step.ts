import type { Visit } from './visit.js'

/** The steps, in their order. The ids are stable: programs read them. */
export const stepIds = [
  'settings',
  'dns',
  'tcp',
  'proxy',
  'tls',
  'clock',
  'token',
  'websocket',
  'sasl',
  'claims',
  'hub',
  'partition',
  'message-size',
  'round-trips',
  'test-event',
] as const

export type StepId = (typeof stepIds)[number]

/**
 * - `ok`: as it should be
 * - `warning`: it works, and somebody should look at it
 * - `failed`: nothing can be sent until this is put right
 * - `skipped`: not used here, not asked for, or out of reach since a step before it failed
 */
export type Status = 'ok' | 'warning' | 'failed' | 'skipped'

export type Detail = string | number | boolean | null | readonly string[]

/** What a step found. */
export interface Finding {
  readonly status: Status
  /** Stable, for programs; `ok` where there is nothing to say. */
  readonly code: string
  /** One line for people. */
  readonly summary: string
  /** What to do about it, most likely cause first. */
  readonly advice?: readonly string[]
  /** For those who look closer: never a key, a token or a signature. */
  readonly details?: Readonly<Record<string, Detail>>
}

export interface StepResult extends Finding {
  readonly id: StepId
  readonly advice: readonly string[]
  readonly details: Readonly<Record<string, Detail>>
  /** Undefined for a step that was not begun. */
  readonly durationInMs: number | undefined
}

/** How long a step may take: the monotonic clock's reading, and what gives it up. */
export interface StepLimits {
  readonly deadline: number
  readonly signal: AbortSignal
}

export interface Step {
  readonly id: StepId
  /** Steps that must not have failed, nor be out of reach themselves. */
  readonly needs: readonly StepId[]
  /** Longest time that it may take, in milliseconds. */
  readonly limitInMs: number
  /** An error that it throws is taken for a failure that nobody foresaw. */
  run(visit: Visit, limits: StepLimits): Promise<Finding>
  /** What it means that its time ran out. */
  timedOut(visit: Visit): Finding
}

export function ok(summary: string, details: Finding['details'] = {}): Finding {
  return { status: 'ok', code: 'ok', summary, details }
}

export function warning(code: string, summary: string, advice: readonly string[], details = {}): Finding {
  return { status: 'warning', code, summary, advice, details }
}

export function failed(
  code: string,
  summary: string,
  advice: readonly string[],
  details: Finding['details'] = {},
): Finding {
  return { status: 'failed', code, summary, advice, details }
}

/** Not part of the way that is taken here. */
export function notUsed(summary: string): Finding {
  return { status: 'skipped', code: 'not-used', summary }
}
