import { systemClock } from '../../../core/clock.js'
import { bounded, deadlineIn } from '../../../core/deadline.js'
import { OperationTimeoutError } from '../../../core/errors.js'
import { flag, type ReadersOf, readElsewhere, readOptions, wholeOf } from '../../../core/options.js'
import type { RequestContext, Stage } from '../context.js'
import { type Logger, logError } from '../log.js'
import { digest, fingerprintOf } from './digest.js'
import { parseIdempotencyKey } from './key.js'
import { memoryIdempotencyStore } from './memory-store.js'
import { documentedProblems, refusal } from './problems.js'
import { readRanges, writeRanges } from './ranges.js'
import type { IdempotencyClaim, IdempotencyOutcome, IdempotencyStore } from './store.js'

/** Options of `idempotencyKeys`. */
export interface IdempotencyKeysOptions {
  /** Where keys are remembered. Default: `memoryIdempotencyStore()`, best effort for each instance. */
  readonly store?: IdempotencyStore | undefined
  /** How long a key is remembered after its last attempt began, in milliseconds. Default: 24 hours. */
  readonly retentionInMs?: number | undefined
  /** Whether events without an `Idempotency-Key` are refused. Default: false. */
  readonly required?: boolean | undefined
}

/** Made by `idempotencyKeys`; the option of the same name takes it. */
export interface IdempotencyKeys {
  /** @internal What a request passes before its events are read. */
  readonly stage: Stage
  /** @internal Whether a request without a key is refused. */
  readonly required: boolean
  /** @internal What its refusals look like, for the OpenAPI documents. */
  readonly problems: typeof documentedProblems
}

const readers = {
  store: readElsewhere,
  retentionInMs: wholeOf(24 * 60 * 60 * 1000),
  required: (name, value) => flag(name, value, false),
} satisfies ReadersOf<IdempotencyKeysOptions>

/** Most time for one answer of the store. */
const storeTimeoutInMs = 5_000
/** An attempt that is alive settles before its lease ends: this is for the store, twice. */
const leaseMarginInMs = 2 * storeTimeoutInMs
/** What a caller is asked to wait while another attempt runs: most end sooner than their lease. */
const longestRetryAfterInMs = 5_000

/**
 * Honours `Idempotency-Key` on `POST /events` and `POST /events:batch`: what an attempt before this one had accepted is not
 * sent again, what it had not is tried again. Keys belong to a caller and a path. docs/http-api.md says it all.
 *
 * Throws `TypeError` or `RangeError` for wrong options.
 *
 * @see https://datatracker.ietf.org/doc/html/draft-ietf-httpapi-idempotency-key-header-07
 */
export function idempotencyKeys(options: IdempotencyKeysOptions = {}): IdempotencyKeys {
  const { retentionInMs, required } = readOptions('idempotencyKeys options', options, readers)
  const store = options.store ?? memoryIdempotencyStore()
  if (typeof store.claim !== 'function' || typeof store.settle !== 'function') {
    throw new TypeError('idempotencyKeys: store must be an IdempotencyStore, with the methods claim and settle.')
  }
  return {
    required,
    problems: documentedProblems,
    async stage(context, next) {
      const header = context.request.headers.get('idempotency-key')
      if (context.request.method !== 'POST' || (header === null && !required)) return next()
      const text = parseIdempotencyKey(header ?? '')
      if (text === undefined) return refusal(header === null ? 'missing' : 'invalid')
      // The store's answer comes after the body, and settling after the events: the caller may have gone by then.
      const answering = attempt(context, text, next)
      context.keepAlive(answering)
      return answering
    },
  }

  async function attempt(context: RequestContext, text: string, next: () => Promise<Response>): Promise<Response> {
    const { logger } = context.settings
    const fingerprint = await fingerprintOf(context, await context.readBody())
    const key = await digest(JSON.stringify([context.caller, pathOf(context), text]))
    const leaseInMs = context.remainingTimeInMs() + leaseMarginInMs
    const claim: IdempotencyClaim = {
      fingerprint,
      attempt: crypto.randomUUID(),
      leaseInMs,
      retentionInMs: Math.max(retentionInMs, leaseInMs),
    }
    const state = await claimed(store, key, claim, logger)
    if (state === undefined) return refusal('unavailable', 4)
    if (state.state === 'other-request') return refusal('reused')
    if (state.state === 'running') return refusal('in-use', Math.min(state.leaseLeftInMs, longestRetryAfterInMs) / 1000)
    const accepted = readRanges(state.kept ?? '')
    context.accepted = accepted
    if (state.state === 'done') {
      const response = await next()
      response.headers.set('idempotent-replayed', 'true')
      return response
    }
    try {
      return await next()
    } finally {
      const { results = [], isWhole = false } = context.outcome ?? {}
      for (const { index, status } of results) if (status === 'accepted') accepted.add(index)
      const kept = accepted.size === 0 ? undefined : writeRanges(accepted)
      const isDone = isWhole && results.every(({ status }) => status === 'accepted')
      await settled(store, key, { attempt: claim.attempt, kept, isDone }, logger)
    }
  }
}

/** The same path however its colon is written. */
function pathOf({ url }: RequestContext): string {
  return url.pathname.replace(/%3a/i, ':')
}

async function claimed(store: IdempotencyStore, key: string, claim: IdempotencyClaim, logger: Logger) {
  try {
    return await inTime(store.claim(key, claim))
  } catch (error) {
    logError(logger, 'The store of idempotency keys does not answer', error)
    return undefined
  }
}

/** The answer is true whether the store takes it or not: if it does not, the lease ends by itself. */
async function settled(store: IdempotencyStore, key: string, outcome: IdempotencyOutcome, logger: Logger) {
  try {
    await inTime(store.settle(key, outcome))
  } catch (error) {
    logError(logger, 'The store of idempotency keys did not take what became of a request', error)
  }
}

/** A store that hangs must not keep a request, or its answer, for good. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  const limits = { deadline: deadlineIn(systemClock, storeTimeoutInMs), signal: undefined }
  return bounded(systemClock, answer, limits, () => new OperationTimeoutError('No answer within 5 s.'))
}
