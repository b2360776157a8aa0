import { refuseUnknownOptions } from '../../../core/options.js'
import { jsonResponse } from '../problem.js'
import type { Route } from '../routes.js'
import { openApi31 } from './open-api-3.js'
import { swagger2 } from './swagger-2.js'

/** Options of `openApiDocuments`. */
export interface OpenApiOptions {
  /**
   * Where the front door is reached, such as `https://door.example.com`, without its base path. Default: the documents
   * name no host, which by both specifications means the one that they came from. A request's `Host` is never repeated.
   */
  readonly serverUrl?: string | undefined
  /** What the documents call this front door. Default: `Event Hub front door`. */
  readonly title?: string | undefined
}

/** `GET /openapi.json` and `GET /swagger.json`, made by `openApiDocuments`. */
export interface OpenApiDocuments {
  /** Where they are served, below `basePath`. */
  readonly paths: readonly string[]
  /** @internal */
  routes(): readonly Route[]
}

/**
 * The front door in OpenAPI 3.1 and, with the extensions that Power Automate and Logic Apps need, in Swagger 2.0; both
 * written from one description and the options of the handler. Neither needs a key, as neither holds a secret.
 *
 * Throws `TypeError` for options that cannot work.
 */
export function openApiDocuments(options: OpenApiOptions = {}): OpenApiDocuments {
  refuseUnknownOptions('openApiDocuments options', options, new Set(['serverUrl', 'title']))
  const serverUrl = parseServerUrl(options.serverUrl)
  const info = {
    title: options.title ?? 'Event Hub front door',
    description: 'Puts events into an event hub, and says of each event what became of it.',
    version: '1.0',
  }
  const document = (path: string, write: typeof openApi31): Route => ({
    method: 'GET',
    path,
    guarded: false,
    respond: async ({ settings }) => jsonResponse(200, write(settings, info, serverUrl)),
  })
  const routes = [document('/openapi.json', openApi31), document('/swagger.json', swagger2)]
  return { paths: routes.map(({ path }) => path), routes: () => routes }
}

function parseServerUrl(serverUrl: string | undefined): string | undefined {
  if (serverUrl === undefined) return undefined
  const origin = /^https?:\/\/[^/?#\s]+\/?$/.test(serverUrl) ? originOf(serverUrl) : undefined
  if (origin !== undefined) return origin
  throw new TypeError(
    "openApiDocuments: serverUrl must be scheme and host, such as 'https://door.example.com'; the base path comes from basePath.",
  )
}

function originOf(url: string): string | undefined {
  try {
    return new URL(url).origin
  } catch {
    return undefined
  }
}
