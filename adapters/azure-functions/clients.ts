import type { EventHubProducerClient } from '../../core/client.js'
import { clientFor, type Destination } from '../flush-on-freeze.js'
import { onAppTerminate } from './host.js'

/** More destinations than this means that outputs are made per invocation, each with a connection that stays. */
const mostClients = 64

/** The host leaves a worker about five seconds between `workerTerminate` and its end. */
const closeTimeoutInMs = 4_000

interface SharedClient {
  readonly destination: Destination
  readonly client: EventHubProducerClient
}

let sharedClients: SharedClient[] = []
let closesOnTerminate = false

/**
 * The one client of this worker for a destination; equal destinations share it. A client that the user brought
 * is handed back as it is and never closed here. Makes no connection yet.
 */
export function sharedClient(destination: Destination): EventHubProducerClient {
  if (destination.client) return clientFor(destination)()
  const known = sharedClients.find((shared) => isSameDestination(shared.destination, destination))
  if (known) return known.client
  if (sharedClients.length >= mostClients) {
    throw new Error(
      `This worker already has clients for ${mostClients} different destinations. Call eventHubOutput() once per output, at module level, not in a handler.`,
    )
  }
  const client = clientFor(destination)()
  sharedClients.push({ destination, client })
  if (!closesOnTerminate) {
    closesOnTerminate = true
    onAppTerminate(closeSharedClients)
  }
  return client
}

/** Flushes and closes every shared client, side by side; never rejects. */
export async function closeSharedClients(): Promise<void> {
  const closing = sharedClients
  sharedClients = []
  await Promise.allSettled(closing.map(({ client }) => client.close({ timeoutInMs: closeTimeoutInMs })))
}

function isSameDestination(a: Destination, b: Destination): boolean {
  return (
    a.connectionString === b.connectionString &&
    a.fullyQualifiedNamespace === b.fullyQualifiedNamespace &&
    a.eventHubName === b.eventHubName &&
    a.credential === b.credential &&
    isShallowEqual(a.clientOptions ?? {}, b.clientOptions ?? {})
  )
}

function isShallowEqual(a: object, b: object): boolean {
  const left = Object.entries(a)
  const right = new Map(Object.entries(b))
  return left.length === right.size && left.every(([name, value]) => right.has(name) && right.get(name) === value)
}
