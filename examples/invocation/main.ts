// Work with a beginning, an end and a deadline: every event of it is settled when `end()` resolves, and the report says
// which were not accepted, and why.
import { EventHubProducerClient } from 'eventhub-sluice'

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '')

async function importOrders(orders: readonly { customer: string; note: string }[]): Promise<void> {
  const invocation = client.beginInvocation({ timeoutInMs: 5000 })
  // Taken at the call: the batches are on their way while this loop goes on.
  for (const order of orders) void invocation.sendEvent({ body: order }, { partitionKey: order.customer })
  const { accepted, failures, durationInMs } = await invocation.end()
  console.log(`${accepted} of ${orders.length} accepted in ${Math.round(durationInMs)} ms`)
  for (const { index, outcome, error } of failures) console.log(`order ${index}: ${outcome} (${error.code})`)
}

await importOrders([
  { customer: 'ada', note: 'leave it at the door' },
  { customer: 'bob', note: 'x'.repeat(2_000_000) }, // larger than an event may be
  { customer: 'ada', note: 'ring twice' },
])
await client.close()
