import { EventHubError, type EventHubErrorCode, type FailureOutcome, OperationTimeoutError } from '../errors.js'

interface Meaning {
  readonly code: EventHubErrorCode
  readonly retryable: boolean
  readonly advice?: string
}

const lost: Meaning = { code: 'connection-lost', retryable: true }

/** AMQP error conditions as Event Hubs uses them. Source: the official SDKs' error tables. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['amqp:internal-error', { code: 'service-error', retryable: true }],
  ['com.microsoft:server-busy', { code: 'server-busy', retryable: true }],
  ['com.microsoft:timeout', { code: 'timeout', retryable: true }],
  ['com.microsoft:operation-cancelled', { code: 'service-error', retryable: true }],
  ['amqp:link:detach-forced', lost],
  ['amqp:connection:forced', lost],
  ['amqp:transfer-limit-exceeded', { code: 'service-error', retryable: true }],
  [
    'amqp:unauthorized-access',
    {
      code: 'unauthorized',
      retryable: false,
      advice:
        'Check that the credential has the Send right (role: Azure Event Hubs Data Sender) and that its key or token is current.',
    },
  ],
  [
    'amqp:not-found',
    { code: 'entity-not-found', retryable: false, advice: 'Check the namespace and the event hub name.' },
  ],
  ['amqp:not-allowed', { code: 'argument-error', retryable: false }],
  [
    'amqp:resource-limit-exceeded',
    { code: 'quota-exceeded', retryable: false, advice: 'A quota of the event hub or namespace is used up.' },
  ],
  ['amqp:link:message-size-exceeded', { code: 'event-too-large', retryable: false }],
  ['amqp:decode-error', { code: 'argument-error', retryable: false }],
  ['com.microsoft:argument-error', { code: 'argument-error', retryable: false }],
  ['com.microsoft:argument-out-of-range', { code: 'argument-error', retryable: false }],
  [
    'com.microsoft:entity-disabled',
    { code: 'entity-disabled', retryable: false, advice: 'Enable the event hub for sending.' },
  ],
  ['com.microsoft:publisher-revoked', { code: 'publisher-revoked', retryable: false }],
  ['amqp:link:stolen', { code: 'producer-epoch-stolen', retryable: false }],
  ['com.microsoft:out-of-order-sequence', { code: 'out-of-order-sequence', retryable: false }],
  ['com.microsoft:producer-epoch-stolen', { code: 'producer-epoch-stolen', retryable: false }],
])

/** Socket errors after which another try can help. */
const transientSocketErrors = new Set([
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ETIMEDOUT',
  'EAI_AGAIN',
  'EPIPE',
  'EHOSTUNREACH',
  'ENETUNREACH',
])

export interface AmqpErrorLike {
  readonly condition?: string | undefined
  readonly description?: string | undefined
}

/** What the peer named, as our error. An unknown condition is not retried. */
export function fromCondition(error: AmqpErrorLike | undefined, what: string, outcome: FailureOutcome): EventHubError {
  const condition = error?.condition
  const meaning =
    condition === undefined ? lost : (meanings.get(condition) ?? { code: 'service-error' as const, retryable: false })
  const said = error?.description ? `: ${error.description}` : ''
  const message = `${what}${condition ? ` (${condition})` : ''}${said}${meaning.advice ? ` ${meaning.advice}` : ''}`
  const details = {
    retryable: meaning.retryable,
    outcome,
    cause: error,
    ...(condition === undefined ? {} : { condition }),
  }
  return meaning.code === 'timeout'
    ? new OperationTimeoutError(message, details)
    : new EventHubError(message, { code: meaning.code, ...details })
}

/** A socket's error, or its end, as our error. */
export function fromSocketError(error: unknown, endpoint: string, outcome: FailureOutcome): EventHubError {
  const code = (error as { code?: unknown } | undefined)?.code
  const name = typeof code === 'string' ? code : undefined
  if (error === undefined || error === null) {
    return new EventHubError(`The connection to ${endpoint} was closed by the peer.`, { ...lost, outcome })
  }
  const text = error instanceof Error ? error.message : String(error)
  if (name === 'ENOTFOUND') {
    return new EventHubError(`The host of ${endpoint} was not found. Check the namespace's name and the DNS.`, {
      code: 'entity-not-found',
      outcome,
      condition: name,
      cause: error,
    })
  }
  const advice = name === 'ECONNREFUSED' ? ' Nothing listens there; check host and port.' : ''
  return new EventHubError(`The connection to ${endpoint} failed: ${text}.${advice}`, {
    code: 'connection-lost',
    retryable: name === undefined ? false : transientSocketErrors.has(name),
    outcome,
    cause: error,
    ...(name === undefined ? {} : { condition: name }),
  })
}
