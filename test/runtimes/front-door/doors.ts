import {
  apiKeyAuth,
  basicAuth,
  cloudEventsWebhook,
  cors,
  createFetchHandler,
  eventGridWebhook,
  type FetchContext,
  type FetchHandlerOptions,
  gitHubAuth,
  rateLimit,
  standardWebhooksAuth,
} from '../../../adapters/fetch/index.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'

/** What each runtime is started with: as bindings of a Worker, as environment variables elsewhere. */
export interface DoorsEnv {
  readonly HUB: string
  readonly TRANSPORT: 'amqp' | 'https'
}

export const keys = {
  bearer: 'bearer-key-of-a-test',
  old: 'bearer-key-before-that',
  api: 'api-key-of-some-length',
  password: 'password-of-some-length',
  gitHub: 'git-hub-secret-of-a-test',
  /** Of Standard Webhooks, which are in base64. */
  standard: 'c3RhbmRhcmQgd2ViaG9va3Mgb2YgYSB0ZXN0',
}
export const origin = 'https://app.example.com'
/** Of the doors whose hub may stall, in milliseconds. */
export const shortTimeoutInMs = 1_000

type Door = Omit<FetchHandlerOptions, 'connectionString' | 'clientOptions' | 'basePath'> & {
  readonly clientOptions?: EventHubProducerClientOptions
}

/** One door for each way to set one up, told apart by the first part of the path. */
const doors: Readonly<Record<string, Door>> = {
  // Batches leave soon, for tests that wait to see the first of an upload.
  open: { auth: 'none', clientOptions: { maxWaitTimeInMs: 100 } },
  bearer: { auth: { bearer: [keys.bearer, keys.old] } },
  basic: { auth: basicAuth({ users: { someone: keys.password } }) },
  'api-key': { auth: apiKeyAuth({ keys: keys.api }) },
  signed: { auth: [standardWebhooksAuth({ secrets: keys.standard }), gitHubAuth({ secrets: keys.gitHub })] },
  hooks: { auth: 'none', webhooks: [cloudEventsWebhook({ origins: ['sender.example.com'] }), eventGridWebhook()] },
  browsers: { auth: 'none', cors: cors({ origins: [origin] }) },
  limited: { auth: 'none', rateLimit: rateLimit({ requestsPerSecond: 0.01, burst: 2 }) },
  early: { auth: 'none', allowRespondAsync: true, clientOptions: { maxWaitTimeInMs: 100 } },
  hasty: { auth: 'none', timeoutInMs: shortTimeoutInMs, clientOptions: { maxWaitTimeInMs: 100 } },
  // Its requests would wait for each other, if limits were shared.
  narrow: {
    auth: 'none',
    allowRespondAsync: true,
    clientOptions: { maxConcurrentSends: 1, maxBufferLength: 1, maxWaitTimeInMs: 50 },
  },
  small: { auth: 'none', maxBodySizeInBytes: 1_000, maxEventsPerRequest: 3 },
}

const handlers = Object.fromEntries(
  Object.entries(doors).map(([name, { clientOptions, ...door }]) => [
    name,
    createFetchHandler<DoorsEnv>(({ HUB, TRANSPORT }) => ({
      ...door,
      connectionString: HUB,
      clientOptions: { ...clientOptions, transportType: TRANSPORT },
      basePath: `/${name}`,
    })),
  ]),
)

export async function fetchFromDoors(request: Request, env: DoorsEnv, ctx?: FetchContext): Promise<Response> {
  const handler = handlers[new URL(request.url).pathname.split('/')[1] ?? '']
  return handler ? handler.fetch(request, env, ctx) : new Response('There is no such door.', { status: 404 })
}
