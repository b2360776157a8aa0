import { EventHubError, type EventHubErrorCode, type FailureOutcome, OperationTimeoutError } from '../errors.js'

interface Meaning {
  readonly code: EventHubErrorCode
  readonly retryable: boolean
  readonly advice?: string
  /** The service gave up in the middle: what it had taken by then may be stored. */
  readonly mayBeStored?: boolean
}

const lost: Meaning = { code: 'connection-lost', retryable: true }

/** For good: sent again unchanged, it fails again. The advice says what to change. */
function final(code: EventHubErrorCode, advice: string): Meaning {
  return { code, retryable: false, advice }
}

const wrongArgument = final(
  'argument-error',
  "Check the partition id, the partition key and the types of the event's properties.",
)
const stolen = final(
  'producer-epoch-stolen',
  'Another producer has taken over with the same id: run one at a time, or create a new client.',
)

/** AMQP error conditions as Event Hubs uses them. Source: the official SDKs' error tables. */
const meanings: ReadonlyMap<string, Meaning> = new Map<string, Meaning>([
  ['amqp:internal-error', { code: 'service-error', retryable: true, mayBeStored: true }],
  ['com.microsoft:server-busy', { code: 'server-busy', retryable: true }],
  ['com.microsoft:timeout', { code: 'timeout', retryable: true, mayBeStored: true }],
  ['com.microsoft:operation-cancelled', { code: 'service-error', retryable: true, mayBeStored: true }],
  ['amqp:link:detach-forced', lost],
  ['amqp:connection:forced', lost],
  ['amqp:transfer-limit-exceeded', { code: 'service-error', retryable: true }],
  [
    'amqp:unauthorized-access',
    final(
      'unauthorized',
      'Check that the credential has the Send right (role: Azure Event Hubs Data Sender) and that its key or token is current.',
    ),
  ],
  ['amqp:not-found', final('entity-not-found', 'Check the namespace and the event hub name.')],
  ['amqp:not-allowed', final('argument-error', "Check what the event hub's tier and settings allow.")],
  ['amqp:resource-limit-exceeded', final('quota-exceeded', 'A quota of the event hub or namespace is used up.')],
  ['amqp:link:message-size-exceeded', final('event-too-large', 'Send smaller events, or fewer in one batch.')],
  ['amqp:decode-error', wrongArgument],
  ['com.microsoft:argument-error', wrongArgument],
  ['com.microsoft:argument-out-of-range', wrongArgument],
  ['com.microsoft:entity-disabled', final('entity-disabled', 'Enable the event hub for sending.')],
  ['com.microsoft:publisher-revoked', final('publisher-revoked', 'Restore the publisher in the event hub.')],
  ['amqp:link:stolen', stolen],
  [
    'com.microsoft:out-of-order-sequence',
    final('out-of-order-sequence', 'Send it again: the next send starts from the sequence number of the service.'),
  ],
  ['com.microsoft:producer-epoch-stolen', stolen],
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
  // Something was still to be written to a connection that has just ended.
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_STREAM_DESTROYED',
])

/** What to do about a socket error, where that can be told. */
const socketAdvice: ReadonlyMap<string, string> = new Map([
  ['ECONNREFUSED', 'Nothing listens there; check host and port.'],
  ['ERR_TLS_CERT_ALTNAME_INVALID', "Check the host, or pass the certificate's name as tls.servername."],
  ...[
    'DEPTH_ZERO_SELF_SIGNED_CERT',
    'SELF_SIGNED_CERT_IN_CHAIN',
    'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
    'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  ].map((code) => [code, 'To trust a private authority, pass its certificate as tls.ca.'] as const),
])

export interface AmqpErrorLike {
  readonly condition?: string | undefined
  readonly description?: string | undefined
}

/** What the peer named, as our error. An unknown condition is not retried. */
export function fromCondition(error: AmqpErrorLike | undefined, what: string, outcome: FailureOutcome): EventHubError {
  const condition = error?.condition
  const meaning: Meaning =
    condition === undefined ? lost : (meanings.get(condition) ?? { code: 'service-error', retryable: false })
  const named = condition === undefined ? '' : ` (${condition})`
  const said = error?.description ? `: ${error.description.replace(/\.$/, '')}` : ''
  const message = `${what}${named}${said}.${meaning.advice ? ` ${meaning.advice}` : ''}`
  const details = {
    retryable: meaning.retryable,
    outcome: outcome === 'refused' && meaning.mayBeStored ? ('unknown' as const) : outcome,
    cause: withoutConnection(error),
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
  // A host of several addresses fails with an error for each, in an error without a message.
  const text = (error instanceof Error ? error.message : String(error)) || (name ?? 'for no stated reason')
  if (name === 'ENOTFOUND') {
    return new EventHubError(`The host of ${endpoint} was not found. Check the namespace's name and the DNS.`, {
      code: 'entity-not-found',
      outcome,
      condition: name,
      cause: error,
    })
  }
  const advice = name === undefined ? undefined : socketAdvice.get(name)
  const said = `The connection to ${endpoint} failed: ${text.replace(/\.$/, '')}.`
  return new EventHubError(advice === undefined ? said : `${said} ${advice}`, {
    code: 'connection-lost',
    retryable: name === undefined ? false : transientSocketErrors.has(name),
    outcome,
    cause: withoutConnection(error),
    ...(name === undefined ? {} : { condition: name }),
  })
}

/** rhea hangs its whole connection on some errors, the key of SASL PLAIN included; no log may find that there. */
function withoutConnection(error: unknown): unknown {
  if (!(error instanceof Error) || !('connection' in error)) return error
  const { name, message } = error
  return Object.assign(new Error(message), { name, ...('condition' in error ? { condition: error.condition } : {}) })
}
