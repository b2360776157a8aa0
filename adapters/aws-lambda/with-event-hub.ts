import type { Context } from 'aws-lambda'
import type { Invocation } from '../../core/invocation.js'
import { duration, refuseUnknownOptions } from '../../core/options.js'
import { endingInvocation } from '../flush-on-freeze.js'
import { type ConnectionOptions, connect, connectionOptionNames } from './connection.js'
import { refuseOther, remainingTimeInMs, type Surroundings, surroundings } from './options.js'

export interface WithEventHubOptions extends ConnectionOptions {
  /** Kept back of the function's remaining time for the answer, in milliseconds. Default: a tenth, at most 500. */
  readonly reserveInMs?: number | undefined
  /** After a failure, whether later events of its key go on or are returned unsent. Default: `continue`. */
  readonly afterFailure?: 'continue' | 'stop' | undefined
}

const optionNames: ReadonlySet<string> = new Set<keyof WithEventHubOptions>([
  ...connectionOptionNames,
  'reserveInMs',
  'afterFailure',
])

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
 * are wrong or missing, at once.
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
  { environment }: Pick<Surroundings, 'environment'>,
): (event: E, context: Context) => Promise<R> {
  refuseUnknownOptions('withEventHub', options, optionNames)
  refuseOther('afterFailure', options.afterFailure, ['continue', 'stop'])
  duration('reserveInMs', options.reserveInMs, 0)
  if (typeof handler !== 'function') {
    throw new TypeError('withEventHub takes the options first and your handler second: withEventHub({}, handler).')
  }
  const { reserveInMs, afterFailure } = options
  const getClient = connect(options, environment)

  // Two parameters, because Lambda takes a third for a callback and refuses such handlers from Node 24 on.
  return async (event, context) => {
    const invocation = getClient().beginInvocation({
      timeoutInMs: remainingTimeInMs(context),
      reserveInMs,
      afterFailure,
    })
    return endingInvocation(invocation, () => handler(event, context, invocation))
  }
}
