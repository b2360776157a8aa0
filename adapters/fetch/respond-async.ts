import { systemClock } from '../../core/clock.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import type { RequestContext } from './context.js'
import type { IncomingItem } from './incoming.js'
import { logError } from './log.js'
import type { Posting } from './posting.js'
import { takeAll, taker } from './posting.js'
import { jsonResponse } from './problem.js'

/** `Prefer: respond-async` (RFC 7240), where the operator allows it and the platform lets work go on after the answer. */
export function mayAnswerEarly({ request, settings, platform, accepted }: RequestContext): boolean {
  const preferences = request.headers.get('prefer')?.split(',') ?? []
  const isAsked = preferences.some((preference) => /^respond-async *(?:;|$)/i.test(preference.trim()))
  // Under an Idempotency-Key the true answer is what is kept.
  return isAsked && accepted === undefined && settings.allowRespondAsync && typeof platform?.waitUntil === 'function'
}

/** A signal that aborts with another, until it is let go. */
export interface Followed {
  readonly signal: AbortSignal
  letGo(): void
}

export function until(signal: AbortSignal): Followed {
  const followed = new AbortController()
  const follow = () => followed.abort(signal.reason)
  if (signal.aborted) follow()
  else signal.addEventListener('abort', follow)
  return { signal: followed.signal, letGo: () => signal.removeEventListener('abort', follow) }
}

/**
 * Answers 202 once the whole body has been read, every item is valid, and none was refused when it was taken. The
 * events then go on without the caller. Resolves to undefined where that cannot be: everything was taken as usual.
 */
export async function answerEarly(posting: Posting, caller: Followed): Promise<Response | undefined> {
  const { context, entries } = posting
  const items: IncomingItem[] = []
  for await (const item of posting.items) items.push(item)
  if (items.length === 0 || items.some((item) => 'invalid' in item)) return takeAll(posting, items)
  // All keys first: the operator's function may throw, and then nothing is to be sent.
  const takers = items.map((item) => taker(posting, item))
  let isRefused = false
  const taking = takers.map(async (take) => {
    const entry = await take()
    isRefused ||= 'rejection' in entry
    return entry
  })
  // An event that can never be sent says so within a turn; one that waits for room does not.
  await new Promise<void>((resolve) => systemClock.schedule(0, resolve))
  let decide = (_isKept: boolean) => {}
  const decision = new Promise<boolean>((resolve) => {
    decide = resolve
  })
  // The platform is asked first: an invocation that is ended here tells nobody else what became of its events.
  const settling = decision.then((isKept) => (isKept ? settle(posting, taking) : undefined))
  const isKept = !isRefused && context.keepAlive(settling)
  decide(isKept)
  if (isKept) {
    caller.letGo()
    return jsonResponse(202, { pending: items.length }, { 'preference-applied': 'respond-async' })
  }
  entries.push(...(await Promise.all(taking)))
  return undefined
}

/** Nobody hears of what fails now but the log. */
async function settle({ context, invocation }: Posting, taking: readonly Promise<unknown>[]): Promise<void> {
  const { logger } = context.settings
  try {
    await Promise.all(taking)
    const report = await invocation.end()
    if (report.failures.length === 0) return
    logger.error?.(`POST /events, answered early: ${new EventsNotAcceptedError(report).message}`)
  } catch (error) {
    logError(logger, 'POST /events, answered early', error)
  }
}
