/** A message of Cloudflare Queues, as far as it matters here. */
export interface QueueMessage {
  /** The platform's; the same at every delivery. */
  readonly id: string
  /** When the message was put into the queue. */
  readonly timestamp: Date
  /** As its producer sent it: a JSON value, a string, or bytes as `ArrayBuffer`. */
  readonly body: unknown
  /** Deliveries so far, this one included. */
  readonly attempts: number
  /** Done: it is not delivered again. */
  ack(): void
  /** Deliver it again, after `delaySeconds` or the queue's own `retry_delay`. */
  retry(options?: { readonly delaySeconds?: number }): void
}

/** What Cloudflare Queues hands to `queue`. */
export interface QueueBatch {
  /** The queue's name. */
  readonly queue: string
  /** In the order in which they arrived, which Queues does not promise to be that of sending. */
  readonly messages: readonly QueueMessage[]
}
