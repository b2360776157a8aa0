import { flag, refuseUnknownOptions, whole } from '../../core/options.js'

/** Options of `cors`. */
export interface CorsOptions {
  /** Origins whose pages may call, such as `https://app.example.com`; `'*'`: any. */
  readonly origins: '*' | readonly string[]
  /** Whether pages may send cookies and the like; not with `'*'`. A header with a key needs none. Default: false. */
  readonly allowCredentials?: boolean | undefined
  /** How long browsers may keep what a preflight said, in seconds. Default: 600. */
  readonly maxAgeInSeconds?: number | undefined
}

/** What `cors` makes. */
export interface CorsPolicy {
  /** Answers a preflight; undefined for what is none, or from another origin. `allow`: the methods of the path. */
  preflight(request: Request, allow: string): Response | undefined
  /** The answer, with what the caller's browser has to know. */
  expose(request: Request, response: Response): Response
}

/**
 * Lets web pages of these origins call the front door (CORS). Throws `TypeError` for options that cannot work.
 *
 * @see https://fetch.spec.whatwg.org/#http-cors-protocol
 */
export function cors(options: CorsOptions): CorsPolicy {
  refuseUnknownOptions('cors options', options, new Set(['origins', 'allowCredentials', 'maxAgeInSeconds']))
  const { origins } = options
  const allowCredentials = flag('cors.allowCredentials', options.allowCredentials, false)
  const maxAge = whole('cors.maxAgeInSeconds', options.maxAgeInSeconds, 600, 0)
  if (origins === '*') {
    if (allowCredentials)
      throw new TypeError(
        "cors: allowCredentials lets any page act for its visitor beside origins: '*'. List the origins.",
      )
  } else if (!Array.isArray(origins) || !origins.every(isOrigin)) {
    throw new TypeError(
      "cors.origins must be '*', or a list of origins such as 'https://app.example.com', without a path.",
    )
  }
  const grant = (request: Request, headers: Headers): boolean => {
    const origin = request.headers.get('origin')
    if (origins !== '*') headers.append('vary', 'origin')
    if (origin === null || (origins !== '*' && !origins.includes(origin))) return false
    headers.set('access-control-allow-origin', origins === '*' ? '*' : origin)
    if (allowCredentials) headers.set('access-control-allow-credentials', 'true')
    return true
  }
  return {
    preflight(request, allow) {
      const headers = new Headers()
      if (!request.headers.has('access-control-request-method') || !grant(request, headers)) return undefined
      headers.set('access-control-allow-methods', allow)
      // Which headers mean something here is for the handler; a page of these origins may send any.
      const asked = request.headers.get('access-control-request-headers')
      if (asked !== null) headers.set('access-control-allow-headers', asked)
      headers.set('access-control-max-age', String(maxAge))
      return new Response(null, { status: 204, headers })
    },
    expose(request, response) {
      const { headers } = response
      if (!headers.has('access-control-allow-origin') && grant(request, headers)) {
        headers.set(
          'access-control-expose-headers',
          'retry-after, preference-applied, www-authenticate, idempotent-replayed',
        )
      }
      return response
    },
  }
}

function isOrigin(origin: unknown): boolean {
  return typeof origin === 'string' && URL.canParse(origin) && new URL(origin).origin === origin
}
