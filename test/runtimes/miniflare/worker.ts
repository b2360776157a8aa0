import { fileURLToPath } from 'node:url'
import { createTestHarness, type TestHarness } from 'wrangler'
import type { LocalHub } from '../../../infra/local-hub/index.js'

const here = fileURLToPath(new URL('.', import.meta.url))
export const configPath = fileURLToPath(new URL('../../../infra/cloudflare/wrangler.jsonc', import.meta.url))

export const frontDoorKey = 'front-door-key-of-a-test'

/** As much of a queue's binding as is used here. */
interface Queue {
  send(body: unknown, options?: { readonly contentType?: 'json' | 'text' | 'bytes' }): Promise<void>
  sendBatch(messages: { readonly body: unknown; readonly contentType?: 'json' | 'text' | 'bytes' }[]): Promise<void>
}

/** The Worker under Miniflare, as infra/cloudflare/wrangler.jsonc describes it. */
export interface RunningWorker {
  readonly server: TestHarness
  readonly queue: Queue
  post(body: string, headers?: Record<string, string>): Promise<Response>
  /** What it has logged so far. */
  log(): string
}

/**
 * The caller closes `server`.
 *
 * @param environment of wrangler.jsonc; undefined: the top level
 */
export async function startWorker(hub: LocalHub, environment?: 'objects'): Promise<RunningWorker> {
  const port = environment === undefined ? hub.httpPort : hub.amqpPort
  const server = createTestHarness({
    root: here,
    workers: [
      {
        configPath,
        ...(environment === undefined ? {} : { env: environment }),
        secrets: {
          EVENTHUB_CONNECTION_STRING: hub.connectionString.replace(`:${hub.amqpPort}`, `:${port}`),
          FRONT_DOOR_KEY: frontDoorKey,
        },
      },
      {
        config: {
          name: 'producer',
          main: 'producer.ts',
          compatibility_date: '2026-06-01',
          queues: { producers: [{ binding: 'EVENTS', queue: 'events' }] },
        },
      },
    ],
  })
  await server.listen()
  const { EVENTS } = await server.getWorker<{ EVENTS: Queue }>('producer').getEnv()
  return {
    server,
    queue: EVENTS,
    post: (body, headers = {}) =>
      server.fetch('/events', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json', authorization: `Bearer ${frontDoorKey}`, ...headers },
      }),
    log: () =>
      server
        .getLogs()
        .map(({ message }) => message)
        .join('\n'),
  }
}
