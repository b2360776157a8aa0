import { clientFromEnvironment, type ForwardHandler } from '../../adapters/aws-lambda/index.js'
import type { EventHubProducerClient } from '../../core/client.js'
import { EventHubError } from '../../core/errors.js'

type Context = Parameters<ForwardHandler>[1]
type Handler<E, R> = (event: E, context: Context) => Promise<R>

/** Kept back of the function's time for the answer, in milliseconds. */
const reserveInMs = 500

/** Elsewhere, as under `serverless invoke local`, the process ends only when no connection is left open. */
export function isInLambda(): boolean {
  return Boolean(process.env.AWS_LAMBDA_RUNTIME_API)
}

/** A handler whose every call has a client of its own, which is closed after it. Throws `TypeError` as below. */
export function withOwnClient<E, R>(makeHandler: (client: EventHubProducerClient) => Handler<E, R>): Handler<E, R> {
  // With options of its own the client is not shared: what is closed here is of no use to the next call.
  const connectAnew = () => clientFromEnvironment({ warmUp: false, clientOptions: {} })
  // Once now, so that a wrong environment fails the loading. It opens nothing.
  connectAnew()
  return async (event, context) => {
    const client = await connectAnew()()
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
export function withClient<E, R>(
  makeHandler: (client: EventHubProducerClient) => Handler<E, R>,
  unavailable: (error: EventHubError) => R,
): Handler<E, R> {
  if (!isInLambda()) return withOwnClient(makeHandler)
  const getClient = clientFromEnvironment()
  // Anew only for another client, which there is when a stored connection string leads elsewhere.
  let made: { readonly client: EventHubProducerClient; readonly handler: Handler<E, R> } | undefined
  return async (event, context) => {
    let client: EventHubProducerClient
    try {
      client = await getClient(Math.max(0, context.getRemainingTimeInMillis() - reserveInMs))
    } catch (error) {
      if (error instanceof EventHubError) return unavailable(error)
      throw error
    }
    if (made?.client !== client) made = { client, handler: makeHandler(client) }
    return made.handler(event, context)
  }
}
