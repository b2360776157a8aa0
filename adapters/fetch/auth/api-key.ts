import { refuseUnknownOptions } from '../../../core/options.js'
import { keyMatcher, parseKeys } from './keys.js'
import type { AuthScheme } from './scheme.js'

/** Options of `apiKeyAuth`. */
export interface ApiKeyAuthOptions {
  /** One, or several while one is being replaced; at least 16 visible ASCII characters each. */
  readonly keys: string | readonly string[]
  /** The header that carries the key. Default: `x-api-key`. */
  readonly header?: string | undefined
  /**
   * A query parameter that may carry it too, for senders that can set nothing but the URL. URLs end up in logs; a
   * header is better. Default: none.
   */
  readonly query?: string | undefined
}

/** A key in a header of its own. Throws `TypeError` for options that cannot work. */
export function apiKeyAuth(options: ApiKeyAuthOptions): AuthScheme {
  refuseUnknownOptions('apiKeyAuth options', options, new Set(['keys', 'header', 'query']))
  const { keys, header = 'x-api-key', query } = options
  for (const [name, value] of Object.entries({ header, query })) {
    if (value !== undefined && !/^[\w.-]+$/.test(value)) {
      throw new TypeError(`apiKeyAuth: ${name} must be a name of letters, digits, hyphens and the like.`)
    }
  }
  const matching = keyMatcher(parseKeys('apiKeyAuth.keys', keys))
  return {
    settles: true,
    hint: `the header ${header}: <key>${query === undefined ? '' : ` or ?${query}=<key>`}`,
    security: [
      { type: 'apiKey', in: 'header', name: header },
      ...(query === undefined ? [] : [{ type: 'apiKey', in: 'query', name: query } as const]),
    ],
    async authenticate(request) {
      const fromQuery = query === undefined ? undefined : new URL(request.url).searchParams.get(query)
      const presented = request.headers.get(header) || fromQuery
      const name = presented ? await matching(presented) : undefined
      return name && `api-key:${name}`
    },
  }
}
