import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AcceptJwt } from './cbs.js'
import type { ClaimScope } from './claims.js'
import type { LocalHubBatch, LocalHubEvent } from './event-view.js'
import type { AccessKey, Right } from './sas.js'

/** One event hub of a local hub. */
export interface EventHubOptions {
  /** 1 to 1024. Default: 4. */
  readonly partitionCount?: number
  /** Beside `$Default`, which is always there. Default: none. */
  readonly consumerGroups?: readonly string[]
}

/** The certificate that the local hub shows, and its key. */
export interface LocalHubTlsOptions {
  /** PEM. */
  readonly key: string | Buffer
  /** PEM; the whole chain that clients are to be shown. */
  readonly cert: string | Buffer
}

/** How much is kept; beyond it, the oldest events go. */
export interface RetentionOptions {
  /** Default: 100,000. */
  readonly maxEventsPerPartition?: number
  /** Over all partitions of all event hubs, shared out evenly among them. Default: 512 MiB. */
  readonly maxSizeInBytes?: number
}

/** Options of `startLocalHub`. Unknown names are refused. */
export interface LocalHubOptions {
  /** The address to listen on. Default: `127.0.0.1`; anything else lets others in. */
  readonly host?: string
  /** Plain AMQP. 0, the default, takes any free port. */
  readonly amqpPort?: number
  /** AMQP over TLS; needs `tls`, and is on whenever `tls` is given. Default: any free port. */
  readonly amqpsPort?: number
  /** REST, and AMQP over WebSocket, in the clear. 0, the default, takes any free port. */
  readonly httpPort?: number
  /** As `httpPort`, over TLS; needs `tls`, and is on whenever `tls` is given. Default: any free port. */
  readonly httpsPort?: number
  /** Listens with TLS too. Default: none, in the clear alone. */
  readonly tls?: LocalHubTlsOptions
  /** Names, compared without regard to case, and settings. Default: one named `events` with 4 partitions. */
  readonly eventHubs?: Readonly<Record<string, EventHubOptions>>
  /**
   * Key names with their keys, or with key and rights. Default: `RootManageSharedAccessKey` with a random key and every
   * right.
   */
  readonly sharedAccessKeys?: Readonly<
    Record<string, string | { readonly key: string; readonly rights: readonly Right[] }>
  >
  /** Says whether a bearer token is good for an audience. Default: none is. */
  readonly acceptJwt?: AcceptJwt
  /** Largest message or batch, in bytes. Default: 1 MiB, as on the Standard tier. */
  readonly maxMessageSizeInBytes?: number
  /** How much is kept. Default: as there. */
  readonly retention?: RetentionOptions
  /**
   * `required`, the default, refuses AMQP without a SASL layer. Every official client has one but the JavaScript
   * client made from a connection string with `SharedAccessSignature=` instead of a key: `optional` admits it too.
   */
  readonly sasl?: 'required' | 'optional'
  /**
   * How far a claim reaches. `prefix`, the default: a token put for a hub also opens its partitions, which the Python
   * client relies on. `exact` wants a claim for each link's own address, as the JavaScript client puts them.
   */
  readonly claimScope?: ClaimScope
  /** How many messages a producer may have under way on a link. Default: 300. */
  readonly linkCredit?: number
  /** A connection without a byte for this long is closed, in ms; 0: never. Default: 240,000, as in the service. */
  readonly idleTimeoutInMs?: number
  /** Bytes that unfinished messages of all clients together may take. Default: 128 MiB. */
  readonly maxUnfinishedSizeInBytes?: number
  /** The wall clock for enqueued times and the expiry of tokens, in milliseconds since 1970. Default: `Date.now`. */
  readonly now?: () => number
  /**
   * Told of the events of each batch right after they were stored, and before their sender is: what was acknowledged
   * was told here. For tests that outlive the hub. It must not throw. Default: nobody is.
   */
  readonly onStored?: (eventHubName: string, events: readonly LocalHubEvent[]) => void
  /**
   * Told of each batch as `onStored` is, without decoding it: cheap at any rate. `LocalHub.event` decodes one that is of
   * interest. It must not throw. Default: nobody is.
   */
  readonly onBatch?: (batch: LocalHubBatch) => void
  /**
   * Shown every HTTP request before the REST interface is, also while a fault lasts. Returns true for one that it answers
   * itself. It must not throw. Default: all go to the REST interface.
   */
  readonly onHttpRequest?: (request: IncomingMessage, response: ServerResponse) => boolean
  /** Told what the hub refused and why; never a key, a token or a body. Default: nobody is. */
  readonly logger?: (message: string) => void
}

export interface ResolvedOptions {
  readonly host: string
  readonly amqpPort: number
  readonly amqpsPort: number
  readonly httpPort: number
  readonly httpsPort: number
  readonly tls: LocalHubTlsOptions | undefined
  readonly eventHubs: ReadonlyMap<string, Required<EventHubOptions>>
  readonly sharedAccessKeys: ReadonlyMap<string, AccessKey>
  readonly acceptJwt: AcceptJwt | undefined
  readonly maxMessageSizeInBytes: number
  readonly retention: Required<RetentionOptions>
  readonly sasl: 'required' | 'optional'
  readonly claimScope: ClaimScope
  readonly linkCredit: number
  readonly idleTimeoutInMs: number
  readonly maxUnfinishedSizeInBytes: number
  readonly now: () => number
  readonly onStored: ((eventHubName: string, events: readonly LocalHubEvent[]) => void) | undefined
  readonly onBatch: ((batch: LocalHubBatch) => void) | undefined
  readonly onHttpRequest: ((request: IncomingMessage, response: ServerResponse) => boolean) | undefined
  readonly logger: (message: string) => void
}

const allRights: readonly Right[] = ['send', 'listen', 'manage']
const mebibyte = 1024 * 1024

const known = new Set([
  'host',
  'amqpPort',
  'amqpsPort',
  'httpPort',
  'httpsPort',
  'tls',
  'eventHubs',
  'sharedAccessKeys',
  'acceptJwt',
  'maxMessageSizeInBytes',
  'retention',
  'sasl',
  'claimScope',
  'linkCredit',
  'idleTimeoutInMs',
  'maxUnfinishedSizeInBytes',
  'now',
  'onStored',
  'onBatch',
  'onHttpRequest',
  'logger',
])

/** Checks options once and fills in the defaults. Throws `TypeError` or `RangeError` that names the option. */
export function resolveOptions(options: LocalHubOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!known.has(name)) throw new TypeError(`'${name}' is not an option of the local hub.`)
  }
  if (options.tls === undefined && (options.amqpsPort !== undefined || options.httpsPort !== undefined)) {
    throw new TypeError('amqpsPort and httpsPort need tls: { key, cert }.')
  }
  return {
    host: options.host ?? '127.0.0.1',
    amqpPort: port('amqpPort', options.amqpPort),
    amqpsPort: port('amqpsPort', options.amqpsPort),
    httpPort: port('httpPort', options.httpPort),
    httpsPort: port('httpsPort', options.httpsPort),
    tls: options.tls,
    eventHubs: eventHubs(options.eventHubs ?? { events: {} }),
    sharedAccessKeys: accessKeys(options.sharedAccessKeys),
    acceptJwt: options.acceptJwt,
    maxMessageSizeInBytes: count('maxMessageSizeInBytes', options.maxMessageSizeInBytes ?? mebibyte, 1),
    retention: {
      maxEventsPerPartition: count(
        'retention.maxEventsPerPartition',
        options.retention?.maxEventsPerPartition ?? 100_000,
        1,
      ),
      maxSizeInBytes: count('retention.maxSizeInBytes', options.retention?.maxSizeInBytes ?? 512 * mebibyte, 1),
    },
    sasl: oneOf('sasl', options.sasl ?? 'required', ['required', 'optional']),
    claimScope: oneOf('claimScope', options.claimScope ?? 'prefix', ['prefix', 'exact']),
    linkCredit: count('linkCredit', options.linkCredit ?? 300, 1),
    idleTimeoutInMs: count('idleTimeoutInMs', options.idleTimeoutInMs ?? 240_000, 0),
    maxUnfinishedSizeInBytes: count('maxUnfinishedSizeInBytes', options.maxUnfinishedSizeInBytes ?? 128 * mebibyte, 1),
    now: options.now ?? Date.now,
    onStored: options.onStored,
    onBatch: options.onBatch,
    onHttpRequest: options.onHttpRequest,
    logger: options.logger ?? (() => {}),
  }
}

function eventHubs(given: Readonly<Record<string, EventHubOptions>>): Map<string, Required<EventHubOptions>> {
  const hubs = new Map<string, Required<EventHubOptions>>()
  const seen = new Set<string>()
  for (const [name, { partitionCount = 4, consumerGroups = [] }] of Object.entries(given)) {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,255}$/.test(name)) {
      throw new TypeError(`'${name}' is not a name for an event hub: letters, digits, '.', '_' and '-' only.`)
    }
    if (seen.has(name.toLowerCase()))
      throw new TypeError(`There are two event hubs named '${name}'; case does not count.`)
    seen.add(name.toLowerCase())
    if (partitionCount > 1024) throw new RangeError(`'${name}' may have at most 1024 partitions.`)
    hubs.set(name, { partitionCount: count(`${name}.partitionCount`, partitionCount, 1), consumerGroups })
  }
  if (hubs.size === 0) throw new TypeError('eventHubs must name at least one event hub.')
  return hubs
}

function accessKeys(given: LocalHubOptions['sharedAccessKeys']): Map<string, AccessKey> {
  const keys = new Map<string, AccessKey>()
  const entries = Object.entries(given ?? { RootManageSharedAccessKey: randomBytes(32).toString('base64') })
  for (const [name, value] of entries) {
    const key = typeof value === 'string' ? { key: value, rights: allRights } : value
    if (key.key === '') throw new TypeError(`The shared access key '${name}' is empty.`)
    keys.set(name, key)
  }
  if (keys.size === 0) throw new TypeError('sharedAccessKeys must name at least one key.')
  return keys
}

function port(name: string, value = 0): number {
  if (!Number.isInteger(value) || value < 0 || value > 65535)
    throw new RangeError(`${name} must be a port: 0 to 65535.`)
  return value
}

function count(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least)
    throw new RangeError(`${name} must be a whole number of at least ${least}.`)
  return value
}

function oneOf<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (!allowed.includes(value)) throw new TypeError(`${name} must be one of: ${allowed.join(', ')}.`)
  return value
}
