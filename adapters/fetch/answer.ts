import type { Problem, ProblemKind } from './problem.js'
import { jsonResponse, problem, problemResponse } from './problem.js'
import type { EventResult } from './results.js'

/** The body of an answer to `POST /events` that came as far as events. */
export interface EventsAnswer {
  /** One for each event of the request, in its order. */
  readonly results: readonly EventResult[]
  /** How many of them are in the event hub. */
  readonly accepted: number
  /** How many are not, or are not known to be. */
  readonly failed: number
  /** Why the rest of the body was not read, where it was not. Nothing of that rest was sent. */
  readonly problem?: Problem
}

/**
 * One status for many events:
 *
 * - 200: all accepted. 207: some. The others say by `problem+json` that none was:
 * - 429 with `Retry-After`: the event hub is busy or out of quota.
 * - 503 with `Retry-After`: any other failure that is not the caller's. A deadline missed on the way to Event Hubs
 *   is one of these and no 504: what callers should do is the same, and the results say what is known.
 * - 413: too large for the event hub. 422: no item can be taken as it is.
 *
 * Where failures differ, the one that a repetition can cure decides: nothing was accepted, so the whole
 * request can be sent again. `stopped` (the body was not read to its end) decides where results do not.
 */
export function eventsResponse(results: readonly EventResult[], stopped: Problem | undefined): Response {
  const accepted = results.filter((result) => result.status === 'accepted').length
  const members: EventsAnswer = {
    results,
    accepted,
    failed: results.length - accepted,
    ...(stopped === undefined ? {} : { problem: stopped }),
  }
  if (accepted > 0) return jsonResponse(accepted === results.length && stopped === undefined ? 200 : 207, members)
  const retryable = results.some((result) => result.retryable)
  const whole = stopped !== undefined && !retryable ? stopped : problemOf(results)
  const comesBack = whole.status === 429 || whole.status === 503
  return problemResponse(whole, comesBack ? { 'retry-after': String(retryAfterInSeconds(results)) } : {}, members)
}

type FailureKind = Extract<
  ProblemKind,
  'event-hub-busy' | 'event-hub-unavailable' | 'event-too-large' | 'invalid-events'
>

const details: Readonly<Record<FailureKind, string>> = {
  'event-hub-busy': 'No event was accepted. Send the request again after the time in Retry-After.',
  'event-hub-unavailable': 'No event is known to be accepted; results says what is known of each.',
  'event-too-large': 'No event was accepted: too large for the event hub.',
  'invalid-events': 'No event was accepted: no item can be taken as it is. results says why.',
}

function problemOf(results: readonly EventResult[]): Problem {
  const kind = worstOf(results)
  return problem(kind, details[kind])
}

function worstOf(results: readonly EventResult[]): FailureKind {
  const has = (isSuch: (result: EventResult) => boolean) => results.some(isSuch)
  if (has(({ code }) => code === 'server-busy' || code === 'quota-exceeded')) return 'event-hub-busy'
  if (has(({ retryable }) => retryable)) return 'event-hub-unavailable'
  if (has(({ code = 'unexpected' }) => !ownedByCaller.has(code))) return 'event-hub-unavailable'
  return has(({ code }) => code === 'event-too-large') ? 'event-too-large' : 'invalid-events'
}

/** Failures that only another event can cure. */
export const ownedByCaller: ReadonlySet<string> = new Set([
  'invalid-event',
  'argument-error',
  'not-supported',
  'event-too-large',
])

/** What a busy service is usually given (DIALECT: about 4 s). */
const usualRetryAfterInMs = 4_000
/** Somebody has to repair something first. */
const repairRetryAfterInMs = 60_000

function retryAfterInSeconds(results: readonly EventResult[]): number {
  const asked = results.map((result) => result.retryAfterInMs ?? 0)
  const needsRepair = results.length > 0 && results.every((result) => !result.retryable)
  const usual = needsRepair ? repairRetryAfterInMs : usualRetryAfterInMs
  const longest = asked.reduce((longer, inMs) => Math.max(longer, inMs), 0)
  return Math.max(1, Math.ceil((longest || usual) / 1000))
}
