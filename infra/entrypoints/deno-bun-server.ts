import { serve as serveWithSrvx } from 'srvx'
import type { Handler, RunningServer, ServeOptions } from './node-server.js'

/** Bun cuts connections that are silent for 10 s, which is less than an event hub may take. Bun's most, in seconds. */
const longestIdleTimeInBun = 255

/**
 * Serves a fetch handler with the server that Deno or Bun brings, by srvx. Both read an upload as fast as the handler
 * does, and neither loses an answer to an upload that it refuses, so nothing is needed on top of srvx.
 */
export async function serve(
  handler: Handler,
  { port, hostname = '127.0.0.1' }: Omit<ServeOptions, 'shutdownTimeoutInMs'>,
): Promise<RunningServer> {
  const server = serveWithSrvx({
    port,
    hostname,
    manual: true,
    silent: true,
    // What a signal means is the entry's to say: it has an Event Hubs client to close as well.
    gracefulShutdown: false,
    bun: { idleTimeout: longestIdleTimeInBun },
    fetch(request) {
      const answering = Promise.resolve(handler.fetch(request, undefined, context))
      // Its caller may go before it is done.
      context.waitUntil(answering)
      return answering
    },
  })
  const context = { waitUntil: (promise: Promise<unknown>) => server.waitUntil?.(promise) }
  await server.serve()
  return { url: (server.url ?? '').replace(/\/$/, ''), close: () => server.close() }
}
