import type { RequestContext } from './context.js'
import { getHealth } from './health.js'
import { postEvents } from './post-events.js'
import { ProblemError } from './problem.js'

interface Route {
  readonly method: string
  /** Below `basePath`. */
  readonly path: string
  /** Whether `auth` guards it. */
  readonly guarded: boolean
  readonly respond: (context: RequestContext) => Promise<Response>
}

const routes: readonly Route[] = [
  { method: 'POST', path: '/events', guarded: true, respond: postEvents },
  { method: 'GET', path: '/health', guarded: false, respond: getHealth },
]

/** Finds the route, lets `auth` judge and answers. Throws `ProblemError`. */
export async function dispatch(context: RequestContext): Promise<Response> {
  const { request, url, settings } = context
  const onPath = routes.filter(({ path }) => url.pathname === settings.basePath + path)
  if (onPath.length === 0) {
    const known = routes.map(({ method, path }) => `${method} ${settings.basePath}${path}`).join(', ')
    throw new ProblemError('not-found', `There is: ${known}.`)
  }
  // HEAD asks for what GET would say (RFC 9110, section 9.3.2).
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = onPath.find((candidate) => candidate.method === method)
  if (route === undefined) {
    const allow = onPath.flatMap((candidate) => (candidate.method === 'GET' ? ['GET', 'HEAD'] : [candidate.method]))
    throw new ProblemError('method-not-allowed', `Use ${allow.join(' or ')} here.`, { allow: allow.join(', ') })
  }
  if (route.guarded) await settings.authenticate(request)
  const response = await route.respond(context)
  return request.method === 'HEAD' ? new Response(null, response) : response
}
