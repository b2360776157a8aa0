import { createFetchHandler } from '../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../core/client.js'
import { serve } from './node-server.js'

/**
 * The HTTP front door as a Node server. Run it with `node http-node.js`; it is set up by environment:
 *
 * - `EVENTHUB_CONNECTION_STRING`: required; a key with the Send right is enough.
 * - `EVENTHUB_NAME`: the event hub, unless the connection string has an `EntityPath`.
 * - `FRONT_DOOR_KEY`: required; what callers send as `Authorization: Bearer <key>`, at least 16 characters.
 *   Several, separated by spaces, while one is being replaced.
 * - `PORT`: default 8080. `HOST`: the address to listen on, default 127.0.0.1 (this machine alone).
 *
 * SIGTERM and SIGINT: no new request is taken, those under way are answered, then the process ends.
 */
async function main(): Promise<void> {
  const client = EventHubProducerClient.fromConnectionString(required('EVENTHUB_CONNECTION_STRING'), {
    ...(process.env.EVENTHUB_NAME ? { eventHubName: process.env.EVENTHUB_NAME } : {}),
  })
  const handler = createFetchHandler({ client, auth: { bearer: required('FRONT_DOOR_KEY').split(/\s+/) } })
  const server = await serve(handler, { port: port(), hostname: process.env.HOST || '127.0.0.1' })
  // Nothing waits for it: the first request finds the connection ready, or makes it. After `serve`, so that a
  // taken port leaves nothing open.
  void client.warmUp()
  console.log(`The front door listens on ${server.url}. Post events to ${server.url}/events.`)

  let stopping: Promise<void> | undefined
  const stop = (signal: string) => {
    console.log(`${signal}: answering what is under way, then stopping.`)
    stopping ??= server.close().then(() => client.close())
    stopping.catch(fail)
  }
  process.once('SIGTERM', stop)
  process.once('SIGINT', stop)
}

function required(name: string): string {
  const value = process.env[name]?.trim()
  if (!value) throw new Error(`${name} is not set. Set it in the environment of this process.`)
  return value
}

function port(): number {
  const text = process.env.PORT || '8080'
  const number = Number(text)
  if (!/^\d+$/.test(text) || number > 65_535) throw new Error(`PORT must be a number from 0 to 65535; it is ${text}.`)
  return number
}

/** The sentence alone: a stack helps nobody who mistyped a variable. */
function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}

main().catch(fail)
