import { bounded, remainingTime } from '../deadline.js'
import { abortedError, EventHubError, OperationTimeoutError } from '../errors.js'
import type { OperationLimits, PartitionId, Transport, TransportContext } from '../transport.js'
import { encodeJsonBatch, type HttpsEvent, httpsCodec } from './codec.js'
import { fromStatus } from './status.js'

/** Publications have AMQP's limit: 1 MiB, or 256 KiB in the Basic tier, which the service then says. */
const maxPublicationSizeInBytes = 1024 * 1024
const apiVersion = '2014-01'
const batchContentType = 'application/vnd.microsoft.servicebus.json'
const notSupported =
  "cannot be asked for over HTTPS with a sender's rights. Pass partitionIds as an option, or use AMQP."

/**
 * Event Hubs' REST API over `fetch`: for runtimes without sockets. Keeps no connection of its own and
 * nothing between requests but plain values.
 */
export class HttpsTransport implements Transport<HttpsEvent> {
  readonly name = 'https'
  readonly codec = httpsCodec
  readonly canReadProperties = false
  readonly #context: TransportContext
  readonly #baseUrl: string

  constructor(context: TransportContext) {
    const { options, fullyQualifiedNamespace, eventHubName } = context
    if (options.sasl === 'plain') throw new TypeError("sasl: 'plain' belongs to AMQP; it cannot be used over HTTPS.")
    if (options.tls)
      throw new TypeError(
        "The option tls belongs to AMQP; over HTTPS the runtime's fetch verifies certificates (Node: NODE_EXTRA_CA_CERTS).",
      )
    this.#context = context
    const { endpoint } = options
    const hostname = endpoint?.hostname ?? fullyQualifiedNamespace
    const port = endpoint?.port === undefined ? '' : `:${endpoint.port}`
    this.#baseUrl = `${options.development ? 'http' : 'https'}://${hostname}${port}/${encodeURIComponent(eventHubName)}`
  }

  maxBatchSizeInBytes(): number {
    return maxPublicationSizeInBytes
  }

  async send(partitionId: PartitionId, events: readonly HttpsEvent[], limits: OperationLimits): Promise<void> {
    const { tokens, clock } = this.#context
    // Signed for the event hub, which covers its partitions.
    const audience = this.#baseUrl
    const ranOut = () => new OperationTimeoutError('No token was there in time.')
    const { token, type } = await bounded(clock, tokens.getToken(audience, limits), limits, ranOut)
    const [first] = events
    const single = first?.single
    const path = partitionId === undefined ? '' : `/partitions/${encodeURIComponent(partitionId)}`
    const seconds = Math.max(1, Math.ceil(Math.min(remainingTime(clock, limits.deadline), 60_000) / 1000))
    const response = await this.#fetch(
      `${this.#baseUrl}${path}/messages?timeout=${seconds}&api-version=${apiVersion}`,
      {
        method: 'POST',
        headers: {
          ...(single ? single.headers : { 'content-type': batchContentType }),
          authorization: type === 'jwt' ? `Bearer ${token}` : token,
          'user-agent': this.#context.options.userAgent,
        },
        body: single ? single.body : encodeJsonBatch(events),
        redirect: 'manual',
      },
      limits,
    )
    if (response.status === 201) return
    if (response.status === 401) tokens.invalidate(audience)
    throw fromStatus(response.status, response.headers.get('retry-after'), clock.wallNow())
  }

  async getEventHubProperties(): Promise<never> {
    throw new EventHubError(`The properties of the event hub ${notSupported}`, { code: 'not-supported' })
  }

  async getPartitionProperties(): Promise<never> {
    throw new EventHubError(`The properties of a partition ${notSupported}`, { code: 'not-supported' })
  }

  /** Fetches the token ahead; the runtime keeps connections, not we. */
  async warmUp(limits: OperationLimits): Promise<void> {
    await this.#context.tokens.getToken(this.#baseUrl, limits)
  }

  checkLiveness(): void {}

  retireConnection(): void {}

  async close(): Promise<void> {}

  /** One request, answered or aborted by the limits. The answer's body is never of use and is dropped. */
  async #fetch(url: string, init: RequestInit, limits: OperationLimits): Promise<Response> {
    const { clock } = this.#context
    const abort = new AbortController()
    const request = fetch(url, { ...init, signal: abort.signal })
    // Whoever gives up first, the request must not go on by itself, nor fail unheard.
    request.catch(() => {})
    try {
      const response = await bounded(
        clock,
        request,
        limits,
        () => new OperationTimeoutError('Event Hubs did not answer the request in time.', { outcome: 'unknown' }),
      )
      void response.body?.cancel().catch(() => {})
      return response
    } catch (error) {
      abort.abort()
      if (error instanceof OperationTimeoutError) throw error
      // By now the request may have left, whatever the caller's reason.
      if (limits.signal?.aborted) throw abortedError(limits.signal.reason, 'unknown')
      throw fromFetchError(error, url)
    }
  }
}

/** Failures before anything was sent, as undici (Node) and Bun name them; nothing is known of others. */
const neverLeft = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'ConnectionRefused'])

function fromFetchError(error: unknown, url: string): EventHubError {
  const cause = (error as { cause?: { code?: unknown } }).cause
  const condition = String(cause?.code ?? (error as { code?: unknown }).code ?? '')
  const { host } = new URL(url)
  const isMissing = condition === 'ENOTFOUND'
  const text = error instanceof Error ? error.message : String(error)
  return new EventHubError(
    `The request to ${host} failed: ${text}${condition ? ` (${condition})` : ''}.${isMissing ? " Check the namespace's name and the DNS." : ''}`,
    {
      code: isMissing ? 'entity-not-found' : 'connection-lost',
      retryable: !isMissing,
      outcome: neverLeft.has(condition) ? 'returned' : 'unknown',
      cause: error,
      ...(condition === '' ? {} : { condition }),
    },
  )
}
