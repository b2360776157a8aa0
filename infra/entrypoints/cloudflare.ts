import { createFetchHandler, queueConsumer } from '../../adapters/fetch/index.js'

/** The bindings of the Worker. Set the first and the last with `wrangler secret put`, the name as a variable. */
export interface FrontDoorEnv {
  /** Of a key with the Send right. */
  readonly EVENTHUB_CONNECTION_STRING: string
  /** The event hub, unless the connection string has an `EntityPath`. */
  readonly EVENTHUB_NAME?: string
  /**
   * What callers send as `Authorization: Bearer <key>`, at least 16 characters. Several, separated by
   * spaces, while one is being replaced.
   */
  readonly FRONT_DOOR_KEY: string
}

/**
 * The HTTP front door, and the consumer of a queue, as a Cloudflare Worker. Events leave by HTTPS: a socket would belong
 * to one request.
 */
export default createFetchHandler<FrontDoorEnv>((env) => ({
  connectionString: required(env, 'EVENTHUB_CONNECTION_STRING'),
  eventHubName: env.EVENTHUB_NAME || undefined,
  auth: { bearer: required(env, 'FRONT_DOOR_KEY').split(/\s+/) },
  queue: queueConsumer(),
}))

function required(env: FrontDoorEnv, name: 'EVENTHUB_CONNECTION_STRING' | 'FRONT_DOOR_KEY'): string {
  const value = env[name]?.trim()
  if (!value) throw new Error(`The binding ${name} is missing. Set it with: wrangler secret put ${name}`)
  return value
}
