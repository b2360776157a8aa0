import type { Context } from 'aws-lambda'
import type { Invocation } from '../../core/invocation.js'
import { endingInvocation } from '../flush-on-freeze.js'
import { invocationsOf, type WithEventHubOptions } from './invocations.js'
import { type Surroundings, surroundings } from './options.js'

/** A Lambda handler that sends events. `invocation` ends, and flushes, when the handler settles. */
export type EventHubHandler<E, R> = (event: E, context: Context, invocation: Invocation) => Promise<R> | R

/**
 * Wraps a Lambda handler. It gets an `Invocation` beside Lambda's event and context; when it returns or throws,
 * everything it sent is flushed within the function's remaining time.
 *
 * - An error of the handler stays that error.
 * - Events that were not accepted, and that no `flush` of the handler's own has reported to it, make the call reject
 *   with `EventsNotAcceptedError`.
 *
 * Options without a destination mean the environment, as for `forwardToEventHub`. Throws `TypeError` for options that
 * are wrong or missing, at once. For streamed responses see `withEventHubStreaming`, for Middy `eventHubMiddleware`.
 */
export function withEventHub<E, R>(
  options: WithEventHubOptions,
  handler: EventHubHandler<E, R>,
): (event: E, context: Context) => Promise<R> {
  return createWithEventHub(options, handler, surroundings())
}

/** @internal `withEventHub`, with its surroundings in the caller's hands. */
export function createWithEventHub<E, R>(
  options: WithEventHubOptions,
  handler: EventHubHandler<E, R>,
  given: Surroundings,
): (event: E, context: Context) => Promise<R> {
  if (typeof handler !== 'function') {
    throw new TypeError('withEventHub takes the options first and your handler second: withEventHub({}, handler).')
  }
  const begin = invocationsOf('withEventHub', options, given)
  // Two parameters, because Lambda takes a third for a callback and refuses such handlers from Node 24 on.
  return async (event, context) => {
    const invocation = await begin(context)
    return endingInvocation(invocation, () => handler(event, context, invocation))
  }
}
