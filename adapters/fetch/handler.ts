import { EventHubError } from '../../core/errors.js'
import { readingStopped } from './body.js'
import { type FetchContext, RequestContext } from './context.js'
import { consoleLogger, logError } from './log.js'
import type { FetchHandlerOptions, Settings } from './options.js'
import { parseOptions } from './options.js'
import { ProblemError, problem, problemResponse } from './problem.js'
import type { QueueBatch } from './queue/batch.js'
import { dispatch } from './routes.js'

/** What `createFetchHandler` makes: the shape that Workers, Deno and Bun export. */
export interface FetchHandler {
  /** Answers one request. Never rejects. */
  fetch(request: Request, env?: unknown, ctx?: FetchContext): Promise<Response>
  /**
   * Consumes a batch of Cloudflare Queues, as the option `queue` says. Rejects, and acknowledges nothing, when the batch
   * cannot be settled, so that the platform delivers it again.
   */
  queue(batch: QueueBatch, env?: unknown, ctx?: unknown): Promise<void>
}

/**
 * The HTTP front door: `POST /events` takes JSON, NDJSON, CloudEvents, text and bytes and answers once Event Hubs has
 * them, event by event. docs/http-api.md is the whole contract.
 *
 * Pass options, or, in Workers, which get their configuration with the request, a function `(env) => options`.
 * That function runs once per environment object, and one client serves all its requests. Where the
 * second argument of `fetch` is something else than an environment (Deno, Bun), pass options.
 *
 * Wrong options throw `TypeError` or `RangeError` here; those of the function's form are answered with a 500
 * whose cause is in the log.
 */
export function createFetchHandler<Env = unknown>(
  options: FetchHandlerOptions | ((env: Env) => FetchHandlerOptions),
): FetchHandler {
  const settingsFor = typeof options === 'function' ? settingsByEnvironment(options) : always(parseOptions(options))
  return {
    async fetch(request, env, ctx) {
      let settings: Settings | undefined
      let response: Response
      try {
        settings = settingsFor(env as Env)
        response = await dispatch(new RequestContext(request, settings, ctx))
      } catch (error) {
        response = failed(error, settings)
      }
      return settings?.cors?.expose(request, response) ?? response
    },
    async queue(batch, env) {
      const settings = settingsFor(env as Env)
      if (settings.queue === undefined) {
        throw new TypeError(`Nothing here consumes the queue ${batch.queue}. Pass the option queue: queueConsumer().`)
      }
      await settings.queue(batch, settings)
    },
  }
}

function failed(thrown: unknown, settings: Settings | undefined): Response {
  // A caller that has gone is nobody's fault here.
  const hasLeft = thrown instanceof EventHubError && thrown.code === 'aborted'
  const error = hasLeft ? readingStopped(thrown) : thrown
  if (error instanceof ProblemError) return problemResponse(error.problem, error.headers)
  const what = settings === undefined ? 'The front door cannot be set up' : 'The front door failed'
  logError(settings?.logger ?? consoleLogger, what, error)
  return problemResponse(
    problem(
      'internal-error',
      'An error inside the front door. What was sent, if anything, is unknown; its log has more.',
    ),
  )
}

function always(settings: Settings): () => Settings {
  return () => settings
}

/** Plain values only are kept between requests, and go when their environment goes. */
function settingsByEnvironment<Env>(optionsFor: (env: Env) => FetchHandlerOptions): (env: Env) => Settings {
  const known = new WeakMap<object, Settings>()
  const withoutEnvironment = {}
  return (env) => {
    const key = typeof env === 'object' && env !== null ? env : withoutEnvironment
    let settings = known.get(key)
    if (settings === undefined) {
      settings = parseOptions(optionsFor(env))
      known.set(key, settings)
    }
    return settings
  }
}
