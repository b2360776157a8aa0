import type { EventHubProducerClient } from '../../core/client.js'
import {
  flag,
  kindOf,
  optional,
  optionalFunction,
  parseLogger,
  type ReadersOf,
  readElsewhere,
  readOptions,
  wholeOf,
  wordOf,
} from '../../core/options.js'
import type { Destination } from '../flush-on-freeze.js'
import { clientFor } from '../flush-on-freeze.js'
import type { FetchHandlerAuth } from './auth/authenticate.js'
import { authenticating, schemesOf } from './auth/authenticate.js'
import type { SecurityScheme } from './auth/scheme.js'
import type { CloudEventWriter } from './cloud-event-to-event-data.js'
import { binaryWriter, structuredWriter } from './cloud-event-to-event-data.js'
import type { Stage } from './context.js'
import type { CorsPolicy } from './cors.js'
import type { IdempotencyKeys } from './idempotency/keys.js'
import type { IncomingEvent } from './incoming.js'
import type { Logger } from './log.js'
import type { OpenApiDocuments } from './openapi/index.js'
import type { QueueConsumer } from './queue/consumer.js'
import type { RateLimit } from './rate-limit.js'
import type { WebhookProtocol } from './webhooks/protocol.js'

/** Options of `createFetchHandler`: where events go (the fields of `Destination`), and how they come in. */
export interface FetchHandlerOptions extends Destination {
  /** Who may post events: one scheme or several, any of which suffices. Required: an open door must be asked for by name. */
  readonly auth: FetchHandlerAuth
  /** Path in front of every route, such as `/api`. Default: none. */
  readonly basePath?: string | undefined
  /**
   * Decides an event's partition key. What it returns wins over the request; `undefined` or `''` leaves the
   * choice to the request: the event's own (the CloudEvents extension `partitionkey`, a batch item's `partitionKey`), then
   * the header `x-partition-key`, then `?partitionKey=`. Default: the request decides.
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
  /**
   * Whether a caller may ask by `Prefer: respond-async` to be answered 202 before Event Hubs has its events, where the
   * platform has a `waitUntil`. What fails then is only logged. Default: false.
   */
  readonly allowRespondAsync?: boolean | undefined
  /** How many requests a caller may send, made by `rateLimit`. Default: any number. */
  readonly rateLimit?: RateLimit | undefined
  /** Whether `Idempotency-Key` is honoured, made by `idempotencyKeys`. Default: the header means nothing. */
  readonly idempotencyKeys?: IdempotencyKeys | undefined
  /** Which web pages may call, made by `cors`. Default: none. */
  readonly cors?: CorsPolicy | undefined
  /** Senders that ask before they post, made by `cloudEventsWebhook` and `eventGridWebhook`. Default: none. */
  readonly webhooks?: WebhookProtocol | readonly WebhookProtocol[] | undefined
  /** Consumes the queue that is bound to the Worker: what `queueConsumer` makes. Default: none; a batch is then refused. */
  readonly queue?: QueueConsumer | undefined
  /** Serves `/openapi.json` and `/swagger.json`, made by `openApiDocuments`. Default: neither is there. */
  readonly openApi?: OpenApiDocuments | undefined
  /** Told of internal errors and of events that were not accepted, never a body or a key. Default: `console`. */
  readonly logger?: Logger | undefined
}

/** The options, checked, with every default filled in. */
export interface Settings {
  readonly client: () => EventHubProducerClient
  /** What guards a route, in order. */
  readonly stages: readonly Stage[]
  /** What may answer an `OPTIONS` request. */
  readonly handshakes: readonly NonNullable<WebhookProtocol['handshake']>[]
  readonly webhooks: readonly WebhookProtocol[]
  readonly cors: CorsPolicy | undefined
  readonly idempotencyKeys: IdempotencyKeys | undefined
  readonly rateLimit: RateLimit | undefined
  readonly openApi: OpenApiDocuments | undefined
  /** How callers show who they are, each of which suffices; `undefined`: everybody is let in. */
  readonly security: readonly SecurityScheme[] | undefined
  readonly allowRespondAsync: boolean
  readonly basePath: string
  readonly partitionKey: FetchHandlerOptions['partitionKey']
  readonly writeCloudEvent: CloudEventWriter
  readonly maxBodySizeInBytes: number
  readonly maxEventsPerRequest: number
  readonly timeoutInMs: number
  readonly queue: QueueConsumer | undefined
  readonly logger: Logger
}

const readers = {
  // By `clientFor`.
  client: readElsewhere,
  connectionString: readElsewhere,
  fullyQualifiedNamespace: readElsewhere,
  eventHubName: readElsewhere,
  credential: readElsewhere,
  clientOptions: readElsewhere,
  // By `authenticatorFor`.
  auth: readElsewhere,
  basePath: parseBasePath,
  partitionKey: optionalFunction<FetchHandlerOptions['partitionKey']>,
  cloudEventsMode: optional(wordOf('binary', 'structured')),
  cloudEventsPropertyPrefix: optional(wordOf('cloudEvents:', 'cloudEvents_')),
  maxBodySizeInBytes: wholeOf(4 * 1024 * 1024),
  maxEventsPerRequest: wholeOf(1000),
  timeoutInMs: wholeOf(25_000),
  allowRespondAsync: (name: string, value: unknown) => flag(name, value, false),
  rateLimit: madeBy<RateLimit>('stage'),
  idempotencyKeys: madeBy<IdempotencyKeys>('stage'),
  cors: madeBy<CorsPolicy>('expose'),
  webhooks: parseWebhooks,
  queue: optionalFunction<FetchHandlerOptions['queue']>,
  openApi: madeBy<OpenApiDocuments>('routes'),
  logger: parseLogger,
} satisfies ReadersOf<FetchHandlerOptions>

/** Throws `TypeError` or `RangeError`, naming the option. Connects to nothing. */
export function parseOptions(options: FetchHandlerOptions): Settings {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(
      `The createFetchHandler options must be an object, or a function (env) => options that returns one; received ${kindOf(options)}.`,
    )
  }
  const read = readOptions('createFetchHandler options', options, readers)
  const { rateLimit } = read
  const schemes = schemesOf(options.auth)
  const stages = [
    rateLimit?.isBeforeAuth ? rateLimit.stage : undefined,
    authenticating(schemes),
    rateLimit?.isBeforeAuth ? undefined : rateLimit?.stage,
    ...read.webhooks.map(({ stage }) => stage),
    read.idempotencyKeys?.stage,
  ]
  const client = clientFor(options)
  const handshakes = [...read.webhooks.map(({ handshake }) => handshake), read.cors?.preflight]
  return {
    ...read,
    stages: stages.filter((stage) => stage !== undefined),
    security: schemes?.flatMap(({ security = [] }) => security),
    handshakes: handshakes.filter((handshake) => handshake !== undefined),
    client,
    writeCloudEvent: cloudEventWriter(read, client),
  }
}

function parseWebhooks(_name: string, value: unknown = []): readonly WebhookProtocol[] {
  const protocols: readonly unknown[] = [value].flat()
  if (protocols.every((protocol) => kindOf(protocol) === 'an object')) return protocols as WebhookProtocol[]
  throw new TypeError(
    'webhooks must be what cloudEventsWebhook({ … }) or eventGridWebhook() returns, or a list of these.',
  )
}

/** What one of our functions made, told by a method of it. */
function madeBy<T extends object>(method: keyof T & string): (name: string, value: unknown) => T | undefined {
  return optional((name, value) => {
    const isMade = typeof (value as Partial<Record<string, unknown>> | null)?.[method] === 'function'
    if (isMade) return value as T
    throw new TypeError(
      `${name} must be what ${name}({ … }) returns, imported from eventhub-sluice/fetch; received ${kindOf(value)}.`,
    )
  })
}

function cloudEventWriter(
  {
    cloudEventsMode,
    cloudEventsPropertyPrefix,
  }: Pick<FetchHandlerOptions, 'cloudEventsMode' | 'cloudEventsPropertyPrefix'>,
  client: () => EventHubProducerClient,
): CloudEventWriter {
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

function parseBasePath(_name: string, basePath: unknown = ''): string {
  const trimmed = typeof basePath === 'string' ? basePath.replace(/\/$/, '') : undefined
  if (trimmed === undefined || !/^(\/[\w.~-]+)*$/.test(trimmed)) {
    throw new TypeError("basePath must start with a slash and hold plain path segments, such as '/api' or '/api/v1'.")
  }
  return trimmed
}
