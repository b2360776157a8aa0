import type { AmqpErrorLike } from '../../../core/amqp/conditions.js'
import type { Response } from '../../../core/amqp/request-response-link.js'
import { EventHubError, type EventHubErrorDetails } from '../../../core/errors.js'
import { printable } from '../printable.js'

/** Reading cannot go on. The message says what to do. */
export class ReadError extends EventHubError {
  /** Whether it may pass by itself. */
  readonly isTransient: boolean

  constructor(message: string, details: EventHubErrorDetails) {
    super(message, details)
    this.isTransient = details.retryable === true
  }
}

interface Circumstances {
  readonly place: { readonly eventHubName: string; readonly fullyQualifiedNamespace: string }
  readonly consumerGroup: string
}

const mayNotRead =
  'It needs the Listen right (role: Azure Event Hubs Data Receiver), and a key or token that is current. `sluice doctor` tells more.'

/** Whatever ended a connection, or kept it from opening, in terms of reading. */
export function readErrorOf(thrown: unknown, circumstances: Circumstances): ReadError {
  if (thrown instanceof ReadError) return thrown
  if (thrown instanceof EventHubError) return fromEventHubError(thrown, circumstances)
  if (typeof thrown === 'object' && thrown !== null && 'condition' in thrown) {
    return fromRefusal(thrown as AmqpErrorLike, circumstances)
  }
  if (thrown instanceof Error) return new ReadError(thrown.message, { code: 'unexpected', cause: thrown })
  return new ReadError('The service ended the link without a reason.', { code: 'connection-lost', retryable: true })
}

function fromEventHubError(error: EventHubError, circumstances: Circumstances): ReadError {
  const { condition, message, code, retryable } = error
  if (condition !== undefined && final.has(condition)) {
    return fromRefusal({ condition, description: message }, circumstances)
  }
  // A name that was known a moment ago: this machine has lost its network, or just woken up.
  const isTransient =
    retryable || ['connection-lost', 'timeout', 'server-busy'].includes(code) || condition === 'ENOTFOUND'
  return new ReadError(sentence(message), {
    code,
    retryable: isTransient,
    cause: error,
    ...(condition === undefined ? {} : { condition }),
  })
}

/** What does not pass by itself. */
const final: ReadonlyMap<string, EventHubErrorDetails['code']> = new Map([
  ['amqp:unauthorized-access', 'unauthorized'],
  ['amqp:not-found', 'entity-not-found'],
  ['amqp:link:stolen', 'argument-error'],
  ['amqp:resource-limit-exceeded', 'quota-exceeded'],
  ['amqp:not-allowed', 'argument-error'],
  ['com.microsoft:argument-error', 'argument-error'],
  ['com.microsoft:argument-out-of-range', 'argument-error'],
  ['com.microsoft:entity-disabled', 'entity-disabled'],
])

function fromRefusal({ condition = '', description = '' }: AmqpErrorLike, circumstances: Circumstances): ReadError {
  const { place, consumerGroup } = circumstances
  const code = final.get(condition) ?? 'service-error'
  const said = description === '' ? '' : ` The service says: ${sentence(description)}`
  const details = { code, condition, retryable: !final.has(condition) }
  switch (condition) {
    case 'amqp:unauthorized-access':
      return new ReadError(`The credential may not read '${place.eventHubName}'. ${mayNotRead}${said}`, details)
    case 'amqp:not-found':
      return new ReadError(
        `There is no consumer group '${consumerGroup}', or no event hub '${place.eventHubName}', in ${place.fullyQualifiedNamespace}. Check --consumer-group and --hub.${said}`,
        details,
      )
    case 'amqp:link:stolen':
      return new ReadError(
        `Another reader has taken the consumer group '${consumerGroup}' for itself. Read by another one: --consumer-group NAME.${said}`,
        details,
      )
    case 'amqp:resource-limit-exceeded':
      return new ReadError(
        `Too many readers share the consumer group '${consumerGroup}'. Stop one, or read by another group: --consumer-group NAME.${said}`,
        details,
      )
    default:
      return new ReadError(`The service refuses to be read (${condition || 'no reason given'}).${said}`, details)
  }
}

/** An answer of `$cbs`. */
export function refusedToken({ statusCode: status, statusDescription: description }: Response): ReadError {
  const said = description === '' ? '' : ` The service says: ${sentence(description)}`
  const message = `The service refused the token (${status}). ${mayNotRead}${said}`
  return new ReadError(message, { code: 'unauthorized', condition: String(status), retryable: status >= 500 })
}

/** An answer of `$management`. */
export function refusedDescription(
  { statusCode: status, statusDescription: description }: Response,
  eventHubName: string,
): ReadError {
  const said = description === '' ? '' : ` The service says: ${sentence(description)}`
  if (status === 404) {
    const message = `There is no event hub '${eventHubName}'. Check --hub and the namespace.${said}`
    return new ReadError(message, { code: 'entity-not-found', condition: '404' })
  }
  const message = `The service does not describe the event hub (${status}).${said}`
  const code = status === 401 || status === 403 ? 'unauthorized' : 'service-error'
  return new ReadError(message, { code, condition: String(status), retryable: status >= 500 || status === 429 })
}

function sentence(text: string): string {
  const line = printable(text.trim())
  return /[.?!]$/.test(line) ? line : `${line}.`
}
