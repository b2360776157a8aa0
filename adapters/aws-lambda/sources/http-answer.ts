import type { APIGatewayProxyStructuredResultV2 } from 'aws-lambda'
import type { FlushFailure, FlushReport } from '../../../core/report.js'
import { isPermanent } from '../permanent.js'

/** What both payload formats of API Gateway, and Function URLs, take as an answer. */
export type HttpAnswer = APIGatewayProxyStructuredResultV2 & { readonly statusCode: number; readonly body: string }

/** What became of one event of a request. */
export interface HttpEventResult {
  /** Position in the request, from 0. */
  readonly index: number
  /** The CloudEvent's id. */
  readonly id: string
  /** `unknown`: it was sent and no answer came; sending it again may double it. The others are as they say. */
  readonly status: 'accepted' | 'refused' | 'unknown' | 'returned'
  /** Where it was to go, if that was known when it failed. */
  readonly partitionId?: string
  /** Stable reason of a failure. */
  readonly code?: string
  /** What was wrong and what to do, for people. */
  readonly message?: string
}

/** What a busy service is usually given, in seconds. */
const usualRetryAfterInSeconds = 4

/**
 * One status for many events: 200 all accepted; 207 some. None: 429 with `Retry-After` when the event hub is busy or
 * out of quota; 413 or 400 when no repetition can help; otherwise 503 with `Retry-After`.
 */
export function eventsAnswer(ids: readonly string[], { failures, accepted }: FlushReport): HttpAnswer {
  const byIndex = new Map(failures.map((failure) => [failure.index, failure]))
  const results = ids.map((id, index): HttpEventResult => {
    const failure = byIndex.get(index)
    if (!failure) return { index, id, status: 'accepted' }
    const { outcome: status, partitionId, error } = failure
    const where = partitionId === undefined ? {} : { partitionId }
    return { index, id, status, ...where, code: error.code, message: messageFor(failure) }
  })
  const members = { results, accepted, failed: failures.length }
  if (failures.length === 0) return jsonAnswer(200, members)
  if (accepted > 0) return jsonAnswer(207, members)
  const status = statusOf(failures)
  const headers: Record<string, string> = {}
  if (status === 429 || status === 503) headers['retry-after'] = String(retryAfterInSeconds(failures))
  return problemAnswer(status, details[status], headers, members)
}

/**
 * What a caller is told. The errors of its own events it needs as they are; any other may name hosts, secrets and roles
 * of ours, so it goes to the log and not to the network.
 */
function messageFor(failure: FlushFailure): string {
  if (isPermanent(failure)) return failure.error.message
  if (isBusy(failure)) return 'The event hub is busy, or out of quota. Send the event again later.'
  if (failure.outcome === 'unknown') {
    return 'It was sent and no answer came, so it may have arrived. Send it again, under the same Idempotency-Key.'
  }
  return 'The event hub did not take it; the log of this function says why. Send it again later.'
}

function isBusy({ error }: FlushFailure): boolean {
  return error.code === 'server-busy' || error.code === 'quota-exceeded'
}

type FailureStatus = 400 | 413 | 429 | 503

const details: Readonly<Record<FailureStatus, string>> = {
  400: 'No event was accepted: none can be sent as it is. results says why.',
  413: 'No event was accepted: too large for the event hub.',
  429: 'No event was accepted. Send the request again after the time in Retry-After.',
  503: 'No event is known to be accepted; results says what is known of each.',
}

function statusOf(failures: readonly FlushFailure[]): FailureStatus {
  if (failures.some(isBusy)) return 429
  if (!failures.every(isPermanent)) return 503
  return failures.some(({ error }) => error.code === 'event-too-large') ? 413 : 400
}

function retryAfterInSeconds(failures: readonly FlushFailure[]): number {
  const longest = Math.max(...failures.map(({ error }) => error.retryAfterInMs ?? 0))
  return longest > 0 ? Math.ceil(longest / 1000) : usualRetryAfterInSeconds
}

const titles: Readonly<Record<number, string>> = {
  400: 'Invalid events',
  401: 'The caller is not authorized',
  405: 'Method not allowed',
  413: 'Too large',
  415: 'Unsupported media type',
  429: 'The event hub is busy',
  503: 'The event hub did not accept the events',
}

/** An error as RFC 9457 has it. `members` are what else there is to say. */
export function problemAnswer(
  status: number,
  detail: string,
  headers: Readonly<Record<string, string>> = {},
  members: object = {},
): HttpAnswer {
  const problem = { title: titles[status] ?? 'Error', status, detail, ...members }
  return jsonAnswer(status, problem, { 'content-type': 'application/problem+json', ...headers })
}

function jsonAnswer(statusCode: number, body: object, headers: Readonly<Record<string, string>> = {}): HttpAnswer {
  return {
    statusCode,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
    body: JSON.stringify(body),
  }
}
