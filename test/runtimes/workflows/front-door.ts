import { onTestFinished } from 'vitest'
import { createFetchHandler, type FetchHandlerOptions } from '../../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../../core/client.js'
import { serve } from '../../../infra/entrypoints/node-server.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'

/** A front door that listens, and the local hub behind it. */
export interface RunningDoor {
  readonly url: string
  readonly hub: LocalHub
  /** What has landed, in the order of the partitions. */
  landed(): { readonly body: unknown; readonly partitionKey: string | undefined }[]
  close(): Promise<void>
}

export const frontDoorKey = 'a-key-for-the-front-door'

/** A running front door; whoever started it closes it. */
export async function openFrontDoor(options: Partial<FetchHandlerOptions> = {}): Promise<RunningDoor> {
  const hub = await startLocalHub({ eventHubs: { events: { partitionCount: 2 } } })
  const client = EventHubProducerClient.fromConnectionString(hub.connectionString, {
    retryOptions: { maxRetries: 0 },
  })
  const logger = { warn: () => {}, error: () => {} }
  const handler = createFetchHandler({ client, auth: { bearer: frontDoorKey }, logger, ...options })
  const server = await serve(handler, { port: 0 })
  return {
    url: server.url,
    hub,
    landed: () =>
      hub.events('events').map(({ body, partitionKey }) => ({
        body: JSON.parse(new TextDecoder().decode(body as Uint8Array)),
        partitionKey,
      })),
    async close() {
      await server.close()
      await client.close()
      await hub.close()
    },
  }
}

/** As `openFrontDoor`; it closes with the test. */
export async function frontDoorForTest(options?: Partial<FetchHandlerOptions>): Promise<RunningDoor> {
  const door = await openFrontDoor(options)
  onTestFinished(() => door.close())
  return door
}
