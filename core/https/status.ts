import { EventHubError, type EventHubErrorDetails, OperationTimeoutError } from '../errors.js'

/** Longest pause that a Retry-After is believed. */
const longestRetryAfterInMs = 5 * 60 * 1000

/** What a status other than 201 means. Source: "Send event" in the Event Hubs REST reference. */
export function fromStatus(status: number, retryAfter: string | null, wallNow: number): EventHubError {
  const retryAfterInMs = parseRetryAfter(retryAfter, wallNow)
  const details = (code: EventHubErrorDetails['code'], retryable: boolean): EventHubErrorDetails => ({
    code,
    retryable,
    // An answer came, and it was not 201; only a gateway's own timeout leaves open what happened behind it.
    outcome: status === 504 || status === 500 ? 'unknown' : 'refused',
    condition: String(status),
    ...(retryAfterInMs === undefined ? {} : { retryAfterInMs }),
  })
  const said = `Event Hubs answered with status ${status}.`
  switch (status) {
    case 401:
    case 403:
      return new EventHubError(
        `${said} Check that the credential has the Send right (role: Azure Event Hubs Data Sender) and that its key or token is current.`,
        // A token that has just expired is replaced by the retry.
        details('unauthorized', status === 401),
      )
    case 404:
    case 410:
      return new EventHubError(
        `${said} Check the names of namespace, event hub and partition.`,
        details('entity-not-found', false),
      )
    case 413:
      return new EventHubError(`${said} The events are too large for one request.`, details('event-too-large', false))
    case 408:
      return new OperationTimeoutError(said, { outcome: 'unknown', condition: '408' })
    case 429:
    case 503:
      return new EventHubError(`${said} The service is busy.`, details('server-busy', true))
    default:
      return new EventHubError(said, details(status >= 500 ? 'service-error' : 'argument-error', status >= 500))
  }
}

/** Seconds, or an HTTP date; undefined when absent or neither. */
function parseRetryAfter(value: string | null, wallNow: number): number | undefined {
  if (value === null || value.trim() === '') return undefined
  const seconds = Number(value)
  const inMs = Number.isFinite(seconds) ? seconds * 1000 : Date.parse(value) - wallNow
  return Number.isFinite(inMs) ? Math.min(Math.max(inMs, 0), longestRetryAfterInMs) : undefined
}
