import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { systemClock } from '../../core/clock.js'
import { EventHubProducerClient, type TransportType } from '../../core/index.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type Relay, startRelay } from '../support/relay.js'

let hub: LocalHub
let relay: Relay
let client: EventHubProducerClient
/** How long the process has been frozen: the wall clock shows it, timers and sockets do not. */
let sleptInMs = 0

beforeEach(async () => {
  sleptInMs = 0
  hub = await startLocalHub({ sharedAccessKeys: { root: 'key' } })
})
afterEach(async () => {
  await client.close({ flush: false })
  await relay.close()
  await hub.close()
})

async function connect(transportType: TransportType): Promise<void> {
  relay = await startRelay(transportType === 'amqp' ? hub.amqpPort : hub.httpPort)
  const text = `Endpoint=sb://127.0.0.1:${relay.port};SharedAccessKeyName=root;SharedAccessKey=key;EntityPath=events;UseDevelopmentEmulator=true`
  client = EventHubProducerClient.fromConnectionString(text, {
    transportType,
    clock: { ...systemClock, wallNow: () => systemClock.wallNow() + sleptInMs },
  })
}

/** Beside the first send, claims and partition ids are asked for; an answer that is late is taken for a sign of life. */
async function untilQuiet(): Promise<void> {
  let heard = -1
  while (relay.answered.length > heard) {
    heard = relay.answered.length
    await sleep(100)
  }
}

describe.each<TransportType>(['amqp', 'amqpOverWebSocket'])('over %s, a connection that died in a freeze', (type) => {
  test('is found dead by a few round trips, before an event is entrusted to it', async () => {
    await connect(type)
    await client.sendEvent({ body: 'before' }, { partitionId: '0' })
    await untilQuiet()
    hub.faults.silenceOpenConnections()
    sleptInMs = 75_000
    const startedAt = performance.now()
    const invocation = client.beginInvocation()
    void invocation.sendEvent({ body: 'after the thaw' }, { partitionId: '0' })
    expect(await invocation.end()).toMatchObject({ accepted: 1, failures: [] })
    // Sooner than the event itself would be missed.
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(hub.events('events').map(({ body }) => body.toString())).toEqual(['before', 'after the thaw'])
    expect(relay.accepted).toBe(2)
    // What is written by a WebSocket client is masked.
    if (type === 'amqp') expect(relay.sent.toString('latin1').split('after the thaw')).toHaveLength(2)
  })
})
