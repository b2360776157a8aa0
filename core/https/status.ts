import { EventHubError, type EventHubErrorDetails, OperationTimeoutError } from '../errors.js'

const checkCredential = 'Check that the credential has the Send right (role: Azure Event Hubs Data Sender)'

/** Longest pause that a Retry-After is believed. */
const longestRetryAfterInMs = 5 * 60 * 1000

/** What a status other than 201 means. Source: "Send event" in the Event Hubs REST reference. */
export function fromStatus(status: number, retryAfter: string | null, wallNow: number): EventHubError {
  const retryAfterInMs = parseRetryAfter(retryAfter, wallNow)
  const details = (code: EventHubErrorDetails['code'], retryable: boolean): EventHubErrorDetails => ({
    code,
    retryable,
    outcome: isRefusal(status) ? 'refused' : 'unknown',
    condition: String(status),
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  })
  const said = `Event Hubs answered with status ${status}.`
  switch (status) {
    case 401:
      return new EventHubError(
        `${said} ${checkCredential} and that its key or token is current.`,
        // The transport has tried a fresh token already.
        details('unauthorized', false),
      )
    case 403:
      return new EventHubError(
        `${said} ${checkCredential}, that the event hub is not disabled, and that no quota is used up: this status means any of them.`,
        details('unauthorized', false),
      )
    case 404:
    case 410:
      return new EventHubError(
        `${said} Check the names of namespace, event hub and partition.`,
        details('entity-not-found', false),
      )
    case 413:
      return new EventHubError(
        `${said} The events are too large for one request: send smaller events, or fewer in one batch.`,
        details('event-too-large', false),
      )
    case 408:
      return new OperationTimeoutError(said, details('timeout', true))
    case 429:
    case 503:
      return new EventHubError(`${said} The service is busy.`, details('server-busy', true))
    default:
      return new EventHubError(said, details(status >= 500 ? 'service-error' : 'argument-error', status >= 500))
  }
}

/** A redirect, an error of the request and "busy" come before anything is taken; the rest leaves that open. */
function isRefusal(status: number): boolean {
  return (status >= 300 && status < 500 && status !== 408) || status === 503
}

/** Seconds, or an HTTP date; undefined when absent or neither. */
function parseRetryAfter(value: string | null, wallNow: number): number | undefined {
  const text = value?.trim() ?? ''
  // `Date.parse` alone makes dates of nearly anything.
  const date = /^[A-Z][a-z]{2}, .+ GMT$/.test(text) ? Date.parse(text) : Number.NaN
  const inMs = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : date - wallNow
  return Number.isFinite(inMs) ? Math.min(Math.max(inMs, 0), longestRetryAfterInMs) : undefined
}
