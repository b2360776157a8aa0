import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { EventHubProducerClient, type EventHubProducerClientOptions, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type Relay, startRelay } from '../support/relay.js'

let hub: LocalHub
let relay: Relay | undefined
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'secret' } })
})
afterAll(() => hub.close())
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await relay?.close()
  relay = undefined
})

function connect(port: number, options: EventHubProducerClientOptions): EventHubProducerClient {
  const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=secret;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, { retryOptions: { maxRetries: 0 }, ...options })
  clients.push(client)
  return client
}

const portOf = (type: TransportType) => (type === 'amqp' ? hub.amqpPort : hub.httpPort)

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])('%s, with idleTimeoutInMs', (transportType) => {
  test('a peer that is there is asked to say so, and the connection stays', async () => {
    relay = await startRelay(portOf(transportType))
    const client = connect(relay.port, { transportType, idleTimeoutInMs: 400 })
    await client.sendEvent({ body: 'a' })
    const before = relay.answered.length
    await sleep(900)
    expect([relay.accepted, relay.openCount]).toEqual([1, 1])
    // Empty frames of 8 bytes, several within each 400 ms.
    expect(relay.answered.length - before).toBeGreaterThanOrEqual(6 * 8)
  })

  test('a peer that falls silent loses its connection; the next send has a new one', async () => {
    relay = await startRelay(portOf(transportType))
    const client = connect(relay.port, { transportType, idleTimeoutInMs: 400 })
    await client.sendEvent({ body: 'before' })
    hub.faults.silenceOpenConnections()
    const startedAt = performance.now()
    await expect.poll(() => relay?.openCount, { timeout: 5000, interval: 20 }).toBe(0)
    const took = performance.now() - startedAt
    expect(took).toBeGreaterThanOrEqual(300)
    // Far sooner than anything that is sent would find out.
    expect(took).toBeLessThan(2000)
    await client.sendEvent({ body: 'after' })
    expect(relay.accepted).toBe(2)
  })

  test('left out, a silent peer keeps its connection until it is needed', async () => {
    relay = await startRelay(portOf(transportType))
    const client = connect(relay.port, { transportType })
    await client.sendEvent({ body: 'before' })
    hub.faults.silenceOpenConnections()
    await sleep(800)
    expect(relay.openCount).toBe(1)
  })
})

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])(
  '%s, a service that closes idle connections',
  (transportType) => {
    test('hears from an idle client in time, and keeps its connection', async () => {
      const strict = await startLocalHub({ sharedAccessKeys: { root: 'secret' }, idleTimeoutInMs: 1500 })
      try {
        const client = connect(transportType === 'amqp' ? strict.amqpPort : strict.httpPort, { transportType })
        await client.sendEvent({ body: 'a' })
        const [before] = strict.connections
        await sleep(3500)
        await client.sendEvent({ body: 'b' })
        expect(strict.connections.map(({ id }) => id)).toEqual([before?.id])
      } finally {
        await strict.close()
      }
    })
  },
)

test('over https idleTimeoutInMs is refused at construction, by name: its connections are the runtime’s', () => {
  expect(() => connect(1, { transportType: 'https', idleTimeoutInMs: 1000 })).toThrow(TypeError)
  expect(() => connect(1, { transportType: 'https', idleTimeoutInMs: 1000 })).toThrow(/idleTimeoutInMs .*Leave it out/)
})
