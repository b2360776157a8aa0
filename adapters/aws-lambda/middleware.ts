import type { Context } from 'aws-lambda'
import type { Invocation } from '../../core/invocation.js'
import { EventsNotAcceptedError } from '../flush-on-freeze.js'
import { invocationsOf, type WithEventHubOptions } from './invocations.js'
import { surroundings } from './options.js'

/** Lambda's context with the invocation that `eventHubMiddleware` puts there. */
export type EventHubContext = Context & { readonly eventHub: Invocation }

/** What is used of Middy's request, structurally: our types must not need that package. */
export interface MiddyRequest {
  /** Lambda's. */
  readonly context: Context
  /** What the handler, or another middleware, answers. */
  readonly response: unknown
}

/** What Middy's `use` takes. */
export interface EventHubMiddleware {
  /** Begins the invocation. */
  before(request: MiddyRequest): Promise<void>
  /** Ends it; rejects with `EventsNotAcceptedError` when an event was not accepted. */
  after(request: MiddyRequest): Promise<void>
  /** Ends it after an error, which stays that error. */
  onError(request: MiddyRequest): Promise<void>
}

/**
 * `withEventHub` as a Middy middleware: the handler finds its `Invocation` in `context.eventHub`.
 *
 * Attach it last: its `after` and `onError` then run before any other's, and no other's `before` can answer early
 * when the invocation has begun. Options as for `withEventHub`; throws `TypeError` for wrong ones, at once.
 */
export function eventHubMiddleware(options: WithEventHubOptions = {}): EventHubMiddleware {
  const begin = invocationsOf('eventHubMiddleware', options, surroundings())
  const invocations = new WeakMap<object, Invocation>()
  return {
    async before(request) {
      const invocation = await begin(request.context)
      invocations.set(request, invocation)
      // Not enumerable: loggers write the context out. Configurable: tests may pass one context twice.
      Object.defineProperty(request.context, 'eventHub', { value: invocation, configurable: true })
    },
    async after(request) {
      const report = await invocations.get(request)?.end()
      if (report && report.failures.length > 0) throw new EventsNotAcceptedError(report)
    },
    async onError(request) {
      const report = await invocations.get(request)?.end()
      // The handler's error stays that error. But where another middleware has made a response of it, the missing
      // events would go by unseen.
      if (report && report.failures.length > 0 && request.response !== undefined) {
        throw new EventsNotAcceptedError(report)
      }
    },
  }
}
