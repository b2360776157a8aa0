import { createFetchHandler, queueConsumer } from '../../adapters/fetch/index.js'
import { destinationAndAuth, type FrontDoorEnv } from '../cloudflare/environment.js'

/**
 * The HTTP front door, and the consumer of a queue, as a Cloudflare Worker. Events leave by HTTPS: a socket would belong
 * to one request.
 */
export default createFetchHandler<FrontDoorEnv>((env) => ({ ...destinationAndAuth(env), queue: queueConsumer() }))
