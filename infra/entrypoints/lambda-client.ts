import { destinationFromEnvironment } from '../../adapters/aws-lambda/index.js'
import { clientFor } from '../../adapters/flush-on-freeze.js'
import type { EventHubProducerClient } from '../../core/client.js'

type Handler<E, C, R> = (event: E, context: C) => Promise<R>

/**
 * A handler with the client that the environment describes. Throws `TypeError` at once when it describes none.
 *
 * In Lambda there is one client for the life of the instance, connected in the init phase. Elsewhere, as under
 * `serverless invoke local`, the process ends only when no connection is left open: there every call has its own.
 */
export function withClient<E, C, R>(
  makeHandler: (client: EventHubProducerClient) => Handler<E, C, R>,
): Handler<E, C, R> {
  const destination = destinationFromEnvironment(process.env)
  if (process.env.AWS_LAMBDA_RUNTIME_API) {
    const client = clientFor(destination)()
    // Never rejects: a failure shows again with the first event.
    void client.warmUp()
    return makeHandler(client)
  }
  return async (event, context) => {
    const client = clientFor(destination)()
    try {
      return await makeHandler(client)(event, context)
    } finally {
      await client.close({ flush: false })
    }
  }
}
