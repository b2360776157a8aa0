import type { Clock } from '../clock.js'
import type { EventHubError } from '../errors.js'
import type { EventInput } from '../event-data.js'
import type { RetryOptions } from '../retry.js'
import type { Logger, Transport, TransportFactory } from '../transport.js'
import type { HttpProxyOptions } from './http-proxy.js'
import type { TlsOptions } from './tls.js'

/**
 * Options of `EventHubProducerClient`: of `ImmediateModeOptions` or, with `bufferedMode: true`, of
 * `BufferedModeOptions`. Times in milliseconds, sizes in bytes. Unknown names are refused.
 */
export type EventHubProducerClientOptions = ImmediateModeOptions | BufferedModeOptions

/**
 * Called with the events of a batch that the event hub accepted. `partitionId` is undefined where the service chose
 * the partition. What it returns is awaited for errors alone, which go to the logger.
 */
export type SuccessCallback = (events: EventInput[], partitionId: string | undefined) => unknown

/**
 * Called with events that were not accepted; `error.outcome` says what is known of them. `partitionId` is undefined
 * where the service was to choose the partition, or none was known yet.
 */
export type ErrorCallback = (events: EventInput[], partitionId: string | undefined, error: EventHubError) => unknown

/** Options of a client that sends at the call, as it does unless `bufferedMode` is set. */
export interface ImmediateModeOptions extends CommonClientOptions {
  /** Collect events and send them in the background; see `BufferedModeOptions`. Default: false. */
  readonly bufferedMode?: false | undefined
  /** Called with the events of each `sendEvent` or `sendBatch` that the event hub accepted. Default: none. */
  readonly onSuccess?: SuccessCallback | undefined
  /** Takes the error of `sendEvent` and `sendBatch` in place of their rejection. Default: none; they reject. */
  readonly onError?: ErrorCallback | undefined
}

/** Options of a client that collects events and sends them in the background. */
export interface BufferedModeOptions extends CommonClientOptions {
  /** Collect events and send them in the background. */
  readonly bufferedMode: true
  /** Called with each batch that the event hub accepted. Required. */
  readonly onSuccess: SuccessCallback
  /** Called with what was taken and could not be sent. Required. */
  readonly onError: ErrorCallback
}

/** What a client takes in either mode. */
export interface CommonClientOptions {
  /** The event hub, for `fromConnectionString` without `EntityPath`. Default: none. */
  readonly eventHubName?: string | undefined
  /** Events held per partition before `sendEvent` waits for room. Default: 1500. */
  readonly maxBufferLength?: number | undefined
  /**
   * Bytes held over all partitions before `sendEvent` waits for room. In Workers and browsers this limit, like
   * `maxBufferLength` and `maxConcurrentSends`, is of each invocation by itself. Default: 64 MiB.
   */
  readonly maxBufferSizeInBytes?: number | undefined
  /** Age, in milliseconds, of a batch's oldest event at which it is sent even if not full. Default: 1000. */
  readonly maxWaitTimeInMs?: number | undefined
  /**
   * Sends under way over all partitions. In Workers and browsers: of one invocation; sends outside of invocations are not
   * counted there. Default: 64.
   */
  readonly maxConcurrentSends?: number | undefined
  /** Sends under way per partition and owner. More than 1 gives up order when one fails. Default: 1. */
  readonly maxConcurrentSendsPerPartition?: number | undefined
  /** How failed sends are repeated. Default: three times, after 800, 1600 and 3200 ms, each spread by 20 %. */
  readonly retryOptions?: RetryOptions | undefined
  /** Longest wait, in milliseconds, for a token and its acceptance; 0: no limit of its own. Default: 60000. */
  readonly authTimeoutInMs?: number | undefined
  /**
   * Closes a connection on which the peer has said nothing for so many milliseconds; while there is nothing to say, it
   * sends empty frames. The next send opens another. Refused beside `https`. Default: none.
   */
  readonly idleTimeoutInMs?: number | undefined
  /**
   * Longest wait, in milliseconds, for the connection to open, a proxy's tunnel included, and for a link on it. Over
   * `https` for the tunnel alone: `fetch` opens its connections within `retryOptions.tryTimeoutInMs`. Default: 10000.
   */
  readonly socketTimeoutInMs?: number | undefined
  /**
   * `amqp` (port 5671), `amqpOverWebSocket` (port 443; needs the package `ws`), `https` (port 443), or a transport
   * of one's own. Default: by runtime (Node: `amqp`; elsewhere `https`, the only one there).
   */
  readonly transportType?: TransportType | TransportFactory | Transport | undefined
  /**
   * Leads `amqpOverWebSocket` and `https` through an HTTP proxy, by CONNECT; refused beside other transports and
   * outside Node. Over `https`, each request then has a tunnel of its own. Default: none; environment variables
   * are not read.
   */
  readonly httpProxy?: HttpProxyOptions | undefined
  /** Connect here instead: `host`, `host:port` or a URL. Port 443 unless given. Default: the namespace. */
  readonly customEndpointAddress?: string | undefined
  /**
   * How TLS is done, such as `{ ca }` for a private authority. Verification stays on. Over `https`, only beside
   * `httpProxy`: otherwise the runtime's own `fetch` verifies; refused outside Node. Default: the system's authorities.
   */
  readonly tls?: TlsOptions | undefined
  /**
   * Have the service drop the second copy of a batch that was sent again because no answer came. AMQP only, and one
   * batch at a time per partition, over all invocations. Not beside `service` routing. Default: false.
   */
  readonly enableIdempotentRetries?: boolean | undefined
  /** Put before our own user agent, such as `my-app/1.0`; printable ASCII. Default: ours alone. */
  readonly userAgent?: string | undefined
  /** Receives diagnostics; never a secret or an event's body. Default: warnings and errors go to `console`. */
  readonly logger?: Logger | undefined
  /**
   * OpenTelemetry, where an SDK has registered itself: a span for each batch sent, and the W3C trace context on
   * events. Default: true; without an SDK it costs nothing and loads nothing.
   */
  readonly tracing?: boolean | undefined
  /** The event hub's partition ids, in order; saves the round trips that ask for them. Default: asked for when needed. */
  readonly partitionIds?: readonly string[] | undefined
  /** `plain` sends a named key as SASL password, which saves the token round trips; TLS or loopback only. Default: `cbs`. */
  readonly sasl?: 'cbs' | 'plain' | undefined
  /** Who maps keys to partitions: this process, mixing keys in a batch, or the service, one batch per key. Default: `local`. */
  readonly keyedRouting?: 'local' | 'service' | undefined
  /** Where events without id and key go. Default: `sticky`, one partition until its batch is sealed. */
  readonly unkeyedRouting?: 'sticky' | 'roundRobin' | 'service' | undefined
  /** Time source; replaced in tests. Default: the system's. */
  readonly clock?: Clock | undefined
  /** Random numbers from 0 up to 1; replaced in tests. Default: `Math.random`. */
  readonly random?: (() => number) | undefined
}

/** The wires that come with this package, by name. */
export type TransportType = 'amqp' | 'amqpOverWebSocket' | 'https'
