/** The parts of an Event Hubs connection string. */
export interface ConnectionString {
  /** Host name without port, such as `ns.servicebus.windows.net`. */
  readonly fullyQualifiedNamespace: string
  /** Only development connection strings may name one. */
  readonly port: number | undefined
  readonly eventHubName: string | undefined
  readonly sharedAccessKeyName: string | undefined
  readonly sharedAccessKey: string | undefined
  readonly sharedAccessSignature: string | undefined
  /** `UseDevelopmentEmulator=true`: no TLS. */
  readonly development: boolean
}

const known = new Map(
  [
    'Endpoint',
    'SharedAccessKeyName',
    'SharedAccessKey',
    'SharedAccessSignature',
    'EntityPath',
    'UseDevelopmentEmulator',
  ].map((name) => [name.toLowerCase(), name]),
)

const example = 'Endpoint=sb://NAMESPACE.servicebus.windows.net/;SharedAccessKeyName=NAME;SharedAccessKey=KEY'

/**
 * Reads a connection string as the Azure portal gives it. Names are case-insensitive; unknown ones are
 * ignored, as other Azure SDKs do. Throws `TypeError`, never with a secret in its message.
 */
export function parseConnectionString(text: string): ConnectionString {
  if (typeof text !== 'string' || text.trim() === '') {
    throw new TypeError(`The connection string is empty. It looks like: ${example}`)
  }
  const parts = new Map<string, string>()
  for (const segment of text.split(';')) {
    if (segment.trim() === '') continue
    const equals = segment.indexOf('=')
    const name = segment.slice(0, equals).trim().toLowerCase()
    if (equals <= 0) {
      throw new TypeError(`The connection string has a part without NAME=VALUE. It looks like: ${example}`)
    }
    const officialName = known.get(name)
    if (officialName === undefined) continue
    if (parts.has(officialName)) throw new TypeError(`The connection string names ${officialName} twice.`)
    parts.set(officialName, segment.slice(equals + 1).trim())
  }

  const { hostname, port } = parseEndpoint(parts.get('Endpoint'))
  const sharedAccessKeyName = parts.get('SharedAccessKeyName')
  const sharedAccessKey = parts.get('SharedAccessKey')
  const sharedAccessSignature = parts.get('SharedAccessSignature')
  if (sharedAccessSignature && (sharedAccessKey || sharedAccessKeyName)) {
    throw new TypeError('The connection string has both a SharedAccessSignature and a SharedAccessKey. Keep one.')
  }
  if (!sharedAccessSignature && !(sharedAccessKey && sharedAccessKeyName)) {
    throw new TypeError(
      'The connection string needs SharedAccessKeyName and SharedAccessKey, or SharedAccessSignature. ' +
        'For Microsoft Entra ID, use new EventHubProducerClient(namespace, eventHub, credential) instead.',
    )
  }
  const emulator = parts.get('UseDevelopmentEmulator')?.toLowerCase()
  if (emulator !== undefined && emulator !== 'true' && emulator !== 'false') {
    throw new TypeError('UseDevelopmentEmulator in the connection string must be true or false.')
  }
  const development = emulator === 'true'
  if (port !== undefined && !development) {
    throw new TypeError(
      'Only a connection string with UseDevelopmentEmulator=true may name a port. ' +
        'Remove the port from Endpoint, or use the option customEndpointAddress.',
    )
  }
  return {
    fullyQualifiedNamespace: hostname,
    port,
    eventHubName: parts.get('EntityPath') || undefined,
    sharedAccessKeyName,
    sharedAccessKey,
    sharedAccessSignature,
    development,
  }
}

function parseEndpoint(endpoint: string | undefined): { hostname: string; port: number | undefined } {
  if (!endpoint) throw new TypeError(`The connection string has no Endpoint. It looks like: ${example}`)
  const withScheme = /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `sb://${endpoint}`
  let url: URL
  try {
    // URL drops the default port of schemes it knows; "sb" is not one of them.
    url = new URL(withScheme.replace(/^[a-z]+:/i, 'sb:'))
  } catch {
    throw new TypeError(
      'The Endpoint in the connection string is not a URL such as sb://NAMESPACE.servicebus.windows.net/.',
    )
  }
  if (!url.hostname) throw new TypeError('The Endpoint in the connection string names no host.')
  return { hostname: url.hostname, port: url.port === '' ? undefined : Number(url.port) }
}
