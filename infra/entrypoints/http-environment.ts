import { createFetchHandler, type FetchHandler } from '../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../core/client.js'
import type { Handler, RunningServer, ServeOptions } from './node-server.js'

/** A front door that is set up by the environment of its process, and where it is to listen. */
interface FrontDoor {
  readonly client: EventHubProducerClient
  readonly handler: FetchHandler
  readonly port: number
  readonly hostname: string
}

/**
 * Serves the front door until the process is asked to stop, set up by its environment:
 *
 * - `EVENTHUB_CONNECTION_STRING`: required; a key with the Send right is enough.
 * - `EVENTHUB_NAME`: the event hub, unless the connection string has an `EntityPath`.
 * - `FRONT_DOOR_KEY`: required; what callers send as `Authorization: Bearer <key>`, at least 16 characters.
 *   Several, separated by spaces, while one is being replaced.
 * - `PORT`: default 8080. `HOST`: the address to listen on, default 127.0.0.1 (this machine alone).
 *
 * A mistake in them is one sentence on stderr and exit code 1. SIGTERM and SIGINT: no new request is taken, those under
 * way are answered, then the process ends.
 */
export async function runFrontDoor(
  serve: (handler: Handler, options: ServeOptions) => Promise<RunningServer>,
): Promise<void> {
  try {
    const { client, handler, port, hostname } = frontDoorFromEnvironment()
    const server = await serve(handler, { port, hostname })
    // Nothing waits for it: the first request finds the connection ready, or makes it. After `serve`, so that a
    // taken port leaves nothing open.
    void client.warmUp()
    console.log(`The front door listens on ${server.url}. Post events to ${server.url}/events.`)
    stopOnSignals(client, server)
  } catch (error) {
    fail(error)
  }
}

/** Throws an error with a sentence to act on. Connects to nothing. */
function frontDoorFromEnvironment(): FrontDoor {
  const client = EventHubProducerClient.fromConnectionString(required('EVENTHUB_CONNECTION_STRING'), {
    ...(process.env.EVENTHUB_NAME ? { eventHubName: process.env.EVENTHUB_NAME } : {}),
  })
  return {
    client,
    handler: createFetchHandler({ client, auth: { bearer: required('FRONT_DOOR_KEY').split(/\s+/) } }),
    port: port(),
    hostname: process.env.HOST || '127.0.0.1',
  }
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

/**
 * Answers SIGTERM and SIGINT once: no new request is taken, those under way are answered, then the client closes and
 * the process ends. A second signal ends it at once.
 */
function stopOnSignals(client: EventHubProducerClient, server: { close(): Promise<void> }): void {
  const signals = ['SIGTERM', 'SIGINT'] as const
  const stop = (signal: string) => {
    // Either of them ends the process from now on, as it does where nobody listens.
    for (const each of signals) process.off(each, stop)
    console.log(`${signal}: answering what is under way, then stopping.`)
    server
      .close()
      .then(() => client.close())
      .catch(fail)
  }
  for (const each of signals) process.on(each, stop)
}

/** The sentence alone: a stack helps nobody who mistyped a variable. */
function fail(error: unknown): void {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
