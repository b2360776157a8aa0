import type { Clock } from './clock.js'
import type { EventInput } from './event-data.js'

/** A user's event as bytes, made once when it is taken. Opaque to everyone but its transport. */
export interface EncodedEvent {
  /** What it adds to a batch, exactly, envelope excluded. */
  readonly sizeInBytes: number
  readonly partitionKey: string | undefined
  /** True when this wire can only carry the event in a batch of its own. */
  readonly solo: boolean
}

/** How a wire writes events. Pure: no I/O, no clock. */
export interface EventCodec<E extends EncodedEvent = EncodedEvent> {
  /** Throws `TypeError` for what is not an event, `EventHubError` (`not-supported`) for what this wire cannot carry. */
  encode(event: EventInput, partitionKey: string | undefined): E
  /** Bytes that a batch costs beside its events. It may depend on the first one (the envelope repeats its annotations). */
  envelopeSizeInBytes(first: E): number
}

/** Where a batch goes: to one partition, or (undefined) wherever the service puts it. */
export type PartitionId = string | undefined

/** Limits of one operation. Times are absolute readings of `Clock.monotonicNow()`. */
export interface OperationLimits {
  readonly deadline: number
  readonly signal?: AbortSignal | undefined
}

export interface EventHubProperties {
  readonly name: string
  readonly createdOn: Date
  readonly partitionIds: readonly string[]
}

export interface PartitionProperties {
  readonly partitionId: string
  readonly eventHubName: string
  readonly beginningSequenceNumber: number
  readonly lastEnqueuedSequenceNumber: number
  readonly lastEnqueuedOffset: string
  readonly lastEnqueuedOnUtc: Date
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
  getEventHubProperties(limits: OperationLimits): Promise<EventHubProperties>
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
  close(limits: OperationLimits): Promise<void>
}

/** A token and how `$cbs` or an `Authorization` header must name it. */
export interface AuthToken {
  readonly token: string
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
  debug?(message: string): void
  info?(message: string): void
  warn?(message: string): void
  error?(message: string): void
}

/** Everything a transport is built from. */
export interface TransportContext {
  readonly fullyQualifiedNamespace: string
  readonly eventHubName: string
  readonly tokens: TokenSource
  readonly clock: Clock
  readonly random: () => number
  readonly logger: Logger
  readonly options: TransportOptions
}

/** The parsed options that concern a wire. */
export interface TransportOptions {
  /** True for `UseDevelopmentEmulator=true`: no TLS. */
  readonly development: boolean
  /** Overrides where to connect; the namespace stays the name that is authenticated. */
  readonly endpoint: { readonly hostname: string; readonly port: number | undefined } | undefined
  readonly sasl: 'cbs' | 'plain'
  readonly enableIdempotentRetries: boolean
  /** Key name and key; present only when the credential is a named key (for `sasl: 'plain'`). */
  readonly namedKey: (() => { readonly name: string; readonly key: string }) | undefined
  readonly authTimeoutInMs: number
  readonly socketTimeoutInMs: number
  readonly idleTimeoutInMs: number | undefined
  readonly userAgent: string
  readonly tls: Readonly<Record<string, unknown>> | undefined
  readonly httpProxy:
    | { readonly hostname: string; readonly port: number; readonly username?: string; readonly password?: string }
    | undefined
}

/** Makes a transport; does no I/O until the transport is first used. */
export type TransportFactory = (context: TransportContext) => Transport
