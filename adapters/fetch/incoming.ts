import type { EventData } from '../../core/event-data.js'
import type { CloudEventWriter } from './cloud-event-to-event-data.js'
import type { CloudEvent } from './cloudevents/attributes.js'

/** An event as it stood in the request: what `options.partitionKey` decides by. */
export type IncomingEvent =
  | {
      readonly kind: 'json'
      /** The parsed JSON. */
      readonly value: unknown
    }
  | ({ readonly kind: 'cloudevent' } & CloudEvent)

/** What a reader finds in a body, one by one and in order. */
export type IncomingItem =
  | { readonly incoming: IncomingEvent; readonly event: EventData }
  /** Why this item is no event, in words that repeat nothing of it. */
  | { readonly invalid: string; readonly id?: string | undefined }

/** What every reader needs beside the request. */
export interface ReadLimits {
  readonly maxBodySizeInBytes: number
  readonly maxEventsPerRequest: number
  readonly writeCloudEvent: CloudEventWriter
  /** Ends the reading: the request's time is up, or its caller has gone. */
  readonly signal: AbortSignal
}

/**
 * Takes a request's body apart. Throws `ProblemError` for what makes the whole body unreadable: the items
 * it has yielded until then stand.
 */
export type ContentReader = (request: Request, limits: ReadLimits) => AsyncIterable<IncomingItem>
