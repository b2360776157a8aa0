import { systemClock } from '../../core/clock.js'
import { bounded } from '../../core/deadline.js'
import { EventHubError, OperationTimeoutError } from '../../core/errors.js'
import { type Body, bytesOf, readingStopped } from './body.js'
import { logError } from './log.js'
import type { Settings } from './options.js'
import type { EventResult } from './results.js'

/** What a platform tells about a request beside the request: Cloudflare's `ctx`, or an adapter's stand-in. */
export interface FetchContext {
  /** Keeps the request alive until `promise` settles, though its caller may have gone. */
  waitUntil?(promise: Promise<unknown>): void
  /** Milliseconds that the platform leaves this request. Default: `timeoutInMs` alone decides. */
  remainingTimeInMs?(): number
}

/** One request with everything that a route needs. */
export class RequestContext {
  readonly request: Request
  readonly url: URL
  readonly settings: Settings
  readonly platform: FetchContext | undefined
  readonly body: Body
  /** Who `auth` let in: a name that holds no secret. */
  caller = 'anyone'
  /** Positions of events that an attempt before this one had accepted; undefined for a request without a key. */
  accepted: ReadonlySet<number> | undefined
  /** What became of the events, once it is known. `isWhole`: the body was read to its end. */
  outcome: { readonly results: readonly EventResult[]; readonly isWhole: boolean } | undefined
  /** Reading of the monotonic clock: the one deadline that all waiting for this request shares. */
  readonly #deadline: number

  constructor(request: Request, settings: Settings, platform: FetchContext | undefined) {
    const { timeoutInMs, maxBodySizeInBytes } = settings
    this.request = request
    this.url = new URL(request.url)
    this.settings = settings
    this.platform = platform
    this.body = { request, maxBodySizeInBytes }
    const timeLeft = Math.min(timeoutInMs, platform?.remainingTimeInMs?.() ?? timeoutInMs)
    this.#deadline = systemClock.monotonicNow() + timeLeft
  }

  /** Milliseconds until the deadline, at least 1: a wait needs some. */
  remainingTimeInMs(): number {
    return Math.max(1, Math.floor(this.#deadline - systemClock.monotonicNow()))
  }

  /**
   * What `ask` gives, by the deadline and while the caller is there; otherwise rejects with an `EventHubError` of code
   * `timeout` or `aborted`. `ask` gets a signal that aborts with that error.
   */
  async within<T>(ask: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const ended = new AbortController()
    const limits = { deadline: this.#deadline, signal: this.request.signal }
    try {
      return await bounded(
        systemClock,
        ask(ended.signal),
        limits,
        () => new OperationTimeoutError('The time for this request was over.'),
      )
    } catch (error) {
      ended.abort(error)
      throw error
    }
  }

  /** Lets the platform keep the request alive until `promise` settles. False where it does not. */
  keepAlive(promise: Promise<unknown>): boolean {
    try {
      this.platform?.waitUntil?.(promise.then(ignore, ignore))
      return true
    } catch (error) {
      logError(this.settings.logger, 'ctx.waitUntil failed', error)
      return false
    }
  }

  /** The raw body, by the deadline. Read once, however often it is asked for. */
  async readBody(): Promise<Uint8Array> {
    try {
      return this.body.bytes ?? (await this.within((signal) => bytesOf(this.body, signal)))
    } catch (error) {
      throw error instanceof EventHubError ? readingStopped(error) : error
    }
  }
}

/** A step of a request's way: it answers, or lets what comes after it answer. */
export type Stage = (context: RequestContext, next: () => Promise<Response>) => Promise<Response>

function ignore(): void {}
