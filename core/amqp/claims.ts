import type { Clock } from '../clock.js'
import { within } from '../deadline.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from '../errors.js'
import type { AuthToken, OperationLimits, TokenSource } from '../transport.js'
import type { RequestResponseLink, Response } from './request-response-link.js'

/** Longest wait for `$cbs` to answer. */
const longestAnswerInMs = 10_000

/**
 * However short a token says it lives, a claim counts at least so long: clocks differ, and the service's own
 * word is what matters. It also bounds how often a token is renewed.
 */
const shortestClaimInMs = 30_000

interface Claim {
  readonly token: AuthToken
  readonly refreshAfter: number
  readonly expiresOn: number
}

/**
 * The claims of one connection: a token put to `$cbs` for each link's address. Renewed by wall clock, away
 * from the sends as long as the old token still holds.
 */
export class Claims {
  readonly #cbs: () => Pick<RequestResponseLink, 'request'>
  readonly #tokens: TokenSource
  readonly #clock: Clock
  readonly #limits: () => OperationLimits
  readonly #onSilence: (error: EventHubError) => void
  readonly #claims = new Map<string, Claim>()
  readonly #underWay = new Map<string, Promise<void>>()
  #asking: Promise<AuthToken> | undefined
  /** Addresses put ahead, which nobody has asked for since. */
  readonly #ahead = new Set<string>()

  /**
   * @param cbs the link to `$cbs`, which may be another one each time: the service closes it when idle
   * @param limits of one put-token, which belongs to the connection and not to whoever asked first
   * @param onSilence told when `$cbs` does not answer somebody
   */
  constructor(
    cbs: () => Pick<RequestResponseLink, 'request'>,
    tokens: TokenSource,
    clock: Clock,
    limits: () => OperationLimits,
    onSilence: (error: EventHubError) => void,
  ) {
    this.#cbs = cbs
    this.#tokens = tokens
    this.#clock = clock
    this.#limits = limits
    this.#onSilence = onSilence
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

  /** Forgets what was claimed, and the token it was claimed with: the service has refused it. */
  forget(address: string): void {
    this.#claims.delete(address)
    this.#tokens.invalidate(address)
  }

  /** Whether a proof can be asked for without asking a credential, which may take its time. */
  get canProve(): boolean {
    return this.#claims.size > 0
  }

  /**
   * One round trip that shows whether the peer is there: a token that was accepted before is put again. Any
   * answer will do, a refusal as well, so no credential is asked and the outcome says nothing of the claim.
   */
  async prove(address: string, limits: OperationLimits): Promise<void> {
    const known = this.#claims.get(address) ?? [...this.#claims.values()][0]
    const token = known?.token ?? (await this.#tokens.getToken(address, limits))
    // Whoever asks for the proof judges of the silence.
    await this.#send(address, token, limits)
  }

  /** Puts a token now; calls for one address share a round trip. */
  put(address: string): Promise<void> {
    this.#ahead.delete(address)
    const known = this.#underWay.get(address)
    if (known) return known
    const put = this.#put(address).finally(() => this.#underWay.delete(address))
    this.#underWay.set(address, put)
    return put
  }

  /** Puts a token that nobody needs yet. Never rejects; and when no answer comes, the connection goes on. */
  async putAhead(address: string): Promise<void> {
    if (this.holds(address) || this.#underWay.has(address)) return
    const put = this.put(address)
    this.#ahead.add(address)
    await put.catch(() => {})
  }

  async #put(address: string): Promise<void> {
    const limits = this.#limits()
    const token = await this.#getToken(address, limits)
    // Time of its own: a credential that took all of it would make a living connection look silent.
    const answer = this.#limits()
    let error = await this.#tryToken(address, token, answer)
    if (error?.code === 'unauthorized') {
      // The cached token may have been revoked, or its key rotated: once more, if there is another one.
      this.#tokens.invalidate(address)
      const fresh = await this.#tokens.getToken(address, limits)
      if (fresh.token !== token.token) error = await this.#tryToken(address, fresh, answer)
    }
    if (error) throw error
  }

  /** One asks the credential; those who come meanwhile find what it gave in the cache. */
  #getToken(address: string, limits: OperationLimits): Promise<AuthToken> {
    const ask = () => this.#tokens.getToken(address, limits)
    if (this.#asking) return this.#asking.then(ask, ask)
    const asking = ask()
    const end = () => {
      this.#asking = undefined
    }
    this.#asking = asking
    asking.then(end, end)
    return asking
  }

  async #tryToken(address: string, token: AuthToken, limits: OperationLimits): Promise<EventHubError | undefined> {
    const response = await this.#request(address, token, limits)
    if (response.statusCode >= 200 && response.statusCode < 300) {
      const earliest = this.#clock.wallNow() + shortestClaimInMs
      this.#claims.set(address, {
        token,
        refreshAfter: Math.max(token.refreshAfter, earliest),
        expiresOn: Math.max(token.expiresOn, earliest),
      })
      return undefined
    }
    return claimRefused(response.statusCode, response.statusDescription, address)
  }

  async #request(address: string, token: AuthToken, limits: OperationLimits): Promise<Response> {
    try {
      return await this.#send(address, token, limits)
    } catch (thrown) {
      const error = toEventHubError(thrown)
      if (error.code === 'timeout' && !this.#ahead.has(address)) this.#onSilence(error)
      throw error
    }
  }

  #send(address: string, token: AuthToken, limits: OperationLimits): Promise<Response> {
    const request = {
      body: token.token,
      application_properties: { operation: 'put-token', type: token.type, name: address },
    }
    // A node that does not answer is not waited for as long as a credential may take.
    return this.#cbs().request(request, within(this.#clock, limits, longestAnswerInMs))
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
