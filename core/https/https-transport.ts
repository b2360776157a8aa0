import { bounded, remainingTime, within } from '../deadline.js'
import { abortedError, EventHubError, OperationTimeoutError } from '../errors.js'
import { withoutTracing } from '../tracing-api.js'
import type { AuthToken, OperationLimits, PartitionId, Transport, TransportContext } from '../transport.js'
import { batchMediaType, encodeJsonBatch, type HttpsEvent, httpsCodec } from './codec.js'
import { fromStatus } from './status.js'

/** Publications have AMQP's limit: 1 MiB, or 256 KiB in the Basic tier, which the service then says. */
const maxPublicationSizeInBytes = 1024 * 1024
const apiVersion = '2014-01'
const notSupported =
  "cannot be asked for over HTTPS with a sender's rights. Pass partitionIds as an option, or use AMQP."

/** A request as this transport makes it; `fetch` takes it as it is. */
export interface HttpsRequest {
  readonly method: 'POST'
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

type SendRequest = (url: string, request: HttpsRequest) => Promise<Response>

/**
 * Opens the way for one request, for runtimes that can do what their `fetch` cannot. Resolves before anything
 * of the request has left; `signal` gives up the way, and the request on it.
 */
export type OpenWay = (signal: AbortSignal) => Promise<SendRequest>

/**
 * Event Hubs' REST API over `fetch`: for runtimes without sockets. Keeps no connection of its own and
 * nothing between requests but plain values.
 */
export class HttpsTransport implements Transport<HttpsEvent> {
  readonly name = 'https'
  readonly codec = httpsCodec
  readonly canReadProperties = false
  readonly #context: TransportContext
  readonly #openWay: OpenWay | undefined
  readonly #baseUrl: string
  /** What tokens are made for: the event hub, which covers its partitions, at its own namespace wherever the requests go. */
  readonly #audience: string

  /** @param openWay in place of `fetch`; only with it are `httpProxy` and `tls` possible */
  constructor(context: TransportContext, openWay?: OpenWay) {
    const { options, fullyQualifiedNamespace, eventHubName } = context
    if (options.sasl === 'plain') throw new TypeError("sasl: 'plain' belongs to AMQP; it cannot be used over HTTPS.")
    if (options.httpProxy && !openWay) {
      throw new TypeError(
        "httpProxy cannot be used here: this runtime's fetch takes no proxy. In Node, use transportType 'https' or 'amqpOverWebSocket'; elsewhere leave httpProxy out.",
      )
    }
    if (options.idleTimeoutInMs !== undefined) {
      throw new TypeError(
        'idleTimeoutInMs cannot be used over HTTPS: its connections are kept by the runtime. Leave it out, or use AMQP.',
      )
    }
    if (options.tls && !openWay)
      throw new TypeError(
        "The option tls belongs to AMQP; over HTTPS the runtime's fetch verifies certificates (Node: NODE_EXTRA_CA_CERTS).",
      )
    this.#context = context
    this.#openWay = openWay
    const { endpoint } = options
    const hostname = endpoint?.hostname ?? fullyQualifiedNamespace
    const port = endpoint?.port === undefined ? '' : `:${endpoint.port}`
    const [scheme, path] = [options.development ? 'http' : 'https', encodeURIComponent(eventHubName)]
    this.#baseUrl = `${scheme}://${hostname}${port}/${path}`
    this.#audience = `${scheme}://${fullyQualifiedNamespace}/${path}`
  }

  maxBatchSizeInBytes(): number {
    return maxPublicationSizeInBytes
  }

  async send(partitionId: PartitionId, events: readonly HttpsEvent[], limits: OperationLimits): Promise<void> {
    const { tokens } = this.#context
    const token = await this.#token(limits)
    let response = await this.#post(partitionId, events, token, limits)
    if (response.status === 401) {
      // The cached token may have been revoked, or its key rotated: once more, if there is another one.
      tokens.invalidate(this.#audience)
      const fresh = await this.#token(limits)
      if (fresh.token !== token.token) response = await this.#post(partitionId, events, fresh, limits)
    }
    if (response.status === 201) return
    throw fromStatus(response.status, response.headers.get('retry-after'), this.#context.clock.wallNow())
  }

  async #token(limits: OperationLimits): Promise<AuthToken> {
    const { tokens, clock } = this.#context
    const ranOut = () => new OperationTimeoutError('No token was there in time.')
    const token = await bounded(clock, tokens.getToken(this.#audience, limits), limits, ranOut)
    // What fetch says of a header it refuses, it says by quoting it.
    if (!/^[!-~]+(?: [!-~]+)*$/.test(token.token)) {
      throw new EventHubError(
        'The token or signature cannot be sent as an HTTP header: it has a line break or a character that is not ASCII. Copy it anew.',
        { code: 'authentication-failed' },
      )
    }
    return token
  }

  #post(
    partitionId: PartitionId,
    events: readonly HttpsEvent[],
    { token, type }: AuthToken,
    limits: OperationLimits,
  ): Promise<Response> {
    const { clock, options } = this.#context
    const single = events[0]?.single
    const path = partitionId === undefined ? '' : `/partitions/${encodeURIComponent(partitionId)}`
    const seconds = Math.max(1, Math.ceil(Math.min(remainingTime(clock, limits.deadline), 60_000) / 1000))
    const url = `${this.#baseUrl}${path}/messages?timeout=${seconds}&api-version=${apiVersion}`
    const request = {
      method: 'POST',
      headers: {
        ...(single ? single.headers : { 'content-type': batchMediaType }),
        authorization: type === 'jwt' ? `Bearer ${token}` : token,
        'user-agent': options.userAgent,
      },
      body: single ? single.body : encodeJsonBatch(events),
      redirect: 'manual',
    } as const
    // Headers are the event's properties here: an instrumented fetch must not add any.
    return single ? withoutTracing(() => this.#fetch(url, request, limits)) : this.#fetch(url, request, limits)
  }

  async getEventHubProperties(): Promise<never> {
    throw new EventHubError(`The properties of the event hub ${notSupported}`, { code: 'not-supported' })
  }

  async getPartitionProperties(): Promise<never> {
    throw new EventHubError(`The properties of a partition ${notSupported}`, { code: 'not-supported' })
  }

  /** Fetches the token ahead; the runtime keeps connections, not we. */
  async warmUp(limits: OperationLimits): Promise<void> {
    await this.#context.tokens.getToken(this.#audience, limits)
  }

  checkLiveness(): void {}

  retireConnection(): void {}

  async close(): Promise<void> {}

  /** One request, answered or aborted by the limits. The answer's body is never of use and is dropped. */
  async #fetch(url: string, init: Omit<HttpsRequest, 'signal'>, limits: OperationLimits): Promise<Response> {
    const { clock } = this.#context
    const abort = new AbortController()
    const send = await this.#open(abort, limits)
    const request = send(url, { ...init, signal: abort.signal })
    // Whoever gives up first, the request must not go on by itself, nor fail unheard.
    request.catch(() => {})
    try {
      const response = await bounded(
        clock,
        request,
        limits,
        () => new OperationTimeoutError('Event Hubs did not answer the request in time.', { outcome: 'unknown' }),
      )
      await this.#drain(response, limits)
      return response
    } catch (error) {
      abort.abort()
      // First: by now the request may have left, whatever the caller's reason, a timeout of its own among them.
      if (limits.signal?.aborted) throw abortedError(limits.signal.reason, 'unknown')
      if (error instanceof OperationTimeoutError) throw error
      throw fromFetchError(error, url)
    }
  }

  /** Reads an answer to its end, so that its connection can be used again. Status and headers are all that counts. */
  async #drain(response: Response, limits: OperationLimits): Promise<void> {
    const reader = response.body?.getReader()
    if (!reader) return
    const { clock } = this.#context
    const ended = (async () => {
      for (let length = 0; length < longestDrainInBytes; ) {
        const { done, value } = await reader.read()
        if (done) return true
        length += value.length
      }
      return false
    })()
    const tooLong = () => new OperationTimeoutError('The answer did not end.')
    const patience = { deadline: Math.min(limits.deadline, clock.monotonicNow() + longestDrainInMs) }
    const isEmpty = await bounded(clock, ended, patience, tooLong).catch(() => false)
    if (!isEmpty) void reader.cancel().catch(() => {})
  }

  /** What carries a request. Until it is there, nothing has left. */
  async #open(abort: AbortController, limits: OperationLimits): Promise<SendRequest> {
    if (!this.#openWay) return (url, request) => fetch(url, request)
    const { clock, options } = this.#context
    const noTunnel = () =>
      new OperationTimeoutError('The proxy did not open a tunnel in time. Check httpProxy, and what it can reach.')
    const opening = within(clock, limits, options.socketTimeoutInMs)
    try {
      return await bounded(clock, this.#openWay(abort.signal), opening, noTunnel)
    } catch (error) {
      abort.abort()
      throw error
    }
  }
}

/** An answer's body is short, and already on its way. What takes longer is not worth its connection. */
const longestDrainInBytes = 64 * 1024
const longestDrainInMs = 250

/** Failures before anything was sent, as undici (Node) and Bun name them; nothing is known of others. */
const neverLeft = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'ConnectionRefused'])

/** A certificate that is not trusted, has expired or names another host: no handshake, so nothing was sent. */
const isCertificateError = (condition: string) => /CERT|^UNABLE_TO_/.test(condition)

function fromFetchError(error: unknown, url: string): EventHubError {
  const cause = (error as { cause?: { code?: unknown } }).cause
  const condition = String(cause?.code ?? (error as { code?: unknown }).code ?? '')
  const { host } = new URL(url)
  const isMissing = condition === 'ENOTFOUND'
  const isUntrusted = isCertificateError(condition)
  const text = error instanceof Error ? error.message : String(error)
  const advice = isMissing
    ? " Check the namespace's name and the DNS."
    : isUntrusted
      ? ' To trust a private authority in Node, name its certificate in NODE_EXTRA_CA_CERTS.'
      : ''
  return new EventHubError(`The request to ${host} failed: ${text}${condition ? ` (${condition})` : ''}.${advice}`, {
    code: isMissing ? 'entity-not-found' : 'connection-lost',
    retryable: !isMissing && !isUntrusted,
    outcome: neverLeft.has(condition) || isUntrusted ? 'returned' : 'unknown',
    cause: error,
    ...(condition === '' ? {} : { condition }),
  })
}
