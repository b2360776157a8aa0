import { systemClock } from '../../core/clock.js'
import { optionalFunction, refuseUnknownOptions, whole } from '../../core/options.js'
import type { Stage } from './context.js'
import { problem, problemResponse } from './problem.js'

/** Options of `rateLimit`. */
export interface RateLimitOptions {
  /** How many requests of one caller are let through in the long run. May be a fraction, such as 0.5. */
  readonly requestsPerSecond: number
  /** How many may come at once after a pause. Default: `requestsPerSecond`, at least 1. */
  readonly burst?: number | undefined
  /**
   * Names the caller, for instance by the header `cf-connecting-ip`. With it the limit comes before `auth`. Default: who
   * `auth` let in.
   */
  readonly caller?: ((request: Request) => string) | undefined
  /** How many callers are remembered; the longest unused is forgotten first. Default: 10000. */
  readonly maxCallers?: number | undefined
}

/** What `rateLimit` makes: the buckets of one handler. */
export interface RateLimit {
  /** Whether the limit needs nothing of `auth`, and so comes before it. */
  readonly isBeforeAuth: boolean
  /** @internal */
  readonly stage: Stage
}

/**
 * A token bucket per caller, in the memory of this instance: best effort where there are several. Throws `TypeError` or
 * `RangeError` for options that cannot work.
 */
export function rateLimit(options: RateLimitOptions): RateLimit {
  const take = tokenBuckets(options)
  const { caller } = options
  return {
    isBeforeAuth: caller !== undefined,
    async stage(context, next) {
      const waitInMs = take(caller === undefined ? context.caller : String(caller(context.request)))
      return waitInMs === 0 ? next() : tooMany(waitInMs)
    },
  }
}

function tooMany(retryAfterInMs: number): Response {
  const detail =
    'This caller sends too many requests. Send it again after the time in Retry-After; nothing of it was sent.'
  const headers = { 'retry-after': String(Math.ceil(retryAfterInMs / 1000)) }
  return problemResponse(problem('too-many-requests', detail), headers, { retryAfterInMs })
}

/** Takes a caller's token; returns the milliseconds until there is one, 0 when it was taken. */
export function tokenBuckets(options: RateLimitOptions): (caller: string) => number {
  refuseUnknownOptions('rateLimit options', options, new Set(['requestsPerSecond', 'burst', 'caller', 'maxCallers']))
  const { requestsPerSecond } = options
  if (
    !(typeof requestsPerSecond === 'number' && requestsPerSecond > 0 && requestsPerSecond < Number.POSITIVE_INFINITY)
  ) {
    throw new RangeError('rateLimit.requestsPerSecond must be a number over 0.')
  }
  const burst = whole('rateLimit.burst', options.burst, Math.max(1, Math.floor(requestsPerSecond)), 1)
  const maxCallers = whole('rateLimit.maxCallers', options.maxCallers, 10_000, 1)
  optionalFunction('rateLimit.caller', options.caller)
  /** Plain values, the longest unused first: requests share them, and nothing waits on them. */
  const buckets = new Map<string, { readonly tokens: number; readonly at: number }>()
  return (name) => {
    const caller = shortened(name)
    const now = systemClock.monotonicNow()
    const known = buckets.get(caller) ?? { tokens: burst, at: now }
    const tokens = Math.min(burst, known.tokens + ((now - known.at) / 1000) * requestsPerSecond)
    // What a caller was told to wait may add up to a hair less than a token.
    const isLetIn = tokens > 1 - 1e-9
    buckets.delete(caller)
    buckets.set(caller, { tokens: isLetIn ? Math.max(0, tokens - 1) : tokens, at: now })
    for (const oldest of buckets.keys()) {
      if (buckets.size <= maxCallers) break
      buckets.delete(oldest)
    }
    return isLetIn ? 0 : Math.ceil(((1 - tokens) / requestsPerSecond) * 1000)
  }
}

/** A name may be a header that a stranger fills: what is kept of it is bounded. */
const longestName = 128

/** Two long names that become one share a bucket, which is no more than a nuisance to who made them so. */
function shortened(name: string): string {
  if (name.length <= longestName) return name
  let [one, other] = [0x811c9dc5, 0x9747b28c]
  for (let index = 0; index < name.length; index += 1) {
    one = Math.imul(one ^ name.charCodeAt(index), 0x01000193)
    other = Math.imul(other ^ name.charCodeAt(index), 0x5bd1e995)
  }
  return `${name.length}:${one}:${other}`
}
