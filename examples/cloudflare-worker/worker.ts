// A Worker that takes readings by HTTP: https://NAME.SUBDOMAIN.workers.dev/events. Its secrets are set with
// `wrangler secret put`.
import { createFetchHandler, rateLimit } from 'eventhub-sluice/fetch'

interface Env {
  readonly EVENTHUB_CONNECTION_STRING: string
  readonly FRONT_DOOR_KEY: string
}

export default createFetchHandler((env: Env) => ({
  connectionString: env.EVENTHUB_CONNECTION_STRING,
  auth: { bearer: env.FRONT_DOOR_KEY },
  rateLimit: rateLimit({ requestsPerSecond: 50 }),
  partitionKey: (request) => request.headers.get('x-device') ?? undefined,
}))
