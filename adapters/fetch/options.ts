import type { EventHubProducerClient } from '../../core/client.js'
import { kindOf, parseLogger, refuseUnknownOptions, whole } from '../../core/options.js'
import type { Destination } from '../flush-on-freeze.js'
import { clientFor, destinationOptionNames } from '../flush-on-freeze.js'
import type { Authenticator, FetchHandlerAuth } from './auth.js'
import { authenticatorFor } from './auth.js'
import type { CloudEventWriter } from './cloud-event-to-event-data.js'
import { binaryWriter, structuredWriter } from './cloud-event-to-event-data.js'
import type { IncomingEvent } from './incoming.js'
import type { Logger } from './log.js'

/** Options of `createFetchHandler`: where events go (the fields of `Destination`), and how they come in. */
export interface FetchHandlerOptions extends Destination {
  /** Who may post events. Required: an open door must be asked for by name. */
  readonly auth: FetchHandlerAuth
  /** Path in front of every route, such as `/api`. Default: none. */
  readonly basePath?: string | undefined
  /**
   * Decides an event's partition key. What it returns wins over the request; `undefined` leaves the
   * choice to the request: the event's own CloudEvents extension `partitionkey`, then the header
   * `x-partition-key`, then `?partitionKey=`. Default: the request decides.
   */
  readonly partitionKey?: ((request: Request, event: IncomingEvent) => string | undefined) | undefined
  /**
   * What stands before a CloudEvents attribute's name among an event's application properties. The AMQP
   * binding's own is `cloudEvents:`; some consumers (JMS) cannot name a property with a colon. Default: `cloudEvents:`.
   */
  readonly cloudEventsPropertyPrefix?: 'cloudEvents:' | 'cloudEvents_' | undefined
  /**
   * How a CloudEvent leaves. `binary`: its attributes as application properties and its data as the body, which
   * consumers can filter and read without knowing CloudEvents. `structured`: the whole event as JSON in the body; the
   * only mode that HTTPS can carry when an event has a content type. Default: `binary`; over HTTPS, `structured`.
   */
  readonly cloudEventsMode?: 'binary' | 'structured' | undefined
  /** Largest request body, in bytes, counted while it is read. Default: 4 MiB. */
  readonly maxBodySizeInBytes?: number | undefined
  /** Most events in one request. Default: 1000. */
  readonly maxEventsPerRequest?: number | undefined
  /** Time for one request, upload included, in milliseconds; `ctx.remainingTimeInMs()` shortens it. Default: 25000. */
  readonly timeoutInMs?: number | undefined
  /** Told of internal errors and of events that were not accepted, never a body or a key. Default: `console`. */
  readonly logger?: Logger | undefined
}

/** The options, checked, with every default filled in. */
export interface Settings {
  readonly client: () => EventHubProducerClient
  readonly authenticate: Authenticator
  readonly basePath: string
  readonly partitionKey: FetchHandlerOptions['partitionKey']
  readonly writeCloudEvent: CloudEventWriter
  readonly maxBodySizeInBytes: number
  readonly maxEventsPerRequest: number
  readonly timeoutInMs: number
  readonly logger: Logger
}

const knownOptions: ReadonlySet<string> = new Set<keyof FetchHandlerOptions>([
  ...destinationOptionNames,
  'auth',
  'basePath',
  'partitionKey',
  'cloudEventsMode',
  'cloudEventsPropertyPrefix',
  'maxBodySizeInBytes',
  'maxEventsPerRequest',
  'timeoutInMs',
  'logger',
])

/** Throws `TypeError` or `RangeError`, naming the option. Connects to nothing. */
export function parseOptions(options: FetchHandlerOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `The createFetchHandler options must be an object, or a function (env) => options that returns one; received ${kindOf(options)}.`,
    )
  }
  refuseUnknownOptions('createFetchHandler options', options, knownOptions)
  const { partitionKey } = options
  if (partitionKey !== undefined && typeof partitionKey !== 'function') {
    throw new TypeError('partitionKey must be a function (request, event) => string | undefined.')
  }
  const authenticate = authenticatorFor(options.auth)
  const client = clientFor(options)
  return {
    authenticate,
    client,
    basePath: parseBasePath(options.basePath),
    partitionKey,
    writeCloudEvent: cloudEventWriter(options, client),
    maxBodySizeInBytes: whole('maxBodySizeInBytes', options.maxBodySizeInBytes, 4 * 1024 * 1024, 1),
    maxEventsPerRequest: whole('maxEventsPerRequest', options.maxEventsPerRequest, 1000, 1),
    timeoutInMs: whole('timeoutInMs', options.timeoutInMs, 25_000, 1),
    logger: parseLogger('logger', options.logger),
  }
}

function cloudEventWriter(
  { cloudEventsMode, cloudEventsPropertyPrefix }: FetchHandlerOptions,
  client: () => EventHubProducerClient,
): CloudEventWriter {
  if (cloudEventsMode !== undefined && cloudEventsMode !== 'binary' && cloudEventsMode !== 'structured') {
    throw new TypeError("cloudEventsMode must be 'binary' or 'structured'.")
  }
  if (
    cloudEventsPropertyPrefix !== undefined &&
    cloudEventsPropertyPrefix !== 'cloudEvents:' &&
    cloudEventsPropertyPrefix !== 'cloudEvents_'
  ) {
    throw new TypeError("cloudEventsPropertyPrefix must be 'cloudEvents:' or 'cloudEvents_'.")
  }
  const binary = binaryWriter(cloudEventsPropertyPrefix ?? 'cloudEvents:')
  if (cloudEventsMode === 'binary') return binary
  if (cloudEventsMode === 'structured') {
    if (cloudEventsPropertyPrefix === undefined) return structuredWriter
    throw new TypeError(
      'cloudEventsPropertyPrefix has no meaning with cloudEventsMode structured: no property is written.',
    )
  }
  // The wire decides, and is known once the client has been made, with the first event.
  return (event) => (client().transportName === 'https' ? structuredWriter(event) : binary(event))
}

function parseBasePath(basePath: string | undefined): string {
  const trimmed = (basePath ?? '').replace(/\/$/, '')
  if (trimmed !== '' && !/^(\/[\w.~-]+)+$/.test(trimmed)) {
    throw new TypeError("basePath must start with a slash and hold plain path segments, such as '/api' or '/api/v1'.")
  }
  return trimmed
}
