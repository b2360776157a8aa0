// GitHub's webhooks into an event hub, on Node. Give the webhook the address of this server, and the same secret.
import { EventHubProducerClient } from 'eventhub-sluice'
import { createFetchHandler, gitHubAuth } from 'eventhub-sluice/fetch'
import { serve } from 'srvx'

export async function startServer(options: { connectionString: string; secret: string; port: number }) {
  const client = EventHubProducerClient.fromConnectionString(options.connectionString)
  const door = createFetchHandler({
    client,
    auth: gitHubAuth({ secrets: [options.secret] }),
    // GitHub waits ten seconds.
    timeoutInMs: 9000,
    // Deliveries of one hook stay in order.
    partitionKey: (request) => request.headers.get('x-github-hook-id') ?? undefined,
  })
  const server = serve({
    port: options.port,
    hostname: '127.0.0.1',
    silent: true,
    fetch: (request) => door.fetch(request),
  })
  await server.ready()
  return {
    url: server.url ?? '',
    async close() {
      // First what is under way, then the connection that it needs.
      await server.close()
      await client.close()
    },
  }
}
