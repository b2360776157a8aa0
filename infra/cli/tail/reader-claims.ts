import type { Session } from 'rhea'
import type { RequestResponseLink } from '../../../core/amqp/request-response-link.js'
import { type Clock, systemClock } from '../../../core/clock.js'
import { within } from '../../../core/deadline.js'
import { toEventHubError } from '../../../core/errors.js'
import type { AuthToken, OperationLimits, TokenSource } from '../../../core/transport.js'
import { isSuccess, putToken } from '../amqp/put-token.js'
import type { RawConnection } from '../amqp/raw-connection.js'
import { refusedToken } from './read-error.js'

/** Claims are put anew no more often. */
const shortestRenewalInMs = 30_000
const renewalTimeoutInMs = 20_000

export interface ReaderClaimsOptions {
  readonly fullyQualifiedNamespace: string
  readonly tokens: TokenSource
  readonly clock?: Clock | undefined
  /** Aborts when the reading is over. */
  readonly signal: AbortSignal
  readonly onNotice: (line: string) => void
}

/** What one connection may read: a token for each address, put anew before it ends. */
export class ReaderClaims {
  readonly #options: ReaderClaimsOptions
  readonly #clock: Clock
  readonly #connection: RawConnection
  readonly #session: Session
  #cbs: RequestResponseLink
  #cancelRenewal: () => void = () => {}

  constructor(connection: RawConnection, session: Session, options: ReaderClaimsOptions) {
    this.#options = options
    this.#clock = options.clock ?? systemClock
    this.#connection = connection
    this.#session = session
    this.#cbs = connection.openNode(session, '$cbs')
    connection.ended.then(() => this.#cancelRenewal())
  }

  /** Puts a token for an address such as `hub/ConsumerGroups/…`, and resolves with it. */
  async claim(path: string, limits: OperationLimits): Promise<AuthToken> {
    const { tokens, fullyQualifiedNamespace } = this.#options
    const uri = `sb://${fullyQualifiedNamespace}/${path}`
    const token = await tokens.getToken(uri, limits)
    const answer = await putToken(this.#cbs, uri, token, limits)
    if (isSuccess(answer)) return token
    tokens.invalidate(uri)
    throw refusedToken(answer)
  }

  /** Claims all of these, and goes on doing so as long as the connection lives. */
  async keep(paths: readonly string[], limits: OperationLimits): Promise<void> {
    const tokens = await Promise.all(paths.map((path) => this.claim(path, limits)))
    const refreshAfter = Math.min(...tokens.map((token) => token.refreshAfter))
    const delayInMs = Math.max(shortestRenewalInMs, refreshAfter - this.#clock.wallNow())
    if (this.#connection.isEnded) return
    this.#cancelRenewal = this.#clock.schedule(delayInMs, () => this.#renew(paths))
  }

  #renew(paths: readonly string[]): void {
    const { signal, onNotice } = this.#options
    // The service closes it when idle.
    if (this.#cbs.isClosed) this.#cbs = this.#connection.openNode(this.#session, '$cbs')
    const limits = within(this.#clock, { deadline: Number.POSITIVE_INFINITY, signal }, renewalTimeoutInMs)
    this.keep(paths, limits).catch((error) => {
      // The links end when the claims really have, and the next connection begins with new ones.
      if (!this.#connection.isEnded) onNotice(`The claims could not be renewed: ${toEventHubError(error).message}`)
    })
  }
}
