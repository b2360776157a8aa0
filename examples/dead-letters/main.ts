// What to do with each kind of failure: what can never be sent is set aside, what may pass is sent again, and what is unknown
// is sent again too, since readers can tell a second copy by its id.
import { type EventData, EventHubProducerClient, type FlushFailure } from 'eventhub-sluice'

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '')
/** Stands for a queue, a table or a file of your own. */
const deadLetters: { id: unknown; code: string }[] = []

function isForGood({ outcome, error }: FlushFailure): boolean {
  return outcome === 'refused' && !error.retryable
}

async function sendAll(events: readonly EventData[], deadline: number): Promise<void> {
  let left = events
  while (left.length > 0) {
    const timeoutInMs = deadline - Date.now()
    if (timeoutInMs <= 0) throw new Error(`${left.length} events were not sent in time.`)
    const invocation = client.beginInvocation({ timeoutInMs })
    void invocation.sendBatch(left).catch(() => {}) // what it rejects stands in the report
    const { failures } = await invocation.end()
    for (const { event, error } of failures.filter(isForGood)) {
      deadLetters.push({ id: (event as EventData).messageId, code: error.code })
    }
    // The library has retried within the deadline; what is left goes into another round.
    left = failures.filter((failure) => !isForGood(failure)).map(({ event }) => event as EventData)
  }
}

await sendAll(
  [
    { body: 'fine', messageId: 'e-1' },
    { body: 'x'.repeat(2_000_000), messageId: 'e-2' }, // too large
    { body: () => {}, messageId: 'e-3' }, // a function has no JSON form
    { body: 'fine as well', messageId: 'e-4' },
  ],
  Date.now() + 10_000,
)
for (const { id, code } of deadLetters) console.log(`set aside: ${id} (${code})`)
await client.close()
