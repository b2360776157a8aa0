import { EventHubProducerClient } from '../../core/client.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { FakeTransport, type FakeTransportOptions } from './fake-transport.js'
import { VirtualClock } from './virtual-clock.js'

export interface FakeSetup {
  readonly client: EventHubProducerClient
  readonly transport: FakeTransport
  readonly clock: VirtualClock
  /** What the client logged, as `level: message`. */
  readonly logged: string[]
}

/** The real client over a fake wire and virtual time. */
export function fakeClient(
  options: EventHubProducerClientOptions = {},
  transportOptions: FakeTransportOptions = {},
): FakeSetup {
  const clock = new VirtualClock()
  const transport = new FakeTransport(clock, transportOptions)
  const logged: string[] = []
  const logger = {
    warn: (message: string) => logged.push(`warn: ${message}`),
    error: (message: string) => logged.push(`error: ${message}`),
  }
  const client = new EventHubProducerClient(
    'ns.example.net',
    'events',
    { name: 'key-name', key: 'key' },
    { clock, random: () => 0.5, transportType: transport, logger, ...options },
  )
  return { client, transport, clock, logged }
}
