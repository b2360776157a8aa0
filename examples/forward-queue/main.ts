// From any queue that delivers again what nobody acknowledged (RabbitMQ, Service Bus, a table in a database …) into an event
// hub: a message is acknowledged when the event hub has its event, and no sooner.
import { EventHubProducerClient } from 'eventhub-sluice'

interface Message {
  readonly id: string
  readonly group: string
  readonly text: string
}

/** Stands for the queue's own client. */
class Queue {
  readonly #waiting: Message[]

  constructor(messages: readonly Message[]) {
    this.#waiting = [...messages]
  }

  async receive(most: number): Promise<Message[]> {
    return this.#waiting.slice(0, most)
  }

  async acknowledge({ id }: Message): Promise<void> {
    const at = this.#waiting.findIndex((message) => message.id === id)
    if (at !== -1) this.#waiting.splice(at, 1)
  }
}

const client = EventHubProducerClient.fromConnectionString(process.env.EVENTHUB_CONNECTION_STRING ?? '')
const queue = new Queue(
  Array.from({ length: 250 }, (_, i) => ({ id: `m-${i}`, group: `group-${i % 5}`, text: `message ${i}` })),
)

/** One round: receives, sends, acknowledges. Returns how many messages were done. */
async function forward(): Promise<number> {
  const messages = await queue.receive(100)
  // 'stop': after a failure, later messages of the same group are returned, so that the queue brings them in order.
  const invocation = client.beginInvocation({ timeoutInMs: 10_000, afterFailure: 'stop' })
  for (const { id, group, text } of messages) {
    // Readers can tell a second copy by its id.
    void invocation.sendEvent({ body: text, messageId: id }, { partitionKey: group })
  }
  const { failures } = await invocation.end()
  const failed = new Set(failures.map(({ index }) => index))
  const done = messages.filter((_, i) => !failed.has(i))
  for (const message of done) await queue.acknowledge(message)
  for (const { index, outcome, error } of failures) console.warn(`${messages[index]?.id}: ${outcome} (${error.code})`)
  return done.length
}

let forwarded = 0
for (let done = await forward(); done > 0; done = await forward()) forwarded += done
console.log(`${forwarded} messages forwarded and acknowledged`)
await client.close()
