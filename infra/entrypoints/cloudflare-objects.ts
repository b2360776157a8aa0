import { createFetchHandler, type FetchContext, type QueueBatch } from '../../adapters/fetch/index.js'
import { doorOptions, type ObjectsEnv } from '../cloudflare/door.js'

export { IdempotencyObject } from '../../adapters/fetch/index.js'
export { EventHubConnection } from '../cloudflare/event-hub-connection.js'

const door = createFetchHandler<ObjectsEnv>((env) => doorOptions(env))

/** There is one. Others, by another name, would have connections of their own. */
const objectName = 'connection'

/**
 * The HTTP front door and queue consumer as a Cloudflare Worker with Durable Objects: everything is passed on to the
 * object that holds the AMQP connection, if there is a binding to it.
 */
export default {
  async fetch(request: Request, env: ObjectsEnv, ctx: FetchContext): Promise<Response> {
    const object = env.EVENTHUB_CONNECTION?.getByName(objectName)
    if (object === undefined) return door.fetch(request, env, ctx)
    try {
      return await object.fetch(request)
    } catch (error) {
      console.error(`The object ${objectName} did not answer: ${error instanceof Error ? error.message : typeof error}`)
      return unavailable()
    }
  },

  /** Rejects, and acknowledges nothing, when the object does not answer. */
  async queue(batch: QueueBatch, env: ObjectsEnv): Promise<void> {
    const object = env.EVENTHUB_CONNECTION?.getByName(objectName)
    if (object === undefined) return door.queue(batch, env)
    const plain = batch.messages.map(({ id, timestamp, body, attempts }) => ({ id, timestamp, body, attempts }))
    const verdicts = await object.consume(batch.queue, plain)
    for (const [at, message] of batch.messages.entries()) {
      const verdict = verdicts[at]
      if (verdict === 'ack') message.ack()
      else message.retry(verdict)
    }
  },
}

/** As the front door says it when Event Hubs cannot be reached. */
function unavailable(): Response {
  const problem = {
    type: 'urn:problem:eventhub-sluice:event-hub-unavailable',
    title: 'The event hub did not accept the events',
    status: 503,
    detail:
      'The connection was lost within the front door. Whether events were accepted is unknown. Send the request again.',
  }
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store', 'retry-after': '4' }
  return new Response(JSON.stringify(problem), { status: 503, headers })
}
