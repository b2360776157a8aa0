import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { arch, platform, release } from 'node:os'
import { connect as connectTls } from 'node:tls'
import { generate_uuid } from 'rhea-promise'
import { packageVersion } from '../options.js'
import type { TransportContext } from '../transport.js'

const tlsPort = 5671
const plainPort = 5672

/** Where and how to open the socket. */
export interface SocketTarget {
  readonly hostname: string
  readonly port: number
  readonly isTls: boolean
  /** For messages. */
  readonly label: string
}

export function socketTarget({ fullyQualifiedNamespace, options }: TransportContext): SocketTarget {
  const isTls = !options.development
  const hostname = (options.endpoint?.hostname ?? fullyQualifiedNamespace).replace(/^\[|\]$/g, '')
  const port = options.endpoint?.port ?? (isTls ? tlsPort : plainPort)
  return { hostname, port, isTls, label: `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}` }
}

/**
 * Opens the socket. Frames are small and answered one by one, so none may wait for the one before it to be
 * acknowledged (Nagle).
 */
export function openSocket(target: SocketTarget, context: TransportContext, onConnect: () => void): Socket {
  const { hostname: host, port } = target
  const socket = target.isTls
    ? connectTls(
        {
          host,
          port,
          // An address is no server name (RFC 6066); the certificate is then checked against the address.
          ...(isIP(host) ? {} : { servername: host }),
          ...context.options.tls,
        },
        onConnect,
      )
    : connectTcp({ host, port }, onConnect)
  socket.setNoDelay(true)
  return socket
}

/** Options for rhea's connection. */
export function rheaSettings(target: SocketTarget, context: TransportContext, open: (onConnect: () => void) => Socket) {
  const { options } = context
  const key = options.sasl === 'plain' ? options.namedKey?.() : undefined
  return {
    // The namespace is what is authenticated, wherever the socket leads.
    hostname: context.fullyQualifiedNamespace,
    host: target.hostname,
    port: target.port,
    container_id: `sluice-${generate_uuid()}`,
    // The connection's life is ours to decide; see `AmqpConnection`.
    reconnect: false,
    ...(options.idleTimeoutInMs === undefined ? {} : { idle_time_out: options.idleTimeoutInMs }),
    ...(key ? { username: key.name, password: key.key } : { username: 'anonymous' }),
    sasl_init_hostname: context.fullyQualifiedNamespace,
    connection_details: () => ({
      host: target.hostname,
      port: target.port,
      connect: (_port: number, _host: string, _options: unknown, onConnect: () => void) => open(onConnect),
    }),
    properties: {
      product: 'eventhub-sluice',
      version: packageVersion,
      platform: `(${arch()}-${platform()}-${release()})`,
      framework: `Node/${process.version}`,
      'user-agent': options.userAgent,
    },
  }
}
