import { createFetchHandler, type FetchContext, gitHubAuth, type IncomingEvent } from '../../adapters/fetch/index.js'

/** The bindings of the Worker. Set the first and the last with `wrangler secret put`, the name as a variable. */
export interface GitHubWebhookEnv {
  /** Of a key with the Send right. */
  readonly EVENTHUB_CONNECTION_STRING: string
  /** The event hub, unless the connection string has an `EntityPath`. */
  readonly EVENTHUB_NAME?: string
  /** The webhook's secret, at least 16 characters. Several, separated by spaces, while one is being replaced. */
  readonly GITHUB_WEBHOOK_SECRET: string
}

const frontDoor = createFetchHandler<GitHubWebhookEnv>((env) => ({
  connectionString: env.EVENTHUB_CONNECTION_STRING,
  eventHubName: env.EVENTHUB_NAME || undefined,
  auth: gitHubAuth({ secrets: env.GITHUB_WEBHOOK_SECRET?.trim().split(/\s+/) ?? [] }),
  // GitHub waits no longer.
  timeoutInMs: 9_000,
  partitionKey: repositoryOf,
}))

/**
 * GitHub's webhooks in front of an event hub, as a Worker: each delivery becomes a CloudEvent, keyed by its repository.
 * GitHub says in headers what kind of event the body is; as a CloudEvent's attributes, consumers get it too.
 */
export default {
  fetch(request: Request, env: GitHubWebhookEnv, ctx?: FetchContext): Promise<Response> {
    return frontDoor.fetch(asCloudEvent(request), env, ctx)
  },
}

function asCloudEvent(request: Request): Request {
  const delivery = request.headers.get('x-github-delivery')
  const event = request.headers.get('x-github-event')
  if (request.method !== 'POST' || delivery === null || event === null) return request
  const headers = new Headers(request.headers)
  headers.set('ce-specversion', '1.0')
  headers.set('ce-id', delivery)
  headers.set('ce-type', `com.github.${event}`)
  headers.set('ce-source', `https://github.com/hooks/${request.headers.get('x-github-hook-id') ?? 'unknown'}`)
  return new Request(request, { headers })
}

/** The signature covers the body, so this can be believed. */
function repositoryOf(_request: Request, event: IncomingEvent): string | undefined {
  if (event.kind !== 'cloudevent' || !(event.data instanceof Uint8Array)) return undefined
  try {
    const { repository } = JSON.parse(new TextDecoder().decode(event.data)) as { repository?: { full_name?: unknown } }
    return typeof repository?.full_name === 'string' ? repository.full_name : undefined
  } catch {
    return undefined
  }
}
