import type { Place } from '../amqp/place.js'

/** What a SharedAccessSignature says of itself, the signature left out. */
export interface SignatureParts {
  readonly resource: string
  readonly keyName: string
  /** Milliseconds since the Unix epoch. */
  readonly expiresOn: number
}

const prefix = 'SharedAccessSignature '

/** A text says what is wrong; it never quotes the signature. */
export function readSignature(signature: string): SignatureParts | string {
  if (!signature.startsWith(prefix)) return `it does not begin with "${prefix.trim()}" and a space`
  const fields = new Map<string, string>()
  for (const part of signature.slice(prefix.length).split('&')) {
    const equals = part.indexOf('=')
    if (equals > 0) fields.set(part.slice(0, equals), part.slice(equals + 1))
  }
  for (const name of ['sr', 'sig', 'se', 'skn']) if (!fields.get(name)) return `it has no ${name}`
  const seconds = fields.get('se') ?? ''
  if (!/^\d{1,12}$/.test(seconds)) return 'its expiry (se) is not a number of seconds'
  return {
    resource: decoded(fields.get('sr') ?? ''),
    keyName: decoded(fields.get('skn') ?? ''),
    expiresOn: Number(seconds) * 1000,
  }
}

/** Whether the resource is the event hub or something above it. The service has the last word. */
export function reaches(resource: string, { fullyQualifiedNamespace, eventHubName }: Place): boolean {
  const [, host = '', path = ''] = /^[a-z][a-z\d+.-]*:\/\/([^/]*)(.*)$/i.exec(resource) ?? [undefined, '', resource]
  const hostname = host.replace(/:\d+$/, '').toLowerCase()
  if (hostname !== '' && hostname !== fullyQualifiedNamespace.toLowerCase()) return false
  const above = path.toLowerCase().replace(/^\/+|\/+$/g, '')
  const hub = eventHubName.toLowerCase()
  return above === '' || above === hub || hub.startsWith(`${above}/`) || above.startsWith(`${hub}/`)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
