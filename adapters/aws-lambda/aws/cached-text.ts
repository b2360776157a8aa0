import type { Clock } from '../../../core/clock.js'
import { OperationTimeoutError } from '../../../core/errors.js'
import type { Logger } from '../options.js'

export interface CachedTextOptions {
  /** Fetches the text; bounded in time by itself. */
  readonly fetch: () => Promise<string>
  /** For how long a text is used without asking again, in milliseconds. */
  readonly ttlInMs: number
  readonly clock: Clock
  readonly logger: Logger
}

export interface TextRequest {
  /** How long the caller can wait, in milliseconds. Default: as long as the fetch may take. */
  readonly timeInMs?: number | undefined
  /** Ask now, whatever is known: it was refused. */
  readonly rejected?: boolean | undefined
}

/** After a failure, and after a refusal, how long not to ask again. In milliseconds. */
const pauseAfterFailureInMs = 30_000
const pauseAfterRejectionInMs = 1_000
/** While the last text is still good, how long to wait for the next; at most half of what the caller has. */
const renewalPatienceInMs = 1_000

/**
 * A text that is fetched anew when its time is up, by wall clock: a frozen process must see that time has passed.
 * Callers share a fetch. A fetch that fails is no reason to drop a text that may still be good.
 */
export function cachedText({ fetch, ttlInMs, clock, logger }: CachedTextOptions) {
  let known: { readonly text: string; readonly fetchedAt: number } | undefined
  let notBefore = Number.NEGATIVE_INFINITY
  let underWay: Promise<string> | undefined

  const fetchOnce = (): Promise<string> => {
    underWay ??= fetch()
      .then((text) => {
        known = { text, fetchedAt: clock.wallNow() }
        return text
      })
      .finally(() => {
        underWay = undefined
      })
    return underWay
  }

  /** A fetch that others began may have been frozen with the process, and its connection lost: that is not the last word. */
  const fetchOrJoin = async (): Promise<string> => {
    if (underWay) {
      try {
        return await underWay
      } catch {
        return fetchOnce()
      }
    }
    return fetchOnce()
  }

  return async ({ timeInMs, rejected = false }: TextRequest = {}): Promise<string> => {
    const now = clock.wallNow()
    const previous = known?.text
    if (known && previous !== undefined) {
      const age = now - known.fetchedAt
      // A negative age: the clock was set back.
      const isFresh = age >= 0 && age < (rejected ? pauseAfterRejectionInMs : ttlInMs)
      if (isFresh || (!rejected && now < notBefore)) return previous
    }
    const isRenewal = previous !== undefined && !rejected
    const patienceInMs = isRenewal ? Math.min(renewalPatienceInMs, (timeInMs ?? Infinity) / 2) : timeInMs
    try {
      return await withinTime(fetchOrJoin(), patienceInMs, clock)
    } catch (error) {
      if (previous === undefined) throw error
      notBefore = now + pauseAfterFailureInMs
      const reason = error instanceof Error ? error.message : String(error)
      logger.warn?.(`eventhub-sluice: The connection string was not fetched anew; the last one stays in use. ${reason}`)
      return previous
    }
  }
}

async function withinTime(work: Promise<string>, timeInMs: number | undefined, clock: Clock): Promise<string> {
  if (timeInMs === undefined) return work
  let cancel = () => {}
  const outOfTime = new Promise<never>((_, reject) => {
    cancel = clock.schedule(timeInMs, () =>
      reject(new OperationTimeoutError('The connection string was not fetched in the time of the invocation.')),
    )
  })
  try {
    return await Promise.race([work, outOfTime])
  } finally {
    cancel()
  }
}
