import { EventHubError } from '../errors.js'
import { type ConnectionString, parseConnectionString } from './connection-string.js'
import type { NamedKeyCredential, SasCredential, SecretRequest } from './credential.js'

/** Fetches the present connection string, such as from a vault. */
export type RefreshConnectionString = (request: SecretRequest) => Promise<string>

/**
 * The credential in a connection string, which takes over the key or the signature of the string that `refresh`
 * fetches. That string must name the same place: what is connected stays connected.
 */
export function refreshingCredential(
  initial: ConnectionString,
  refresh: RefreshConnectionString | undefined,
): NamedKeyCredential | SasCredential {
  let current = initial
  const take = async (request: SecretRequest) => {
    const next = parseConnectionString((await refresh?.(request)) ?? '')
    if (!isSamePlace(initial, next)) {
      throw new EventHubError(
        'The refreshed connection string names another namespace or event hub. Make a new client for it.',
        { code: 'argument-error' },
      )
    }
    current = next
  }
  const beside = refresh ? { refresh: take } : {}
  if (initial.sharedAccessSignature !== undefined) {
    return {
      ...beside,
      get signature() {
        return current.sharedAccessSignature ?? ''
      },
    }
  }
  return {
    ...beside,
    get name() {
      return current.sharedAccessKeyName ?? ''
    },
    get key() {
      return current.sharedAccessKey ?? ''
    },
  }
}

/** And the same kind of secret: a signature cannot take a key's place. */
function isSamePlace(a: ConnectionString, b: ConnectionString): boolean {
  return (
    a.fullyQualifiedNamespace.toLowerCase() === b.fullyQualifiedNamespace.toLowerCase() &&
    a.port === b.port &&
    a.development === b.development &&
    // A string may leave the event hub out; it was named apart then.
    (b.eventHubName === undefined || a.eventHubName === b.eventHubName) &&
    (a.sharedAccessSignature === undefined) === (b.sharedAccessSignature === undefined)
  )
}
