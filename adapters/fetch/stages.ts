import type { Authenticator } from './auth/authenticate.js'
import type { Stage } from './context.js'
import type { FetchHandlerOptions } from './options.js'
import { problem, problemResponse } from './problem.js'
import type { RateLimit } from './rate-limit.js'
import type { WebhookProtocol } from './webhooks/protocol.js'

/** What a guarded request passes before its route, in order. */
export function stagesOf(
  authenticator: Authenticator,
  { rateLimit, webhooks }: Pick<FetchHandlerOptions, 'rateLimit'> & { readonly webhooks: readonly WebhookProtocol[] },
): readonly Stage[] {
  const limit = rateLimit && [limiting(rateLimit)]
  return [
    ...(rateLimit?.isBeforeAuth ? (limit ?? []) : []),
    authenticating(authenticator),
    ...(rateLimit?.isBeforeAuth ? [] : (limit ?? [])),
    ...webhooks.flatMap(({ stage }) => stage ?? []),
  ]
}

function authenticating(authenticator: Authenticator): Stage {
  return async (context, next) => {
    context.caller = await context.within(() => authenticator(context.request, () => context.readBody()))
    return next()
  }
}

function limiting(rateLimit: RateLimit): Stage {
  return async (context, next) => {
    const waitInMs = rateLimit.take(context.request, context.caller)
    return waitInMs === 0 ? next() : tooMany(waitInMs)
  }
}

function tooMany(retryAfterInMs: number): Response {
  const detail =
    'This caller sends too many requests. Send it again after the time in Retry-After; nothing of it was read.'
  const headers = { 'retry-after': String(Math.max(1, Math.ceil(retryAfterInMs / 1000))) }
  return problemResponse(problem('too-many-requests', detail), headers, { retryAfterInMs })
}
