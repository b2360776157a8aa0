import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { systemClock } from '../../core/clock.js'
import { EventHubProducerClient, type EventHubProducerClientOptions, type TransportType } from '../../core/index.js'
import { partitionIndexForKey } from '../../core/routing/partition-key-hash.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { fakeClient } from '../support/fake-client.js'
import { type Relay, startRelay } from '../support/relay.js'

const minute = 60_000
let hub: LocalHub
let relay: Relay
let laterInMs = 0
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  laterInMs = 0
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: 4 } }, sharedAccessKeys: { root: 'key' } })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  await relay.close()
  await hub.close()
})

async function connect(type: TransportType, options: EventHubProducerClientOptions = {}) {
  relay = await startRelay(type === 'amqp' ? hub.amqpPort : hub.httpPort)
  const text = `Endpoint=sb://127.0.0.1:${relay.port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
  const client = EventHubProducerClient.fromConnectionString(text, {
    transportType: type,
    clock: { ...systemClock, wallNow: () => systemClock.wallNow() + laterInMs },
    retryOptions: { maxRetries: 0 },
    ...options,
  })
  clients.push(client)
  return client
}

/** A key that another partition count maps elsewhere. */
const key = Array.from({ length: 100 }, (_, i) => `key-${i}`).find(
  (each) => partitionIndexForKey(each, 4) !== partitionIndexForKey(each, 8),
)
if (key === undefined) throw new Error('No key moves.')
const partitionOf = (body: string) => hub.events('events').find((event) => event.body.toString() === body)?.partitionId

async function sendKeyed(client: EventHubProducerClient, body: string): Promise<void> {
  const invocation = client.beginInvocation({ timeoutInMs: 5000 })
  void invocation.sendEvent({ body }, { partitionKey: key })
  expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
}

/** How often the event hub has described itself. */
const readings = () => relay.answered.toString('latin1').split('partition_ids').length - 1

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])('over %s, partition ids', (type) => {
  test('are asked for once, however much is sent', async () => {
    const client = await connect(type)
    const invocation = client.beginInvocation()
    for (let i = 0; i < 50; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `key-${i}` })
    expect((await invocation.end()).accepted).toBe(50)
    for (let i = 0; i < 5; i++) await sendKeyed(client, `${i}`)
    expect(readings()).toBe(1)
  })

  test('of an event hub that has grown are known within minutes, and no send waits for them', async () => {
    const client = await connect(type)
    await sendKeyed(client, 'before')
    hub.setPartitionCount('events', 8)
    await sendKeyed(client, 'still young')
    laterInMs = 5 * minute
    await sendKeyed(client, 'old')
    await vi.waitFor(() => expect(readings()).toBe(2))
    await vi.waitFor(async () => {
      await sendKeyed(client, 'new')
      expect(hub.events('events', `${partitionIndexForKey(key, 8)}`).map(({ body }) => `${body}`)).toContain('new')
    })
    const before = `${partitionIndexForKey(key, 4)}`
    expect([partitionOf('before'), partitionOf('still young'), partitionOf('old')]).toEqual([before, before, before])
    // All of it over the one connection that was there.
    expect(relay.accepted).toBe(1)
  })

  test('an unknown one is refused at once, and asked for beside that', async () => {
    const client = await connect(type)
    await client.getPartitionIds()
    hub.setPartitionCount('events', 8)
    laterInMs = 10_000
    await expect(client.sendEvent({ body: 'a' }, { partitionId: '6' })).rejects.toMatchObject({
      code: 'argument-error',
      outcome: 'refused',
    })
    await vi.waitFor(() => expect(readings()).toBe(2))
    await vi.waitFor(() => client.sendEvent({ body: 'b' }, { partitionId: '6' }))
    expect(partitionOf('b')).toBe('6')
    await expect(client.sendEvent({ body: 'c' }, { partitionId: '8' })).rejects.toMatchObject({
      code: 'argument-error',
    })
  })

  test('that getPartitionIds has answered are used from then on', async () => {
    const client = await connect(type)
    await sendKeyed(client, 'before')
    hub.setPartitionCount('events', 8)
    expect(await client.getPartitionIds()).toHaveLength(8)
    await sendKeyed(client, 'after')
    expect(partitionOf('after')).toBe(`${partitionIndexForKey(key, 8)}`)
  })

  test('that were given are neither asked for nor replaced', async () => {
    const client = await connect(type, { partitionIds: ['0', '1', '2', '3'] })
    hub.setPartitionCount('events', 8)
    laterInMs = 60 * minute
    await sendKeyed(client, 'a')
    expect(partitionOf('a')).toBe(`${partitionIndexForKey(key, 4)}`)
    expect(readings()).toBe(0)
  })
})

test('an answer that does not come holds up neither sends nor close', async () => {
  const { client, transport, clock } = fakeClient({}, { onSend: (send) => send.accept() })
  relay = await startRelay(1)
  const keyed = async () => {
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'a' }, { partitionKey: key })
    return (await invocation.end()).accepted
  }
  expect(await keyed()).toBe(1)
  transport.propertiesGate = new Promise(() => {})
  await clock.advance(5 * minute)
  expect(await keyed()).toBe(1)
  expect(transport.propertyReads).toBe(2)
  expect(await keyed()).toBe(1)
  expect(transport.propertyReads).toBe(2)
  await client.close()
})
