import type { Clock } from './clock.js'
import type { EventInput } from './event-data.js'
import type { HttpProxyOptions } from './options/http-proxy.js'
import type { TlsOptions } from './options/tls.js'

/** A user's event as bytes, made once when it is taken. Opaque to everyone but its transport. */
export interface EncodedEvent {
  /** What it adds to a batch, exactly, envelope excluded. */
  readonly sizeInBytes: number
  /** The key that was encoded with it; undefined for none. */
  readonly partitionKey: string | undefined
  /** True when this wire can only carry the event in a batch of its own. */
  readonly solo: boolean
}

/** How a wire writes events. Pure: no I/O, no clock. */
export interface EventCodec<E extends EncodedEvent = EncodedEvent> {
  /**
   * Throws `TypeError` for what is not an event, `EventHubError` (`not-supported`) for what this wire cannot carry.
   * `partitionId`, where it is known already, is a hint at which events will share a batch; it changes no byte.
   */
  encode(event: EventInput, partitionKey: string | undefined, partitionId?: string): E
  /** Bytes that a batch costs beside its events. It may depend on the first one (the envelope repeats its annotations). */
  envelopeSizeInBytes(first: E): number
  /** Told at most once of an event that nobody will read again, so that its memory can be used for another. */
  release?(event: E): void
}

/** Where a batch goes: to one partition, or (undefined) wherever the service puts it. */
export type PartitionId = string | undefined

/** Limits of one operation. Times are absolute readings of `Clock.monotonicNow()`. */
export interface OperationLimits {
  /** `Infinity` for none. */
  readonly deadline: number
  /** Gives the operation up when it aborts. */
  readonly signal?: AbortSignal | undefined
}

/** What the service says of an event hub. The fields are those of the Python client, in this language's spelling. */
export interface EventHubProperties {
  /** The event hub's name. */
  readonly eventHubName: string
  /** When it was created. */
  readonly createdAt: Date
  /** In the service's order, by which keys are mapped to partitions. */
  readonly partitionIds: readonly string[]
}

/** What the service says of a partition. The fields are those of the Python client, in this language's spelling. */
export interface PartitionProperties {
  /** Such as `0`. */
  readonly id: string
  /** The event hub that it belongs to. */
  readonly eventHubName: string
  /** Sequence number of the oldest event that is still kept. */
  readonly beginningSequenceNumber: number
  /** Sequence number of the newest event. */
  readonly lastEnqueuedSequenceNumber: number
  /** Offset of the newest event. */
  readonly lastEnqueuedOffset: string
  /** When the newest event was enqueued. */
  readonly lastEnqueuedTimeUtc: Date
  /** Whether it keeps no event. */
  readonly isEmpty: boolean
}

/**
 * The contract both wires keep.
 *
 * - Every method that waits settles by `limits.deadline`, and soon after `limits.signal` aborts.
 * - Rejections are `EventHubError`s whose `outcome` says what the wire knows: `returned` when nothing
 *   left, `unknown` when something left without an answer, `refused` when the service said no.
 * - A transport never retries: its callers do.
 * - Sends to one partition go out in call order.
 */
export interface Transport<E extends EncodedEvent = EncodedEvent> {
  /** Such as `amqp` or `https`; a custom transport names itself. */
  readonly name: string
  /** How it writes events. */
  readonly codec: EventCodec<E>
  /** Whether `getEventHubProperties` and `getPartitionProperties` can work with a sender's rights. */
  readonly canReadProperties: boolean
  /**
   * Whether a repeated send (the very same array of events) is stored once however often it arrives; needed for
   * `enableIdempotentRetries`. It is then given one batch at a time per partition. Default: false.
   */
  readonly canRetryIdempotently?: boolean
  /** Largest batch in bytes; a documented default until the service has told. */
  maxBatchSizeInBytes(partitionId: PartitionId): number
  /** Sends one batch and resolves once the service has accepted it. */
  send(partitionId: PartitionId, events: readonly E[], limits: OperationLimits): Promise<void>
  /** Asks the service. Rejects with `not-supported` where that cannot be done. */
  getEventHubProperties(limits: OperationLimits): Promise<EventHubProperties>
  /** Asks the service. Rejects with `not-supported` where that cannot be done. */
  getPartitionProperties(partitionId: string, limits: OperationLimits): Promise<PartitionProperties>
  /** Connects ahead of the first send, as far as that helps. */
  warmUp(limits: OperationLimits): Promise<void>
  /** Called when an invocation begins: may start a proof of life, in the background. Never throws. */
  checkLiveness(): void
  /**
   * Called when events were given up while their bytes may still sit in a socket: the connection they
   * left by must not outlive the last live invocation. Never throws.
   */
  retireConnection(): void
  /** Closes every connection; what is still under way fails. No handle stays open. */
  close(limits: OperationLimits): Promise<void>
}

/** A token and how `$cbs` or an `Authorization` header must name it. */
export interface AuthToken {
  /** The token itself, a secret. */
  readonly token: string
  /** As `$cbs` names it: `jwt` is Microsoft Entra's, the other a Shared Access Signature. */
  readonly type: 'jwt' | 'servicebus.windows.net:sastoken'
  /** Wall clock milliseconds after which it should be replaced. */
  readonly refreshAfter: number
  /** Wall clock milliseconds after which the service refuses it. */
  readonly expiresOn: number
}

/** Hands out tokens; caches and renews them behind the scenes. */
export interface TokenSource {
  /** `audience` is the resource's full URI, such as `sb://ns.servicebus.windows.net/hub`. */
  getToken(audience: string, limits: OperationLimits): Promise<AuthToken>
  /** Forgets what is cached, after the service refused a token. */
  invalidate(audience: string): void
}

/** Receives one line at a time. Never given a secret or an event's body. */
export interface Logger {
  /** What helps to find a fault. */
  debug?(message: string): void
  /** What is worth knowing. */
  info?(message: string): void
  /** What somebody should look at. */
  warn?(message: string): void
  /** What went wrong and shows nowhere else. */
  error?(message: string): void
}

/** Everything a transport is built from. */
export interface TransportContext {
  /** Host name, such as `my-namespace.servicebus.windows.net`. */
  readonly fullyQualifiedNamespace: string
  /** The one event hub that the client sends to. */
  readonly eventHubName: string
  /** Where tokens come from. */
  readonly tokens: TokenSource
  /** The only source of time and timers. */
  readonly clock: Clock
  /** The only source of random numbers: from 0 up to 1. */
  readonly random: () => number
  /** Where diagnostics go. It never throws. */
  readonly logger: Logger
  /** The client's options, as far as a wire is concerned. */
  readonly options: TransportOptions
}

/** The parsed options that concern a wire. */
export interface TransportOptions {
  /** True for `UseDevelopmentEmulator=true`: no TLS. */
  readonly development: boolean
  /** Overrides where to connect; the namespace stays the name that is authenticated. */
  readonly endpoint: { readonly hostname: string; readonly port: number | undefined } | undefined
  /** How AMQP authenticates: by claims, or with a named key as password. */
  readonly sasl: 'cbs' | 'plain'
  /** Whether a repeated send must be stored once. */
  readonly enableIdempotentRetries: boolean
  /** As given by the user; undefined when the service has to be asked. */
  readonly partitionIds: readonly string[] | undefined
  /** Key name and key; present only when the credential is a named key (for `sasl: 'plain'`). */
  readonly namedKey: (() => { readonly name: string; readonly key: string }) | undefined
  /** Longest wait for a token and its acceptance, in milliseconds; 0: none but the operation's own. */
  readonly authTimeoutInMs: number
  /** Longest wait for the connection to open, in milliseconds. */
  readonly socketTimeoutInMs: number
  /** Milliseconds without a word from the peer after which the connection is given up; undefined: none. */
  readonly idleTimeoutInMs: number | undefined
  /** Whole: the user's and ours. Printable ASCII. */
  readonly userAgent: string
  /** Checked, without fields that are undefined. Undefined: the system's defaults. */
  readonly tls: TlsOptions | undefined
  /** Undefined: none. */
  readonly httpProxy: HttpProxyOptions | undefined
}

/** Makes a transport; does no I/O until the transport is first used. */
export type TransportFactory = (context: TransportContext) => Transport
