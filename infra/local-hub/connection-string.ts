import type { ResolvedOptions } from './options.js'

/** Options of `LocalHub.connectionStringFor`. */
export interface ConnectionStringOptions {
  /** `amqps` names the TLS port, and no `UseDevelopmentEmulator`. Default: `amqp`. */
  readonly transport?: 'amqp' | 'amqps'
  /** Default: the first of the hub's keys. */
  readonly keyName?: string
}

/** Throws `TypeError` when there is no such key or port. */
export function connectionString(
  options: ResolvedOptions,
  ports: { readonly amqp: number; readonly amqps: number | undefined },
  eventHubName: string | undefined,
  { transport = 'amqp', keyName }: ConnectionStringOptions = {},
): string {
  const [firstKeyName = ''] = options.sharedAccessKeys.keys()
  const name = keyName ?? firstKeyName
  const key = options.sharedAccessKeys.get(name)
  if (key === undefined) throw new TypeError(`The local hub has no shared access key named '${name}'.`)
  const port = ports[transport]
  if (port === undefined)
    throw new TypeError('The local hub listens with TLS only when it is given tls: { key, cert }.')
  const parts = [
    `Endpoint=sb://${reachableHost(options.host)}:${port}`,
    `SharedAccessKeyName=${name}`,
    `SharedAccessKey=${key.key}`,
  ]
  if (eventHubName !== undefined) parts.push(`EntityPath=${eventHubName}`)
  if (transport === 'amqp') parts.push('UseDevelopmentEmulator=true')
  return parts.join(';')
}

/** A host to connect to, where the hub listens on all of them. */
function reachableHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}
