import type { Context } from 'aws-lambda'
import type { Invocation } from '../../core/invocation.js'
import { duration, refuseUnknownOptions } from '../../core/options.js'
import { type ConnectionOptions, connect, connectionOptionNames } from './connection.js'
import { refuseOther, remainingTimeInMs, type Surroundings, timeToConnectInMs } from './options.js'

/** Options of `withEventHub`, `withEventHubStreaming` and `eventHubMiddleware`. Unknown names are refused. */
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

/**
 * Checks the options and connects; returns what begins an invocation bound to the time that a call of the function has
 * left. Throws `TypeError` for options that are wrong or missing, at once.
 *
 * @param name of the public function, for messages
 */
export function invocationsOf(
  name: string,
  options: WithEventHubOptions,
  surroundings: Surroundings,
): (context: Context) => Promise<Invocation> {
  refuseUnknownOptions(`${name} options`, options, optionNames)
  refuseOther('afterFailure', options.afterFailure, ['continue', 'stop'])
  duration('reserveInMs', options.reserveInMs, 0)
  const { reserveInMs, afterFailure } = options
  const getClient = connect(options, surroundings)

  return async (context) => {
    dontWaitForConnections(context)
    const client = await getClient(timeToConnectInMs(context, reserveInMs))
    return client.beginInvocation({ timeoutInMs: remainingTimeInMs(context), reserveInMs, afterFailure })
  }
}

/**
 * A streamed response counts as done only when nothing is left on the event loop, unless this is off; and an open
 * connection always is. Other handlers that return promises are not concerned.
 */
function dontWaitForConnections(context: Context | undefined): void {
  if (context) context.callbackWaitsForEmptyEventLoop = false
}
