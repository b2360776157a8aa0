import { EventHubProducerClient } from '@azure/event-hubs'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { thrownBy } from '../../support/thrown.js'

// What changes while a namespace is in use; the official client says what it looks like from outside.
let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  hub = await startLocalHub({ sharedAccessKeys: { root: 'b2xk' } })
})
afterEach(async () => {
  // Its close takes seconds; the hub's own close ends it.
  for (const client of clients.splice(0)) void client.close().catch(() => {})
  await hub.close()
})

function connect(): EventHubProducerClient {
  const client = new EventHubProducerClient(hub.connectionString, { retryOptions: { maxRetries: 0 } })
  clients.push(client)
  return client
}

describe('an event hub that grows', () => {
  test('describes its new partitions, takes events for them, and keeps what it had', async () => {
    const client = connect()
    await client.sendBatch([{ body: 'before' }], { partitionId: '3' })
    hub.setPartitionCount('events', 6)
    expect(await client.getPartitionIds()).toEqual(['0', '1', '2', '3', '4', '5'])
    await client.sendBatch([{ body: 'after' }], { partitionId: '5' })
    expect(hub.events('events', '3')).toHaveLength(1)
    expect(hub.events('events', '5')).toHaveLength(1)
  })

  test('never shrinks', () => {
    expect(thrownBy(() => hub.setPartitionCount('events', 3))).toBeInstanceOf(RangeError)
    expect(thrownBy(() => hub.setPartitionCount('events', 1025))).toBeInstanceOf(RangeError)
    expect(thrownBy(() => hub.setPartitionCount('nowhere', 5)).message).toContain("'nowhere'")
  })
})

describe('a key that is replaced', () => {
  test('signs from now on; the old one no more; what was claimed holds', async () => {
    const old = connect()
    await old.sendBatch([{ body: 'before' }])
    const text = hub.connectionString
    hub.replaceSharedAccessKey('root', 'bmV3')
    expect(hub.connectionString).toBe(text.replace('b2xk', 'bmV3'))
    await old.sendBatch([{ body: 'claimed' }])
    await connect().sendBatch([{ body: 'after' }])
    const late = new EventHubProducerClient(text, { retryOptions: { maxRetries: 0 } })
    clients.push(late)
    await expect(late.sendBatch([{ body: 'no' }])).rejects.toMatchObject({ code: 'UnauthorizedError' })
    expect(hub.events('events')).toHaveLength(3)
  })

  test('has a name that is known, and is not empty', () => {
    expect(thrownBy(() => hub.replaceSharedAccessKey('nobody', 'bmV3')).message).toContain("'nobody'")
    expect(thrownBy(() => hub.replaceSharedAccessKey('root', '')).message).toContain("'root'")
  })
})
