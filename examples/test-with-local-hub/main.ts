// Tests against a real server in the test's own process: no mock, no container, no account. Here with Node's own test runner.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { EventHubProducerClient } from 'eventhub-sluice'
import { type LocalHub, startLocalHub } from 'eventhub-sluice/local-hub'
import { publish } from './orders.js'

let hub: LocalHub
let client: EventHubProducerClient
before(async () => {
  hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 2 } } })
  client = EventHubProducerClient.fromConnectionString(hub.connectionString)
})
after(async () => {
  await client.close()
  await hub.close()
})

test("a customer's orders arrive, in order and in one partition", async () => {
  await publish(client, [
    { customer: 'ada', total: 1 },
    { customer: 'ada', total: 2 },
  ])
  const events = hub.events('orders')
  assert.deepEqual(
    events.map(({ body }) => JSON.parse(body.toString())),
    [
      { customer: 'ada', total: 1 },
      { customer: 'ada', total: 2 },
    ],
  )
  assert.equal(new Set(events.map(({ partitionId }) => partitionId)).size, 1)
})

test('an event hub that falls silent fails the call in time', async () => {
  hub.faults.silence = true
  await assert.rejects(publish(client, [{ customer: 'bob', total: 3 }]), /1 orders were not published/)
  hub.faults.reset()
})
