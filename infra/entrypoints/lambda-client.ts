import { clientFromEnvironment } from '../../adapters/aws-lambda/index.js'
import type { EventHubProducerClient } from '../../core/client.js'
import { EventHubError } from '../../core/errors.js'

type Handler<E, C, R> = (event: E, context: C) => Promise<R>

/** Elsewhere, as under `serverless invoke local`, the process ends only when no connection is left open. */
export function isInLambda(): boolean {
  return Boolean(process.env.AWS_LAMBDA_RUNTIME_API)
}

/** A handler whose every call has a client of its own, which is closed after it. Throws `TypeError` as below. */
export function withOwnClient<E, C, R>(
  makeHandler: (client: EventHubProducerClient) => Handler<E, C, R>,
): Handler<E, C, R> {
  const getClient = clientFromEnvironment()
  return async (event, context) => {
    const client = await getClient()
    try {
      return await makeHandler(client)(event, context)
    } finally {
      await client.close({ flush: false })
    }
  }
}

/**
 * A handler with the client of the instance, connected in the init phase; outside Lambda with one of its own. Throws
 * `TypeError` at once when the environment describes none.
 *
 * @param unavailable the answer while the connection string cannot be fetched
 */
export function withClient<E, C, R>(
  makeHandler: (client: EventHubProducerClient) => Handler<E, C, R>,
  unavailable: (error: EventHubError) => R,
): Handler<E, C, R> {
  if (!isInLambda()) return withOwnClient(makeHandler)
  const getClient = clientFromEnvironment()
  // Anew only for another client, which there is when a stored connection string leads elsewhere.
  let made: { readonly client: EventHubProducerClient; readonly handler: Handler<E, C, R> } | undefined
  return async (event, context) => {
    let client: EventHubProducerClient
    try {
      client = await getClient()
    } catch (error) {
      if (error instanceof EventHubError) return unavailable(error)
      throw error
    }
    if (made?.client !== client) made = { client, handler: makeHandler(client) }
    return made.handler(event, context)
  }
}
