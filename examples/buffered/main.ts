// A process that lives long and sends all the time: events leave in batches, in the background, and callbacks tell
// what became of them. SIGTERM stops the sensor and sends what is left.
import { EventHubProducerClient } from 'eventhub-sluice'

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '', {
  bufferedMode: true,
  maxWaitTimeInMs: 200,
  onSuccess: (events, partitionId) => console.log(`${events.length} readings are in partition ${partitionId}`),
  onError: (events, _partitionId, error) =>
    console.error(`${events.length} readings: ${error.outcome}, ${error.code}. ${error.message}`),
})

const stopping = new AbortController()
process.once('SIGTERM', () => stopping.abort())
process.once('SIGINT', () => stopping.abort())

for (let reading = 1; reading <= 500 && !stopping.signal.aborted; reading++) {
  // Resolves when there is room in the buffer, so a slow service slows the sensor down instead of filling the memory.
  await client.sendEvent({ body: { reading, celsius: 20 + Math.sin(reading / 50) } }, { partitionKey: 'sensor-1' })
}
await client.close({ timeoutInMs: 10_000 })
console.log('Done.')
