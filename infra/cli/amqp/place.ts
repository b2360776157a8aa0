import { tcpWire, type Wire } from '../../../core/amqp/socket.js'
import { webSocketWire } from '../../../core/amqp/websocket.js'
import { parseConnectionString } from '../../../core/auth/connection-string.js'
import { type EventHubCredential, isNamedKey } from '../../../core/auth/credential.js'
import { refreshingCredential } from '../../../core/auth/refreshing-connection-string.js'
import type { Clock } from '../../../core/clock.js'
import {
  type HttpProxyOptions,
  parseOptions,
  parseSocketOptions,
  type TlsOptions,
  type TransportType,
} from '../../../core/options.js'
import type { TokenSource, TransportContext } from '../../../core/transport.js'
import { clientFor, type Target } from '../target.js'

/** Which event hub, and the way to it. */
export interface Place {
  readonly fullyQualifiedNamespace: string
  readonly eventHubName: string
  readonly credential: EventHubCredential
  readonly transportType: TransportType
  /** `UseDevelopmentEmulator=true`: no TLS. */
  readonly development: boolean
  /** Where to connect in place of the namespace's own host and port. */
  readonly endpoint: { readonly hostname: string; readonly port: number | undefined } | undefined
  readonly httpProxy: HttpProxyOptions | undefined
  readonly tls: TlsOptions | undefined
}

/** Longest wait for the socket, where nobody sets a shorter one. */
const socketTimeoutInMs = 10_000

/**
 * The place that a target means.
 *
 * @throws TypeError, RangeError for what cannot work, as the client's constructor; never with a secret
 */
export function placeOf(target: Target): Place {
  if (target.kind === 'identity') {
    return { ...wayTo(target), credential: target.credential, development: false }
  }
  // First: what is wrong with the string itself says more than what it leaves out.
  const parsed = parseConnectionString(target.connectionString)
  const { development, port } = parsed
  const way = wayTo(target)
  const own = development ? { hostname: way.fullyQualifiedNamespace, port } : undefined
  return { ...way, credential: refreshingCredential(parsed, undefined), development, endpoint: way.endpoint ?? own }
}

function wayTo(target: Target): Omit<Place, 'credential' | 'development'> {
  // The client checks all that there is to check, and does nothing before its first use.
  const { fullyQualifiedNamespace, eventHubName } = clientFor(target, {})
  const { clientOptions } = target
  return {
    fullyQualifiedNamespace,
    eventHubName,
    transportType: (clientOptions.transportType ?? 'amqp') as TransportType,
    endpoint: parseOptions(clientOptions).customEndpoint,
    ...parseSocketOptions(clientOptions),
  }
}

/** The context that the client would give its transport, so that the tools go the client's own way. */
export function contextOf(place: Place, clock: Clock, tokens: TokenSource, idleTimeoutInMs?: number): TransportContext {
  const { credential } = place
  return {
    fullyQualifiedNamespace: place.fullyQualifiedNamespace,
    eventHubName: place.eventHubName,
    tokens,
    clock,
    random: Math.random,
    logger: {},
    options: {
      development: place.development,
      endpoint: place.endpoint,
      sasl: 'cbs',
      enableIdempotentRetries: false,
      partitionIds: undefined,
      namedKey: isNamedKey(credential) ? () => ({ name: credential.name, key: credential.key }) : undefined,
      authTimeoutInMs: 0,
      socketTimeoutInMs,
      idleTimeoutInMs,
      userAgent: 'eventhub-sluice-cli',
      tls: place.tls,
      httpProxy: place.httpProxy,
    },
  }
}

/** How AMQP's bytes get there. Throws `TypeError` for a proxy beside plain AMQP. */
export function wireTo(place: Place, context: TransportContext): Wire {
  return place.transportType === 'amqpOverWebSocket' ? webSocketWire(context) : tcpWire(context)
}

/** A link's or a token's audience, as the client names it. */
export function audienceOf({ fullyQualifiedNamespace, eventHubName, transportType, development }: Place): string {
  if (transportType !== 'https') return `sb://${fullyQualifiedNamespace}/${eventHubName}`
  return `${development ? 'http' : 'https'}://${fullyQualifiedNamespace}/${encodeURIComponent(eventHubName)}`
}
