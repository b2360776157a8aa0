import { fail, frontDoorFromEnvironment, stopOnSignals } from './http-environment.js'
import { serve } from './node-server.js'

/**
 * The HTTP front door as a Node server: `node http-node.js`. Set up by environment, as `frontDoorFromEnvironment` says.
 * SIGTERM and SIGINT: no new request is taken, those under way are answered, then the process ends.
 */
async function main(): Promise<void> {
  const { client, handler, port, hostname } = frontDoorFromEnvironment()
  const server = await serve(handler, { port, hostname })
  // Nothing waits for it: the first request finds the connection ready, or makes it. After `serve`, so that a
  // taken port leaves nothing open.
  void client.warmUp()
  console.log(`The front door listens on ${server.url}. Post events to ${server.url}/events.`)
  stopOnSignals(client, server)
}

main().catch(fail)
