import type { AmqpPrimitive, EventData } from '../../core/event-data.js'
import type { Body } from './body.js'
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
  | {
      /** A body of another type, such as `text/plain`. */
      readonly kind: 'bytes'
      readonly data: Uint8Array
      /** The request's `Content-Type`. */
      readonly contentType: string
    }
  | {
      /** An item of `POST /events:batch`. */
      readonly kind: 'item'
      /** The parsed JSON of `body`, the string of `text`, the bytes of `base64`. */
      readonly value: unknown
      /** Its own; undefined for none. */
      readonly id: string | undefined
      /** Its own; undefined for none. */
      readonly partitionKey: string | undefined
      /** Empty for none. */
      readonly properties: Readonly<Record<string, AmqpPrimitive>>
    }

/** What a reader finds in a body, one by one and in order. */
export type IncomingItem =
  | {
      readonly incoming: IncomingEvent
      readonly event: EventData
      /** What its result is to be known by. */
      readonly id?: string | undefined
      /** Its own, which counts for more than the request's. */
      readonly partitionKey?: string | undefined
    }
  /** Why this item is no event, in words that repeat nothing of it. */
  | { readonly invalid: string; readonly id?: string | undefined }

/** What every reader needs. */
export interface ReadInput {
  readonly body: Body
  readonly maxEventsPerRequest: number
  readonly writeCloudEvent: CloudEventWriter
  /** Ends the reading: the request's time is up, or its caller has gone. */
  readonly signal: AbortSignal
}

/**
 * Takes a request's body apart. Throws `ProblemError` for what makes the whole body unreadable: the items
 * it has yielded until then stand.
 */
export type ContentReader = (input: ReadInput) => AsyncIterable<IncomingItem>
