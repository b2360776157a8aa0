import { serve } from './deno-bun-server.js'
import { fail, frontDoorFromEnvironment, stopOnSignals } from './http-environment.js'

/**
 * The HTTP front door as a server of Deno or Bun, bundled with the condition `deno` or `bun`. Set up by environment, as
 * `frontDoorFromEnvironment` says. SIGTERM and SIGINT: no new request is taken, those under way are answered, then the
 * process ends.
 */
async function main(): Promise<void> {
  const { client, handler, port, hostname } = frontDoorFromEnvironment()
  const server = await serve(handler, { port, hostname })
  void client.warmUp()
  console.log(`The front door listens on ${server.url}. Post events to ${server.url}/events.`)
  stopOnSignals(client, server)
}

main().catch(fail)
