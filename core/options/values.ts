import { type Clock, systemClock } from '../clock.js'
import type { Transport, TransportFactory } from '../transport.js'
import { kindOf, oneOf } from './checks.js'
import type { EventHubProducerClientOptions } from './client-options.js'

/** Also the version that the user agent states; kept equal to package.json's by a test. */
export const packageVersion = '0.1.0'

/** The ids, copied. */
export function parsePartitionIds(_name: string, ids: unknown): readonly string[] | undefined {
  if (ids === undefined) return undefined
  if (!Array.isArray(ids) || ids.length === 0 || !ids.every((id) => typeof id === 'string' && id !== '')) {
    throw new TypeError("partitionIds must be a list of ids such as ['0', '1'].")
  }
  // Keys are hashed onto the list: one id twice would send them elsewhere than the service does.
  const twice = ids.find((id, index) => ids.indexOf(id) !== index)
  if (twice !== undefined) throw new TypeError(`partitionIds names '${twice}' twice.`)
  return [...ids]
}

/** The user's agent, if any, and ours. */
export function parseUserAgent(_name: string, userAgent: unknown): string {
  const own = `eventhub-sluice/${packageVersion}`
  if (userAgent === undefined || userAgent === '') return own
  // It becomes a header.
  if (typeof userAgent === 'string' && /^[ -~]+$/.test(userAgent)) return `${userAgent} ${own}`
  throw new TypeError("userAgent must be printable ASCII, such as 'my-app/1.0'.")
}

/** Refuses by name what cannot be numbered: sends whose partition, or whose order, is not known here. */
export function assertCanBeIdempotent(
  settings: Pick<
    EventHubProducerClientOptions,
    'enableIdempotentRetries' | 'transportType' | 'keyedRouting' | 'unkeyedRouting'
  > & { readonly maxConcurrentSendsPerPartition: number },
): void {
  if (!settings.enableIdempotentRetries) return
  const beside = (option: string, advice: string) =>
    new TypeError(`enableIdempotentRetries cannot be used beside ${option}: ${advice}`)
  if (settings.transportType === 'https')
    throw beside("transportType: 'https'", 'the service offers it over AMQP alone.')
  for (const name of ['keyedRouting', 'unkeyedRouting'] as const) {
    if (settings[name] === 'service') throw beside(`${name}: 'service'`, 'it sends to partitions by id.')
  }
  if (settings.maxConcurrentSendsPerPartition > 1) {
    throw beside('maxConcurrentSendsPerPartition over 1', 'it sends one batch at a time to each partition.')
  }
}

/** A known name, a factory, or a transport of one's own. */
export function parseTransportType(name: string, value: unknown): EventHubProducerClientOptions['transportType'] {
  if (value === undefined || typeof value === 'function') return value as TransportFactory | undefined
  if (typeof value !== 'object' || value === null) {
    return oneOf(name, value, ['amqp', 'amqpOverWebSocket', 'https'] as const)
  }
  if (typeof (value as Partial<Transport>).send === 'function') return value as Transport
  throw new TypeError(
    `${name} must be 'amqp', 'amqpOverWebSocket', 'https', a factory such as amqpTransport, or a Transport, which has a send method; received ${kindOf(value)}.`,
  )
}

/** A host with a port, read from a host, a `host:port` or a URL. */
export function parseCustomEndpoint(_name: string, address: unknown): { hostname: string; port: number } | undefined {
  if (address === undefined) return undefined
  const text = typeof address === 'string' ? address : ''
  try {
    const url = new URL(/^[a-z]+:\/\//i.test(text) ? text.replace(/^[a-z]+:/i, 'sb:') : `sb://${text}`)
    // Of this scheme, URL takes nearly anything for a host: even a connection string.
    const isHost = /^(?:[\w.-]+|\[[\da-f:.]+\])$/i.test(url.hostname)
    if (isHost) return { hostname: url.hostname, port: url.port === '' ? 443 : Number(url.port) }
  } catch {
    // Falls through to the one message below.
  }
  // Not told what it is: a connection string, with its key, is put here by mistake.
  throw new TypeError(
    `customEndpointAddress must be a host, a host:port or a URL, such as 'gateway.example.net:5671'; received ${kindOf(address)} that is none.`,
  )
}

/** The system's clock, or one of the three functions. */
export function parseClock(name: string, value: unknown): Clock {
  if (value === undefined) return systemClock
  const clock = (value ?? {}) as Clock
  if ([clock.monotonicNow, clock.wallNow, clock.schedule].every((method) => typeof method === 'function')) return clock
  throw new TypeError(
    `${name} must be an object with the functions monotonicNow, wallNow and schedule; received ${kindOf(value)}.`,
  )
}
