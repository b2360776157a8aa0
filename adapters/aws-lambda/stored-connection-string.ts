import type { EventHubProducerClient } from '../../core/client.js'
import type { Clock } from '../../core/clock.js'
import { EventHubError } from '../../core/errors.js'
import { cachedText } from './aws/cached-text.js'
import { nameOf, type TextStore } from './aws/stored-text.js'
import type { Logger } from './options.js'

export interface StoredConnectionStringOptions {
  readonly store: TextStore
  readonly ttlInMs: number
  readonly fetch: () => Promise<string>
  /** Throws `TypeError` for what is no connection string. `refresh` gives the present one. */
  readonly makeClient: (
    connectionString: string,
    refresh: (request: { readonly rejected: boolean }) => Promise<string>,
  ) => EventHubProducerClient
  readonly clock: Clock
  readonly logger: Logger
}

/** How long a client that is replaced may take for what it still sends, in milliseconds. */
const goodbyeTimeInMs = 5_000

/**
 * Hands out a client made from a connection string that is kept elsewhere. A new key there reaches the client without
 * a new connection: it asks before each signature, and at once when the service refuses one. A new place makes a new
 * client.
 */
export function storedConnectionStringClient(options: StoredConnectionStringOptions) {
  const { store, ttlInMs, fetch, makeClient, clock, logger } = options
  const text = cachedText({ fetch, ttlInMs, clock, logger })
  let current: Made | undefined

  const make = (connectionString: string): EventHubProducerClient => {
    try {
      return makeClient(connectionString, ({ rejected }) => text({ rejected }))
    } catch (cause) {
      // Our own words about a connection string never hold a part of it that is secret.
      const reason = cause instanceof Error ? cause.message : 'It cannot be read.'
      throw new EventHubError(`In AWS, ${nameOf(store)} is no connection string to use. ${reason}`, {
        code: 'argument-error',
        cause,
      })
    }
  }

  return async (timeInMs?: number): Promise<EventHubProducerClient> => {
    const connectionString = await text({ timeInMs })
    if (current?.connectionString === connectionString) return current.client
    if (!current) {
      current = { connectionString, client: make(connectionString) }
      return current.client
    }
    const previous = current
    let next: EventHubProducerClient
    try {
      // Free of connections and timers until it is used.
      next = make(connectionString)
    } catch (error) {
      // A slip of the hand while the key is rotated: the old key may well be good for as long as that takes.
      logger.error?.(
        `eventhub-sluice: ${error instanceof Error ? error.message : String(error)} The last one stays in use.`,
      )
      return previous.client
    }
    if (isSamePlace(previous, { connectionString, client: next })) {
      current = { connectionString, client: previous.client }
    } else {
      current = { connectionString, client: next }
      await previous.client.close({ timeoutInMs: goodbyeTimeInMs }).catch(() => undefined)
    }
    return current.client
  }
}

interface Made {
  readonly connectionString: string
  readonly client: EventHubProducerClient
}

/** And the same kind of secret: a client cannot change from a key to a ready signature. */
function isSamePlace(a: Made, b: Made): boolean {
  const holdsSignature = ({ connectionString }: Made) => /(^|;)\s*SharedAccessSignature\s*=/i.test(connectionString)
  return (
    a.client.fullyQualifiedNamespace === b.client.fullyQualifiedNamespace &&
    a.client.eventHubName === b.client.eventHubName &&
    holdsSignature(a) === holdsSignature(b)
  )
}
