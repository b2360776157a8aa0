import { EventHubProducerClient } from '../../core/client.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { clientFor, type Destination, destinationOptionNames } from '../flush-on-freeze.js'
import { readStoredText } from './aws/stored-text.js'
import { type EnvironmentDestination, readEnvironment } from './environment.js'
import { defaultCredential, federatedCredential } from './identity.js'
import { type Surroundings, surroundings } from './options.js'
import { storedConnectionStringClient } from './stored-connection-string.js'

/** Where the events go (the fields of `Destination`; by default, what the environment says), and when to connect. */
export interface ConnectionOptions extends Destination {
  /**
   * Connect when the module loads, in Lambda's init phase, rather than with the first event. A failed attempt harms
   * nothing: the first event tries again. Default: true in a Lambda function, false elsewhere.
   */
  readonly warmUp?: boolean | undefined
}

/** By name, so that unknown options can be refused. */
export const connectionOptionNames = [...destinationOptionNames, 'warmUp'] as const

/**
 * Hands out the client of this instance. At once, but where the connection string has to be fetched first, for which
 * the caller has `timeInMs`, what it needs for its answer taken off; it then rejects with an `EventHubError` when that
 * fails.
 */
export type GetClient = (timeInMs?: number) => EventHubProducerClient | Promise<EventHubProducerClient>

/**
 * The one client of a handler: from the options, or from the environment when they name no destination. Throws
 * `TypeError` at once for what is missing or contradictory.
 */
export function connect(options: ConnectionOptions, given: Surroundings): GetClient {
  const { client, connectionString, fullyQualifiedNamespace, eventHubName, credential, clientOptions } = options
  const isGiven = [client, connectionString, fullyQualifiedNamespace, eventHubName, credential].some(Boolean)
  const getClient = isGiven
    ? clientFor({ client, connectionString, fullyQualifiedNamespace, eventHubName, credential, clientOptions })
    : environmentClient(given, clientOptions)
  if (options.warmUp ?? Boolean(given.environment.AWS_LAMBDA_FUNCTION_NAME)) warmUp(getClient)
  return getClient
}

/**
 * Connects, or at least begins to. Not awaited: the module must load whatever happens to the connection, and what
 * fails here fails again, with its error, at the first event.
 */
export function warmUp(getClient: GetClient): void {
  const client = getClient()
  const warmed = client instanceof Promise ? client.then((made) => made.warmUp()) : client.warmUp()
  warmed.catch(() => undefined)
}

/**
 * The client that the environment describes, for handlers of one's own; in Lambda it connects at once. It is shared by
 * all that are configured alike, but for one with `clientOptions`. Throws one `TypeError` that names every variable
 * that is missing, wrong or too many.
 */
export function clientFromEnvironment(options: Pick<ConnectionOptions, 'clientOptions' | 'warmUp'> = {}): GetClient {
  const { clientOptions, warmUp } = options
  return connect({ clientOptions, warmUp }, surroundings())
}

/** By what they were made from: handlers of one module, configured alike, share a client and so a connection. */
const shared = new Map<string, GetClient>()

function environmentClient(given: Surroundings, clientOptions: EventHubProducerClientOptions | undefined): GetClient {
  const { environment } = given
  const destination = readEnvironment(environment)
  // Other options may make another client; other surroundings are a test's.
  if (clientOptions || environment !== process.env) return clientOf(destination, given, clientOptions)
  const key = JSON.stringify(destination)
  const known = shared.get(key)
  if (known) return known
  const getClient = clientOf(destination, given, undefined)
  shared.set(key, getClient)
  return getClient
}

function clientOf(
  destination: EnvironmentDestination,
  { environment, clock }: Surroundings,
  clientOptions: EventHubProducerClientOptions | undefined,
): GetClient {
  switch (destination.kind) {
    case 'connection-string': {
      const { connectionString, eventHubName } = destination
      return madeNow(clientFor({ connectionString, eventHubName, clientOptions }))
    }
    case 'identity': {
      const { fullyQualifiedNamespace, eventHubName, federation } = destination
      const credential = federation ? federatedCredential(federation, { environment, clock }) : defaultCredential()
      return madeNow(clientFor({ fullyQualifiedNamespace, eventHubName, credential, clientOptions }))
    }
    case 'stored-connection-string': {
      const { store, ttlInMs, eventHubName } = destination
      return storedConnectionStringClient({
        store,
        ttlInMs,
        fetch: () => readStoredText(store, { environment, clock }),
        makeClient: (connectionString, refreshConnectionString) =>
          EventHubProducerClient.fromConnectionString(connectionString, {
            ...clientOptions,
            ...(eventHubName === undefined ? {} : { eventHubName }),
            refreshConnectionString,
          }),
        clock,
        logger: clientOptions?.logger ?? console,
      })
    }
  }
}

/** So that what is wrong with it shows when the module loads. Making a client opens nothing and starts no timer. */
function madeNow(getClient: () => EventHubProducerClient): GetClient {
  getClient()
  return getClient
}
