import type { RequestContext, Stage } from './context.js'
import { getHealth } from './health.js'
import { getPartitions } from './partitions.js'
import { postBatch, postEvents } from './post-events.js'
import { ProblemError } from './problem.js'

/** What a method on a path does. */
export interface Route {
  readonly method: string
  /** Below `basePath`. */
  readonly path: string
  /** Whether `auth` and what comes after it guard the route. */
  readonly guarded: boolean
  readonly respond: (context: RequestContext) => Promise<Response>
}

const routes: readonly Route[] = [
  { method: 'POST', path: '/events', guarded: true, respond: postEvents },
  { method: 'POST', path: '/events:batch', guarded: true, respond: postBatch },
  { method: 'GET', path: '/partitions', guarded: true, respond: getPartitions },
  // What a workflow platform asks to find out whether its key is good.
  { method: 'GET', path: '/connection', guarded: true, respond: getHealth },
  { method: 'GET', path: '/health', guarded: false, respond: getHealth },
]

/** Finds the route, lets everything in front of it judge, and answers. Throws `ProblemError`. */
export async function dispatch(context: RequestContext): Promise<Response> {
  const { request, url, settings } = context
  // Some senders escape the colon, which means the same (RFC 3986, section 2.2).
  const path = url.pathname.replace(/%3a/i, ':')
  const all = [...routes, ...(settings.openApi?.routes() ?? [])]
  const onPath = all.filter((route) => path === settings.basePath + route.path)
  if (onPath.length === 0) {
    const known = all.map((route) => `${route.method} ${settings.basePath}${route.path}`).join(', ')
    throw new ProblemError('not-found', `There is: ${known}.`)
  }
  // HEAD asks for what GET would say (RFC 9110, section 9.3.2).
  const method = request.method === 'HEAD' ? 'GET' : request.method
  const route = onPath.find((candidate) => candidate.method === method)
  if (route === undefined) {
    const allow = onPath.flatMap((candidate) => (candidate.method === 'GET' ? ['GET', 'HEAD'] : [candidate.method]))
    for (const answer of method === 'OPTIONS' ? settings.handshakes : []) {
      const response = answer(request, allow.join(', '))
      if (response !== undefined) return response
    }
    throw new ProblemError('method-not-allowed', `Use ${allow.join(' or ')} here.`, { allow: allow.join(', ') })
  }
  const response = await through(route.guarded ? settings.stages : [], context, route.respond)
  return request.method === 'HEAD' ? new Response(null, response) : response
}

function through(stages: readonly Stage[], context: RequestContext, last: Route['respond']): Promise<Response> {
  const [stage, ...rest] = stages
  return stage === undefined ? last(context) : stage(context, () => through(rest, context, last))
}
