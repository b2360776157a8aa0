import type { HttpRequest, HttpResponseInit, InvocationContext } from '@azure/functions'
import { kindOf } from '../../core/options.js'
import { functionTimeoutOfThisApp, invocationTimeoutInMs } from './function-timeout.js'

/** What a fetch handler may use of the runtime around it. */
export interface HttpDoorContext {
  /** Milliseconds until Azure ends this request: the app's `functionTimeout`, and 230 s at most. */
  remainingTimeInMs(): number
}

/** Anything that answers a `Request`, such as what `createFetchHandler` makes. */
export interface HttpDoor {
  /** Answers one request. `environment` is the process's own: the app settings. */
  fetch(request: Request, environment: unknown, context: HttpDoorContext): Promise<Response> | Response
}

/**
 * The handler of an HTTP function that answers with `door`. Register it for every path below the app's prefix:
 *
 * ```ts
 * const door = createFetchHandler({ client, auth: { bearer: key }, basePath: '/api' })
 *
 * app.http('frontDoor', {
 *   route: '{*path}',
 *   methods: ['GET', 'HEAD', 'POST', 'OPTIONS'],
 *   authLevel: 'anonymous',
 *   handler: httpTriggerHandler(door),
 * })
 * ```
 *
 * Bodies stream where the app has set `enableHttpStream`; otherwise the host hands them over whole. There is no
 * `waitUntil`: nothing is kept running after the answer. An answer's cookies are not passed on. Throws `TypeError` for what
 * is no door.
 */
export function httpTriggerHandler(
  door: HttpDoor,
): (request: HttpRequest, context: InvocationContext) => Promise<HttpResponseInit> {
  if (typeof door?.fetch !== 'function') {
    throw new TypeError(
      `httpTriggerHandler takes a door, such as createFetchHandler({ … }); received ${kindOf(door)} without a fetch function.`,
    )
  }
  return async (httpRequest) => {
    const end =
      performance.now() + invocationTimeoutInMs(Number.POSITIVE_INFINITY, 'httpTrigger', functionTimeoutOfThisApp())
    const request = toRequest(httpRequest)
    if (!request) return malformed()
    return fromResponse(
      await door.fetch(request, process.env, { remainingTimeInMs: () => Math.max(0, end - performance.now()) }),
    )
  }
}

/** Undefined for what has no web form. */
function toRequest({ method, url, headers, body }: HttpRequest): Request | undefined {
  const init: RequestInit = { method, headers: [...headers] }
  if (body !== null && method !== 'GET' && method !== 'HEAD') {
    // The same streams under the names of two packages of types.
    init.body = body as NonNullable<RequestInit['body']>
    init.duplex = 'half'
  }
  try {
    return new Request(url, init)
  } catch {
    return undefined
  }
}

function fromResponse({ status, headers, body }: Response): HttpResponseInit {
  return { status, headers: [...headers], ...(body === null ? {} : { body: body as HttpResponseInit['body'] }) }
}

function malformed(): HttpResponseInit {
  const detail = 'The method, the address or a header of the request cannot be read.'
  return {
    status: 400,
    headers: { 'content-type': 'application/problem+json' },
    body: JSON.stringify({ title: 'Bad request', status: 400, detail }),
  }
}
