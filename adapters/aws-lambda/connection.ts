import type { EventHubProducerClient } from '../../core/client.js'
import { EventHubError } from '../../core/errors.js'
import { clientFor, type Destination, destinationOptionNames } from '../flush-on-freeze.js'
import { lazyCredential, type TokenCredential } from '../lazy-credential.js'

/** Environment variables, by name; an empty one counts as unset, as deployment templates leave them. */
export type Environment = Readonly<Record<string, string | undefined>>

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
 * The one client of a handler: from the options, or from the environment when they name no destination. Throws
 * `TypeError` at once for what is missing or contradictory.
 */
export function connect(options: ConnectionOptions, environment: Environment): () => EventHubProducerClient {
  const { client, connectionString, fullyQualifiedNamespace, eventHubName, credential, clientOptions } = options
  const isGiven = [client, connectionString, fullyQualifiedNamespace, eventHubName, credential].some(Boolean)
  const destination = isGiven
    ? { client, connectionString, fullyQualifiedNamespace, eventHubName, credential, clientOptions }
    : { ...destinationFromEnvironment(environment), clientOptions }
  const getClient = clientFor(destination)
  if (options.warmUp ?? Boolean(environment.AWS_LAMBDA_FUNCTION_NAME)) {
    // Not awaited: the module must load whatever happens to the connection.
    Promise.resolve(getClient().warmUp()).catch(() => undefined)
  }
  return getClient
}

/** Where the events go by environment. Throws `TypeError` naming the variable that is missing. */
export function destinationFromEnvironment(environment: Environment): Destination {
  const connectionString = environment.EVENTHUB_CONNECTION_STRING || undefined
  const fullyQualifiedNamespace = environment.EVENTHUB_FULLY_QUALIFIED_NAMESPACE || undefined
  const eventHubName = environment.EVENTHUB_NAME || undefined

  if (connectionString && fullyQualifiedNamespace) {
    throw new TypeError(
      'Both EVENTHUB_CONNECTION_STRING and EVENTHUB_FULLY_QUALIFIED_NAMESPACE are set. Keep the one that is meant.',
    )
  }
  if (connectionString) {
    if (!eventHubName && !/(^|;)\s*EntityPath\s*=\s*[^;\s]/i.test(connectionString)) {
      throw new TypeError(
        'EVENTHUB_NAME is not set, and EVENTHUB_CONNECTION_STRING has no EntityPath. Set EVENTHUB_NAME to the name of the event hub.',
      )
    }
    return { connectionString, eventHubName }
  }
  if (!fullyQualifiedNamespace) {
    throw new TypeError(
      'Where should events go? Set EVENTHUB_CONNECTION_STRING, or EVENTHUB_FULLY_QUALIFIED_NAMESPACE with EVENTHUB_NAME; or pass connectionString or client as an option.',
    )
  }
  if (!eventHubName) {
    throw new TypeError('EVENTHUB_NAME is not set. Set it to the name of the event hub.')
  }
  return { fullyQualifiedNamespace, eventHubName, credential: lazyDefaultAzureCredential() }
}

/** `DefaultAzureCredential`, whose package is loaded with the first token and not before. */
export function lazyDefaultAzureCredential(load: () => Promise<TokenCredential> = loadIdentity): TokenCredential {
  return lazyCredential(load)
}

/** @internal */
export async function loadIdentity(
  importPackage: () => Promise<{ DefaultAzureCredential: new () => TokenCredential }> = () => import('@azure/identity'),
): Promise<TokenCredential> {
  try {
    const { DefaultAzureCredential } = await importPackage()
    return new DefaultAzureCredential()
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
    if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') throw cause
    throw new EventHubError(
      'EVENTHUB_FULLY_QUALIFIED_NAMESPACE needs the package @azure/identity, which is not in this deployment. Add it (npm install @azure/identity; with serverless.yml: --param=identity=bundled), or set EVENTHUB_CONNECTION_STRING instead.',
      { code: 'authentication-failed', cause },
    )
  }
}
