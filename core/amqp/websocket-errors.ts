import { EventHubError, type EventHubErrorCode } from '../errors.js'
import { fromSocketError } from './conditions.js'

interface Meaning {
  readonly code: EventHubErrorCode
  readonly retryable: boolean
  readonly advice: string
}

/** An answer to the upgrade request other than "switching protocols". */
export function refusedUpgrade(status: number, label: string): EventHubError {
  const { code, retryable, advice } = meaningOf(status)
  const message = `${label} refused the WebSocket (${status}). ${advice}`
  return new EventHubError(message, { code, retryable, condition: String(status) })
}

function meaningOf(status: number): Meaning {
  switch (status) {
    case 401:
    case 403:
      return {
        code: 'unauthorized',
        retryable: false,
        advice:
          "Check the namespace's network rules, and any gateway before it: the service itself asks for claims later.",
      }
    case 404:
    case 410:
      return { code: 'entity-not-found', retryable: false, advice: 'Check the namespace, host and port.' }
    case 429:
    case 503:
      return { code: 'server-busy', retryable: true, advice: 'The service is busy.' }
    default:
      return status >= 500 || status === 408
        ? { code: 'service-error', retryable: true, advice: 'Try again later.' }
        : { code: 'protocol-error', retryable: false, advice: 'Check host and port: this is no Event Hubs endpoint.' }
  }
}

/** What ws found wrong: with the answer to the upgrade, with a frame, or with the socket beneath. */
export function brokenWebSocket(error: NodeJS.ErrnoException, label: string): EventHubError {
  const { code } = error
  // Violations of HTTP and WebSocket; ws gives those of the handshake no code.
  if (code === undefined || code.startsWith('HPE_') || code.startsWith('WS_')) {
    return new EventHubError(
      `${label} does not speak AMQP over WebSocket as expected: ${error.message}. Check host, port and any proxy between.`,
      { code: 'protocol-error', cause: error, ...(code === undefined ? {} : { condition: code }) },
    )
  }
  return fromSocketError(error, label, 'returned')
}

/** "Abnormal": the socket ended without a close frame. "No status": a close frame that says nothing. */
const silentCloseCodes: ReadonlySet<number | undefined> = new Set([undefined, 1000, 1005, 1006])

/** The end of an open WebSocket, with the close frame's code if there was one. */
export function closedWebSocket(label: string, closeCode: number | undefined, error: Error | undefined): EventHubError {
  if (error && 'code' in error) return fromSocketError(error, label, 'returned')
  if (silentCloseCodes.has(closeCode)) return fromSocketError(undefined, label, 'returned')
  return new EventHubError(`${label} closed the WebSocket with code ${closeCode}.`, {
    code: 'connection-lost',
    retryable: true,
    condition: String(closeCode),
  })
}
