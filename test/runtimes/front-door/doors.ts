import { createFetchHandler, type FetchContext, type FetchHandlerOptions } from '../../../adapters/fetch/index.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'

/** What each runtime is started with: as bindings of a Worker, as environment variables elsewhere. */
export interface DoorsEnv {
  readonly HUB: string
  readonly TRANSPORT: 'amqp' | 'https'
}

export const keys = { bearer: 'bearer-key-of-a-test', old: 'bearer-key-before-that' }
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
