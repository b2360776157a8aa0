import { type Clock, systemClock } from './clock.js'
import type { EventHubError } from './errors.js'
import type { EventInput } from './event-data.js'
import type { RetryOptions, RetryPolicy } from './retry.js'
import type { Logger, Transport, TransportFactory, TransportOptions } from './transport.js'

/** Options of `EventHubProducerClient`. Times in milliseconds, sizes in bytes. Unknown names are refused. */
export interface EventHubProducerClientOptions {
  /** The event hub, for `fromConnectionString` without `EntityPath`. */
  readonly eventHubName?: string | undefined
  /** Collect events and send them in the background. Needs `onSuccess` and `onError`. Default: false. */
  readonly bufferedMode?: boolean | undefined
  /** Buffered mode: called with each batch that the event hub accepted. */
  readonly onSuccess?: ((events: EventInput[], partitionId: string | undefined) => unknown) | undefined
  /** Buffered mode: called with what could not be sent. Otherwise: takes the error in place of the rejection. */
  readonly onError?:
    | ((events: EventInput[], partitionId: string | undefined, error: EventHubError) => unknown)
    | undefined
  /** Events held per partition before `sendEvent` waits for room. Default: 1500. */
  readonly maxBufferLength?: number | undefined
  /** Bytes held over all partitions before `sendEvent` waits for room. Default: 64 MiB. */
  readonly maxBufferSizeInBytes?: number | undefined
  /** Age of a batch's oldest event at which it is sent even if not full. Default: 1000. */
  readonly maxWaitTimeInMs?: number | undefined
  /** Sends under way over all partitions. Default: 64. */
  readonly maxConcurrentSends?: number | undefined
  /** Sends under way per partition and owner. More than 1 gives up order when one fails. Default: 1. */
  readonly maxConcurrentSendsPerPartition?: number | undefined
  readonly retryOptions?: RetryOptions | undefined
  /** Longest wait for a token and its acceptance; 0: no limit of its own. Default: 60000. */
  readonly authTimeoutInMs?: number | undefined
  /** Ask the peer to close the connection after this long without traffic. Default: none. */
  readonly idleTimeoutInMs?: number | undefined
  /** Longest wait for the connection to open, a proxy's tunnel included. Default: 10000. */
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
  /** Connect here instead: `host`, `host:port` or a URL. Port 443 unless given. */
  readonly customEndpointAddress?: string | undefined
  /**
   * Node's `SecureContextOptions` (such as `ca`) and `servername`. Verification stays on. Over `https`, only beside
   * `httpProxy`: otherwise the runtime's own `fetch` verifies.
   */
  readonly tls?: Readonly<Record<string, unknown>> | undefined
  /**
   * Have the service drop the second copy of a batch that was sent again because no answer came. AMQP only, and one
   * batch at a time per partition, over all invocations. Not beside `service` routing. Default: false.
   */
  readonly enableIdempotentRetries?: boolean | undefined
  /** Put before our own user agent. */
  readonly userAgent?: string | undefined
  /** Receives diagnostics; never a secret or an event's body. Default: warnings and errors go to `console`. */
  readonly logger?: Logger | undefined
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

export type TransportType = 'amqp' | 'amqpOverWebSocket' | 'https'

/** An HTTP proxy that is itself spoken to without TLS. */
export interface HttpProxyOptions {
  /** Host name or address alone, such as `proxy.example.net`. */
  readonly hostname: string
  /** From 1 to 65535. */
  readonly port: number
  /** For the proxy's Basic authentication; sent with each tunnel. No colon. Default: none. */
  readonly username?: string | undefined
  /** Only beside `username`. Default: empty. */
  readonly password?: string | undefined
}

/** Options after parsing: complete, checked, and trusted from here on. */
export interface ProducerSettings {
  readonly bufferedMode: boolean
  readonly onSuccess: EventHubProducerClientOptions['onSuccess']
  readonly onError: EventHubProducerClientOptions['onError']
  readonly maxBufferLength: number
  readonly maxBufferSizeInBytes: number
  readonly maxWaitTimeInMs: number
  readonly maxConcurrentSends: number
  readonly maxConcurrentSendsPerPartition: number
  readonly retry: RetryPolicy
  readonly authTimeoutInMs: number
  readonly idleTimeoutInMs: number | undefined
  readonly socketTimeoutInMs: number
  readonly transportType: EventHubProducerClientOptions['transportType']
  readonly httpProxy: TransportOptions['httpProxy']
  readonly customEndpoint: { readonly hostname: string; readonly port: number } | undefined
  readonly tls: Readonly<Record<string, unknown>> | undefined
  readonly userAgent: string
  readonly logger: Logger
  readonly partitionIds: readonly string[] | undefined
  readonly sasl: 'cbs' | 'plain'
  readonly enableIdempotentRetries: boolean
  readonly keyedRouting: 'local' | 'service'
  readonly unkeyedRouting: 'sticky' | 'roundRobin' | 'service'
  readonly clock: Clock
  readonly random: () => number
}

const optionNames: ReadonlySet<string> = new Set<keyof EventHubProducerClientOptions>([
  'eventHubName',
  'bufferedMode',
  'onSuccess',
  'onError',
  'maxBufferLength',
  'maxBufferSizeInBytes',
  'maxWaitTimeInMs',
  'maxConcurrentSends',
  'maxConcurrentSendsPerPartition',
  'retryOptions',
  'authTimeoutInMs',
  'idleTimeoutInMs',
  'socketTimeoutInMs',
  'transportType',
  'httpProxy',
  'customEndpointAddress',
  'tls',
  'userAgent',
  'logger',
  'partitionIds',
  'sasl',
  'enableIdempotentRetries',
  'keyedRouting',
  'unkeyedRouting',
  'clock',
  'random',
])

const retryOptionNames: ReadonlySet<string> = new Set<keyof RetryOptions>([
  'maxRetries',
  'retryDelayInMs',
  'maxRetryDelayInMs',
  'mode',
  'tryTimeoutInMs',
])

const httpProxyOptionNames: ReadonlySet<string> = new Set<keyof HttpProxyOptions>([
  'hostname',
  'port',
  'username',
  'password',
])

/** Also the version that the user agent states; kept equal to package.json's by a test. */
export const packageVersion = '0.1.0'

const consoleLogger: Logger = {
  warn: (message) => console.warn(message),
  error: (message) => console.error(message),
}

/** A logger that fails must not take events down with it. */
function unfailing(logger: Logger): Logger {
  const guard = (level: keyof Logger) => (message: string) => {
    try {
      logger[level]?.(message)
    } catch {
      // There is nowhere left to say so.
    }
  }
  return { debug: guard('debug'), info: guard('info'), warn: guard('warn'), error: guard('error') }
}

/** Checks and completes the options. Throws `TypeError` for a wrong name or kind, `RangeError` for a wrong number. */
export function parseOptions(options: EventHubProducerClientOptions): ProducerSettings {
  refuseUnknownOptions('option', options, optionNames)
  const { bufferedMode = false, onSuccess, onError } = options
  if (typeof bufferedMode !== 'boolean') throw new TypeError('bufferedMode must be true or false.')
  if (bufferedMode && (typeof onSuccess !== 'function' || typeof onError !== 'function')) {
    throw new TypeError(
      'bufferedMode needs both callbacks: onSuccess(events, partitionId) and onError(events, partitionId, error).',
    )
  }
  for (const [name, callback] of Object.entries({ onSuccess, onError })) {
    if (callback !== undefined && typeof callback !== 'function') throw new TypeError(`${name} must be a function.`)
  }
  const enableIdempotentRetries = parseIdempotentRetries(options)
  const retryOptions = options.retryOptions ?? {}
  refuseUnknownOptions('retryOptions', retryOptions, retryOptionNames)
  return {
    bufferedMode,
    onSuccess,
    onError,
    maxBufferLength: whole('maxBufferLength', options.maxBufferLength, 1500, 1),
    maxBufferSizeInBytes: whole('maxBufferSizeInBytes', options.maxBufferSizeInBytes, 64 * 1024 * 1024, 1),
    maxWaitTimeInMs: duration('maxWaitTimeInMs', options.maxWaitTimeInMs, 1000),
    maxConcurrentSends: whole('maxConcurrentSends', options.maxConcurrentSends, 64, 1),
    maxConcurrentSendsPerPartition: whole(
      'maxConcurrentSendsPerPartition',
      options.maxConcurrentSendsPerPartition,
      1,
      1,
    ),
    retry: {
      maxRetries: whole('retryOptions.maxRetries', retryOptions.maxRetries, 3, 0),
      retryDelayInMs: duration('retryOptions.retryDelayInMs', retryOptions.retryDelayInMs, 800),
      maxRetryDelayInMs: duration('retryOptions.maxRetryDelayInMs', retryOptions.maxRetryDelayInMs, 120_000),
      mode: oneOf('retryOptions.mode', retryOptions.mode, ['exponential', 'fixed'] as const),
      tryTimeoutInMs: duration('retryOptions.tryTimeoutInMs', retryOptions.tryTimeoutInMs, 10_000, 1),
    },
    authTimeoutInMs: duration('authTimeoutInMs', options.authTimeoutInMs, 60_000),
    idleTimeoutInMs:
      options.idleTimeoutInMs === undefined ? undefined : duration('idleTimeoutInMs', options.idleTimeoutInMs, 0, 1),
    socketTimeoutInMs: duration('socketTimeoutInMs', options.socketTimeoutInMs, 10_000, 1),
    transportType: parseTransportType(options.transportType),
    httpProxy: parseHttpProxy(options.httpProxy),
    customEndpoint:
      options.customEndpointAddress === undefined ? undefined : parseCustomEndpoint(options.customEndpointAddress),
    tls: parseTls(options.tls),
    userAgent: parseUserAgent(options.userAgent),
    logger: unfailing(options.logger ?? consoleLogger),
    partitionIds: parsePartitionIds(options.partitionIds),
    sasl: oneOf('sasl', options.sasl, ['cbs', 'plain'] as const),
    enableIdempotentRetries,
    keyedRouting: oneOf('keyedRouting', options.keyedRouting, ['local', 'service'] as const),
    unkeyedRouting: oneOf('unkeyedRouting', options.unkeyedRouting, ['sticky', 'roundRobin', 'service'] as const),
    clock: options.clock ?? systemClock,
    random: options.random ?? Math.random,
  }
}

/** Refuses what is not an option, by name, with the nearest known name where there is one. */
export function refuseUnknownOptions(what: string, options: unknown, names: ReadonlySet<string>): void {
  if (typeof options !== 'object' || options === null || Array.isArray(options)) {
    throw new TypeError(`${what === 'option' ? 'The options' : what} must be an object.`)
  }
  for (const name of Object.keys(options)) {
    if (names.has(name)) continue
    const near = [...names].find((known) => known.toLowerCase() === name.replaceAll('_', '').toLowerCase())
    throw new TypeError(
      `Unknown ${what === 'option' ? 'option' : `option in ${what}`}: ${name}. ${near ? `Did you mean ${near}?` : `Known: ${[...names].join(', ')}.`}`,
    )
  }
}

/** A number of milliseconds from `min` up; `Infinity` is refused, since every wait here has an end. */
export function duration(name: string, value: unknown, byDefault: number, min = 0): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min) {
    throw new RangeError(`${name} must be a number of milliseconds, at least ${min}; received ${String(value)}.`)
  }
  return value
}

/** An `AbortSignal`; the controller is what is passed by mistake. */
export function abortSignal(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined) return undefined
  if (typeof (value as Partial<AbortSignal> | null)?.addEventListener !== 'function') {
    throw new TypeError(`${name} must be an AbortSignal; of an AbortController, pass its signal.`)
  }
  return value as AbortSignal
}

function whole(name: string, value: unknown, byDefault: number, min: number): number {
  if (value === undefined) return byDefault
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < min) {
    throw new RangeError(`${name} must be a whole number, at least ${min}; received ${String(value)}.`)
  }
  return value
}

/** The first of `allowed` is the default. */
function oneOf<const T extends readonly [string, ...string[]]>(name: string, value: unknown, allowed: T): T[number] {
  if (value === undefined) return allowed[0]
  if (typeof value !== 'string' || !allowed.includes(value)) {
    throw new TypeError(
      `${name} must be one of ${allowed.map((item) => `'${item}'`).join(', ')}; received ${String(value)}.`,
    )
  }
  return value
}

function parsePartitionIds(ids: unknown): readonly string[] | undefined {
  if (ids === undefined) return undefined
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string' && id !== '')) {
    throw new TypeError("partitionIds must be a list of ids such as ['0', '1'].")
  }
  // Keys are hashed onto the list: one id twice would send them elsewhere than the service does.
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new TypeError(`partitionIds names '${twice}' twice.`)
  return [...ids]
}

function parseUserAgent(userAgent: unknown): string {
  const own = `eventhub-sluice/${packageVersion}`
  if (userAgent === undefined || userAgent === '') return own
  // It becomes a header.
  if (typeof userAgent === 'string' && /^[ -~]+$/.test(userAgent)) return `${userAgent} ${own}`
  throw new TypeError("userAgent must be printable ASCII, such as 'my-app/1.0'.")
}

/** Refuses by name what cannot be numbered: sends whose partition, or whose order, is not known here. */
function parseIdempotentRetries(options: EventHubProducerClientOptions): boolean {
  const { enableIdempotentRetries = false, maxConcurrentSendsPerPartition = 1 } = options
  if (typeof enableIdempotentRetries !== 'boolean') {
    throw new TypeError('enableIdempotentRetries must be true or false.')
  }
  if (!enableIdempotentRetries) return false
  const beside = (option: string, advice: string) =>
    new TypeError(`enableIdempotentRetries cannot be used beside ${option}: ${advice}`)
  if (options.transportType === 'https')
    throw beside("transportType: 'https'", 'the service offers it over AMQP alone.')
  for (const name of ['keyedRouting', 'unkeyedRouting'] as const) {
    if (options[name] === 'service') throw beside(`${name}: 'service'`, 'it sends to partitions by id.')
  }
  if (maxConcurrentSendsPerPartition > 1) {
    throw beside('maxConcurrentSendsPerPartition over 1', 'it sends one batch at a time to each partition.')
  }
  return true
}

function parseTransportType(value: EventHubProducerClientOptions['transportType']): typeof value {
  if (value === undefined || typeof value === 'function' || (typeof value === 'object' && value !== null)) return value
  return oneOf('transportType', value, ['amqp', 'amqpOverWebSocket', 'https'] as const)
}

/** No message here tells a value: whoever puts a whole URL in the wrong place has a password in it. */
function parseHttpProxy(proxy: EventHubProducerClientOptions['httpProxy']): ProducerSettings['httpProxy'] {
  if (proxy === undefined) return undefined
  refuseUnknownOptions('httpProxy', proxy, httpProxyOptionNames)
  const { port, username, password } = proxy
  const hostname = typeof proxy.hostname === 'string' ? proxy.hostname.replace(/^\[(.*:.*)\]$/, '$1') : ''
  if (!/^(?:[^\s:/?#@[\]\\]+|[\da-f.]*:[\da-f:.]+)$/i.test(hostname)) {
    throw new TypeError(
      "httpProxy.hostname must be a host name or address alone, such as 'proxy.example.net': no scheme, port or user.",
    )
  }
  if (!Number.isInteger(port) || port < 1 || port > 65_535) {
    throw new RangeError('httpProxy.port must be a whole number from 1 to 65535.')
  }
  // RFC 7617: a colon ends the user's name, and neither part has control characters.
  const isText = (text: unknown) => typeof text === 'string' && !/\p{Cc}/u.test(text)
  if (username !== undefined && (!isText(username) || username === '' || username.includes(':'))) {
    throw new TypeError('httpProxy.username must be text without a colon or control characters, and not empty.')
  }
  if (password !== undefined && (!isText(password) || username === undefined)) {
    throw new TypeError('httpProxy.password must be text without control characters, beside httpProxy.username.')
  }
  return {
    hostname,
    port,
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
  }
}

function parseCustomEndpoint(address: unknown): { hostname: string; port: number } {
  const text = typeof address === 'string' ? address : ''
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text.replace(/^[a-z]+:/i, 'sb:') : `sb://${text}`)
    if (url.hostname) return { hostname: url.hostname, port: url.port === '' ? 443 : Number(url.port) }
  } catch {
    // Falls through to the one message below.
  }
  throw new TypeError(`customEndpointAddress must be a host, a host:port or a URL; received ${String(address)}.`)
}

function parseTls(tls: EventHubProducerClientOptions['tls']): typeof tls {
  if (tls === undefined) return undefined
  if (typeof tls !== 'object' || tls === null) throw new TypeError('tls must be an object such as { ca: pem }.')
  if ('rejectUnauthorized' in tls && tls.rejectUnauthorized !== true) {
    throw new TypeError(
      'tls.rejectUnauthorized cannot be switched off. To trust a private authority, pass its certificate as tls.ca.',
    )
  }
  const elsewhere = ['host', 'port', 'path', 'socket', 'lookup'].find((name) => name in tls)
  if (elsewhere !== undefined) {
    throw new TypeError(
      `tls.${elsewhere} is not part of how TLS is done. To connect elsewhere, pass customEndpointAddress.`,
    )
  }
  if ('checkServerIdentity' in tls) {
    throw new TypeError(
      "tls.checkServerIdentity cannot be replaced. Where the certificate's name differs, pass it as tls.servername.",
    )
  }
  return tls
}
