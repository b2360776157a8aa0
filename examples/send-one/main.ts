// One event, sent at once: the call resolves when the event hub has it.
import { EventHubProducerClient } from 'eventhub-sluice'

const connectionString = process.env.EVENTHUB_CONNECTION_STRING
if (!connectionString) throw new Error('Set EVENTHUB_CONNECTION_STRING, with EntityPath=<the event hub> in it.')

const client = EventHubProducerClient.fromConnectionString(connectionString)
await client.sendEvent({ body: { order: 1, total: 12.5 }, messageId: 'order-1' }, { partitionKey: 'customer-7' })
console.log(`The event hub "${client.eventHubName}" has accepted the event.`)
await client.close()
