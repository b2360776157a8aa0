import type { Clock } from '../clock.js'
import { EventHubError, OperationTimeoutError } from '../errors.js'
import type { OperationLimits, TokenSource } from '../transport.js'
import type { RequestResponseLink } from './request-response-link.js'

interface Claim {
  readonly refreshAfter: number
  readonly expiresOn: number
}

/**
 * The claims of one connection: a token put to `$cbs` for each link's address. Renewed by wall clock, away
 * from the sends as long as the old token still holds.
 */
export class Claims {
  readonly #cbs: RequestResponseLink
  readonly #tokens: TokenSource
  readonly #clock: Clock
  readonly #limits: () => OperationLimits
  readonly #claims = new Map<string, Claim>()
  readonly #underWay = new Map<string, Promise<void>>()

  /** @param limits of one put-token, which belongs to the connection and not to whoever asked first */
  constructor(cbs: RequestResponseLink, tokens: TokenSource, clock: Clock, limits: () => OperationLimits) {
    this.#cbs = cbs
    this.#tokens = tokens
    this.#clock = clock
    this.#limits = limits
  }

  /** Whether a claim for this address still holds. One that nears its end is renewed meanwhile. */
  holds(address: string): boolean {
    const claim = this.#claims.get(address)
    const now = this.#clock.wallNow()
    if (!claim || now >= claim.expiresOn) return false
    // The error of a renewal ahead of time shows when the token has really ended.
    if (now >= claim.refreshAfter) this.put(address).catch(() => {})
    return true
  }

  /** Resolves when the service has accepted a token for this address (a full URI) that is still good. */
  async ensure(address: string): Promise<void> {
    if (this.holds(address)) return
    await this.put(address)
  }

  /** Puts a token now; calls for one address share a round trip. */
  put(address: string): Promise<void> {
    const known = this.#underWay.get(address)
    if (known) return known
    const put = this.#put(address).finally(() => this.#underWay.delete(address))
    this.#underWay.set(address, put)
    return put
  }

  async #put(address: string): Promise<void> {
    const limits = this.#limits()
    const token = await this.#tokens.getToken(address, limits)
    let error = await this.#tryToken(address, token, limits)
    if (error?.code === 'unauthorized') {
      // The cached token may have been revoked, or its key rotated: once more, if there is another one.
      this.#tokens.invalidate(address)
      const fresh = await this.#tokens.getToken(address, limits)
      if (fresh.token !== token.token) error = await this.#tryToken(address, fresh, limits)
    }
    if (error) throw error
  }

  async #tryToken(
    address: string,
    token: Awaited<ReturnType<TokenSource['getToken']>>,
    limits: OperationLimits,
  ): Promise<EventHubError | undefined> {
    const response = await this.#cbs.request(
      {
        body: token.token,
        application_properties: { operation: 'put-token', type: token.type, name: address },
      },
      limits,
    )
    if (response.statusCode >= 200 && response.statusCode < 300) {
      this.#claims.set(address, { refreshAfter: token.refreshAfter, expiresOn: token.expiresOn })
      return undefined
    }
    return claimRefused(response.statusCode, response.statusDescription, address)
  }
}

function claimRefused(status: number, description: string, address: string): EventHubError {
  const said = `The service refused the token for ${address} (${status})${description ? `: ${description}` : ''}.`
  if (status === 401 || status === 403) {
    return new EventHubError(
      `${said} Check the key or role: the credential needs the Send right (Azure Event Hubs Data Sender).`,
      { code: 'unauthorized', condition: String(status) },
    )
  }
  if (status === 404) {
    return new EventHubError(`${said} Check the namespace and the event hub name.`, {
      code: 'entity-not-found',
      condition: '404',
    })
  }
  if (status === 408) return new OperationTimeoutError(said, { condition: '408' })
  const code = status === 503 || status === 429 ? 'server-busy' : 'service-error'
  return new EventHubError(said, { code, retryable: status >= 500 || status === 429, condition: String(status) })
}
