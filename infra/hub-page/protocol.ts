/*
 * What the page and its server say to each other: JSON, by Server-Sent Events one way and by POST the other. Types alone,
 * so that both sides can import them. Times are milliseconds since 1970 by the server's clock.
 */

/** How events can end: the account that the client gives of every event that it took. */
export interface Outcomes {
  readonly accepted: number
  readonly refused: number
  readonly unknown: number
  readonly returned: number
}

/** What does not change while the hub is up. */
export interface HubFacts {
  readonly eventHubNames: readonly string[]
  readonly host: string
  readonly amqpPort: number
  readonly httpPort: number
  /** Why the producer's process cannot be stopped on this machine; absent where it can. */
  readonly cannotFreeze?: string
  readonly maxEventsPerSecond: number
  readonly maxEventsPerSend: number
  /** What an invocation of the page's producer may take. */
  readonly invocationTimeoutInMs: number
}

/** What a partition has taken since the hub started; never goes back. */
export interface StoredCount {
  readonly eventHubName: string
  readonly partitionId: string
  readonly events: number
  readonly batches: number
  readonly sizeInBytes: number
}

/** One batch that arrived. When many do, only some are told; `StoredCount` counts all. */
export interface BatchSample {
  readonly eventHubName: string
  readonly partitionId: string
  /** Of its first event. */
  readonly sequenceNumber: number
  readonly events: number
  readonly sizeInBytes: number
  readonly at: number
  /** The first event's. */
  readonly partitionKey?: string
  readonly contentType?: string
  /** The beginning of the first event's body, as text; of bytes that are no text, in hexadecimal. */
  readonly preview: string
}

export type ProcessState = 'absent' | 'running' | 'freezing' | 'frozen'
export const meanwhiles = ['nothing', 'silence', 'close'] as const
export type Meanwhile = (typeof meanwhiles)[number]

/** The page's producer: a Sluice client in a process of its own, and the source that triggers it. */
export interface ProducerView {
  readonly process: ProcessState
  /** Since when it has been frozen. */
  readonly frozenAt?: number
  readonly isStreamOn: boolean
  readonly eventsPerSecond: number
  /** Events that wait in the source for an invocation to take them. */
  readonly waiting: number
  /** Events that an invocation has taken and not reported on yet. */
  readonly underWay: number
  /** Given to the client, counting again what was delivered again. */
  readonly taken: number
  readonly outcomes: Outcomes
  /** Of the stream: numbered events that were made, those that are in the hub, and copies of those beyond the first. */
  readonly created: number
  readonly stored: number
  readonly duplicates: number
  /** Of the stream: reported as accepted, and not in the hub. The promise is that there are none. */
  readonly lost: number
}

export interface FaultsView {
  readonly throttle: boolean
  readonly silence: boolean
  readonly refuseConnections: boolean
  readonly latencyInMs: number
}

export interface ConnectionView {
  readonly id: number
  readonly userAgent?: string
  readonly containerId?: string
  readonly saslMechanism?: string
  readonly links: readonly { readonly address: string; readonly role: 'incoming' | 'outgoing' }[]
  readonly claims: readonly {
    readonly path: string
    readonly rights: readonly string[]
    /** Absent when it does not end. */
    readonly expiresAt?: number
  }[]
}

interface Happened {
  /** Counts from 1, in order. */
  readonly id: number
  readonly at: number
}

/** What goes into the timeline. */
export type Happening =
  | (Happened &
      Outcomes & {
        readonly kind: 'invocation'
        readonly origin: 'stream' | 'form'
        /** The send that it belongs to, for the form. */
        readonly sendId?: number
        readonly taken: number
        readonly durationInMs: number
        /** Why some were not accepted: the first failure's code and message. */
        readonly reason?: string
      })
  | (Happened & {
      readonly kind: 'client'
      readonly level: 'debug' | 'info' | 'warn' | 'error'
      readonly text: string
    })
  | (Happened & { readonly kind: 'fault'; readonly text: string })
  | (Happened & { readonly kind: 'process'; readonly text: string })

/** How long it took: `stored`: from being taken to lying in the hub; `acknowledged`: the whole flush, answers included. */
export interface Latency {
  readonly kind: 'stored' | 'acknowledged'
  readonly at: number
  readonly durationInMs: number
}

/** Events stored within one second, over all event hubs. */
export interface ThroughputSecond {
  readonly second: number
  readonly events: number
}

/** A time during which a lasting fault was on, or the producer frozen. Without `until` it still is. */
export interface FaultSpan {
  readonly id: number
  readonly name: string
  readonly from: number
  readonly until?: number
}

/** Sent ten times a second when there is something new; whatever is absent is as it was. */
export interface Update {
  readonly at: number
  /** In the first message of a connection, which holds everything: what the page had before is void. */
  readonly hub?: HubFacts
  readonly stored?: readonly StoredCount[]
  readonly batches?: readonly BatchSample[]
  readonly producer?: ProducerView
  readonly faults?: FaultsView
  readonly connections?: readonly ConnectionView[]
  readonly happened?: readonly Happening[]
  readonly latencies?: readonly Latency[]
  readonly throughput?: readonly ThroughputSecond[]
  readonly spans?: readonly FaultSpan[]
}

/** `GET /_page/event`: one event, whole but for a very long body. */
export interface EventDetail {
  readonly eventHubName: string
  readonly partitionId: string
  readonly sequenceNumber: number
  readonly offset: string
  readonly enqueuedTime: string
  readonly partitionKey?: string
  readonly bodyType: 'data' | 'value' | 'sequence'
  readonly bodySizeInBytes: number
  /** Base64; only the beginning where `isBodyCut`. */
  readonly body: string
  readonly isBodyCut: boolean
  /** A value or sequence body, rendered as JSON. */
  readonly value?: string
  readonly encodedSizeInBytes: number
  readonly header: readonly Field[]
  readonly messageAnnotations: readonly Field[]
  readonly properties: readonly Field[]
  readonly applicationProperties: readonly Field[]
  /** The numbers of the events before and after it that are in store. */
  readonly previous?: number
  readonly next?: number
}

export interface Field {
  readonly name: string
  readonly type: string
  readonly value: string
}

export const bodyKinds = ['text', 'json', 'hex'] as const
export type BodyKind = (typeof bodyKinds)[number]

/** `POST /_page/send`. Answered with `{ sendId }`; what became of it is a `Happening`. */
export interface SendRequest {
  readonly eventHubName: string
  readonly bodyKind: BodyKind
  readonly body: string
  readonly contentType?: string
  readonly partitionKey?: string
  readonly partitionId?: string
  readonly properties?: Readonly<Record<string, string | number | boolean>>
  readonly count: number
}

/** `POST /_page/stream` */
export interface StreamRequest {
  readonly eventHubName: string
  readonly on: boolean
  readonly eventsPerSecond: number
}

export const actions = ['force-close', 'detach-links', 'destroy-connections', 'lose-acknowledgements', 'reset'] as const

/** `POST /_page/faults`: sets those that last, or does one that happens at once. */
export interface FaultRequest {
  readonly throttle?: boolean
  readonly silence?: boolean
  readonly refuseConnections?: boolean
  readonly latencyInMs?: number
  readonly action?: (typeof actions)[number]
  /** How many acknowledgements to lose. */
  readonly count?: number
}

/** `POST /_page/freeze` */
export interface FreezeRequest {
  readonly frozen: boolean
  readonly meanwhile?: Meanwhile
  /** Thaws by itself after so long. */
  readonly thawAfterInMs?: number
}
