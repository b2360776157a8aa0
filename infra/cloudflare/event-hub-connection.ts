import { DurableObject } from 'cloudflare:workers'
import { createFetchHandler, type QueueMessage } from '../../adapters/fetch/index.js'
import { amqpTransport } from '../../core/amqp/index.js'
import { doorOptions, type ObjectsEnv } from './door.js'

/** A message of a queue as it travels to the object: without its methods. */
export type PlainMessage = Pick<QueueMessage, 'id' | 'timestamp' | 'body' | 'attempts'>

/** What is to become of a message. */
export type Verdict = 'ack' | { readonly delaySeconds?: number }

/**
 * The front door within a Durable Object. What requests cannot share in a Worker, a socket, belongs here to the object:
 * one AMQP connection serves every request and every batch for as long as the platform keeps the object in memory.
 */
export class EventHubConnection extends DurableObject<ObjectsEnv> {
  readonly #door = createFetchHandler(doorOptions(this.env, { transportType: amqpTransport }))

  fetch(request: Request): Promise<Response> {
    return this.#door.fetch(request, undefined, this.ctx)
  }

  /** Sends a batch of a queue, and says what is to become of each message, in their order. */
  async consume(queue: string, plain: readonly PlainMessage[]): Promise<readonly Verdict[]> {
    const verdicts: Verdict[] = plain.map(() => ({}))
    const messages = plain.map((message, at) => ({
      ...message,
      ack: () => {
        verdicts[at] = 'ack'
      },
      retry: (options: { readonly delaySeconds?: number } = {}) => {
        verdicts[at] = options
      },
    }))
    await this.#door.queue({ queue, messages })
    return verdicts
  }
}
