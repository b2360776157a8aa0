import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { EventHubProducerClient, type EventHubProducerClientOptions, type TransportType } from '../../core/index.js'
import { packageVersion } from '../../core/options.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { linesOf } from '../support/lines.js'
import { startRelay } from '../support/relay.js'

let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
})
afterAll(() => hub.close())
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

const transportTypes: TransportType[] = ['amqp', 'amqpOverWebSocket', 'https']
const portOf = (type: TransportType) => (type === 'amqp' ? hub.amqpPort : hub.httpPort)

function connect(port: number, options: EventHubProducerClientOptions): EventHubProducerClient {
  const text = `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, options)
  clients.push(client)
  return client
}

describe('userAgent', () => {
  const ours = `eventhub-sluice/${packageVersion}`

  test('over amqp is told in the properties of open, before our own', async () => {
    const relay = await startRelay(hub.amqpPort)
    try {
      await connect(relay.port, { userAgent: 'my-app/1.0' }).sendEvent({ body: 'a' })
      // A symbol, then a string: constructor and length between them.
      expect(relay.sent.toString('latin1')).toMatch(new RegExp(`user-agent..my-app/1\\.0 ${ours}`, 's'))
    } finally {
      await relay.close()
    }
  })

  test.each<TransportType>(['amqpOverWebSocket', 'https'])(
    'over %s is an HTTP header, before our own',
    async (type) => {
      const relay = await startRelay(hub.httpPort)
      try {
        const client = connect(relay.port, { transportType: type, userAgent: 'my-app/1.0' })
        await client.sendEvent({ body: 'a' })
        expect(relay.sent.toString('latin1')).toMatch(new RegExp(`\r\nuser-agent: my-app/1\\.0 ${ours}\r\n`, 'i'))
      } finally {
        await relay.close()
      }
    },
  )

  test.each(transportTypes)('left out, %s names this library and its version', async (transportType) => {
    const relay = await startRelay(portOf(transportType))
    try {
      await connect(relay.port, { transportType }).sendEvent({ body: 'a' })
      expect(relay.sent.toString('latin1')).toMatch(new RegExp(`user-agent(?:..|: )${ours}`, 'is'))
    } finally {
      await relay.close()
    }
  })
})

describe('the logger', () => {
  test.each<TransportType>(['amqp', 'amqpOverWebSocket'])(
    'over %s is told when a connection opens, is there, and ends, and why',
    async (transportType) => {
      const { lines, logger } = linesOf()
      const port = portOf(transportType)
      const client = connect(port, { transportType, logger })
      await client.sendEvent({ body: 'a' })
      hub.faults.forceCloseConnections({ description: 'moved elsewhere' })
      await vi.waitFor(() => expect(lines).toHaveLength(3))
      expect(lines).toEqual([
        `debug: eventhub-sluice: connecting to 127.0.0.1:${port}.`,
        `debug: eventhub-sluice: connected to 127.0.0.1:${port}.`,
        expect.stringMatching(/^debug: eventhub-sluice: the connection to .* ended: .*moved elsewhere/),
      ])
    },
  )

  test.each(transportTypes)('over %s is told what failed and when it is tried again', async (transportType) => {
    const { lines, logger } = linesOf()
    const retryOptions = { retryDelayInMs: 20, mode: 'fixed' as const }
    const client = connect(portOf(transportType), { transportType, logger, retryOptions, random: () => 0.5 })
    await client.sendEvent({ body: 'warm' })
    lines.length = 0
    hub.faults.rejectNext({ condition: 'amqp:internal-error', count: 2 })
    await client.sendEvent({ body: 'a' })
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatch(/^debug: eventhub-sluice: attempt 1 failed: .+\. Trying again in 20 ms\.$/)
    expect(lines[1]).toContain('attempt 2 failed')
  })

  test('left out, only warnings and errors reach the console', async () => {
    const spies = (['debug', 'info', 'log', 'warn', 'error'] as const).map((name) =>
      vi.spyOn(console, name).mockImplementation(() => {}),
    )
    try {
      const client = connect(hub.amqpPort, {})
      await client.sendEvent({ body: 'a' }, { partitionKey: 5 as never })
      await client.close()
      expect(spies.map((spy) => spy.mock.calls.length)).toEqual([0, 0, 0, 1, 0])
    } finally {
      for (const spy of spies) spy.mockRestore()
    }
  })
})
