import type { Stage } from '../context.js'
import type { ContentReader } from '../incoming.js'

/** What `cloudEventsWebhook` and `eventGridWebhook` make. */
export interface WebhookProtocol {
  /** Answers an `OPTIONS` request that asks whether events may be sent; undefined for any other. `allow`: the path's methods. */
  readonly handshake?: ((request: Request, allow: string) => Response | undefined) | undefined
  /** @internal Comes after `auth`. */
  readonly stage?: Stage | undefined
  /** @internal Reads what this sender posts; undefined for what is not its own. */
  readonly readerFor?: ((request: Request) => ContentReader | undefined) | undefined
}
