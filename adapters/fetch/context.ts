import type { Settings } from './options.js'

/** What a platform tells about a request beside the request: Cloudflare's `ctx`, or an adapter's stand-in. */
export interface FetchContext {
  /** Keeps the request alive until `promise` settles, though its caller may have gone. */
  waitUntil?(promise: Promise<unknown>): void
  /** Milliseconds that the platform leaves this request. Default: `timeoutInMs` alone decides. */
  remainingTimeInMs?(): number
}

/** One request with everything that a route needs. */
export interface RequestContext {
  readonly request: Request
  readonly url: URL
  readonly settings: Settings
  readonly platform: FetchContext | undefined
}
