import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { arch, platform, release } from 'node:os'
import type { Duplex } from 'node:stream'
import { connect as connectTls, type SecureContextOptions } from 'node:tls'
import { generate_uuid } from 'rhea-promise'
import { packageVersion } from '../options.js'
import type { TransportContext } from '../transport.js'

/** Default ports, with TLS and without. */
interface Ports {
  readonly tls: number
  readonly plain: number
}

const amqpPorts: Ports = { tls: 5671, plain: 5672 }
export const httpPorts: Ports = { tls: 443, plain: 80 }

/** Where and how to open the socket. */
export interface SocketTarget {
  readonly hostname: string
  readonly port: number
  readonly isTls: boolean
  /** Host and port as a URL has them. */
  readonly authority: string
  /** For messages. */
  readonly label: string
}

/** A way for AMQP's bytes. */
export interface Wire {
  /** The transport's name. */
  readonly name: string
  readonly target: SocketTarget
  /** Whether one write more or less makes no difference to the peer. */
  readonly isByteStream: boolean
  /**
   * Returns at once; the stream connects within. `onConnect` runs in a later turn, when bytes may go. A
   * failure destroys the stream with it as error.
   */
  open(onConnect: () => void): Duplex
}

export function socketTarget({ fullyQualifiedNamespace, options }: TransportContext, ports: Ports): SocketTarget {
  const isTls = !options.development
  const hostname = (options.endpoint?.hostname ?? fullyQualifiedNamespace).replace(/^\[|\]$/g, '')
  const port = options.endpoint?.port ?? (isTls ? ports.tls : ports.plain)
  const authority = authorityOf(hostname, port)
  const { httpProxy } = options
  const by = httpProxy ? ` (by the proxy ${authorityOf(httpProxy.hostname, httpProxy.port)})` : ''
  return { hostname, port, isTls, authority, label: `${authority}${by}` }
}

export function authorityOf(hostname: string, port: number): string {
  return `${isIP(hostname) === 6 ? `[${hostname}]` : hostname}:${port}`
}

/** AMQP right on TCP or TLS. */
export function tcpWire(context: TransportContext): Wire {
  if (context.options.httpProxy) {
    throw new TypeError(
      "httpProxy cannot be used with transportType 'amqp': a proxy carries HTTP alone. Use transportType 'amqpOverWebSocket' or 'https', or leave httpProxy out.",
    )
  }
  const target = socketTarget(context, amqpPorts)
  return {
    name: 'amqp',
    target,
    isByteStream: true,
    open: (onConnect) => connectSocket(target, context).once(target.isTls ? 'secureConnect' : 'connect', onConnect),
  }
}

/**
 * A socket that connects by itself, or by way of an open tunnel; TLS starts within it where the target has it.
 * Frames are small and answered one by one, so none may wait for the one before it to be acknowledged (Nagle).
 */
export function connectSocket(target: SocketTarget, context: TransportContext, tunnel?: Socket): Socket {
  const { hostname: host, port, isTls } = target
  if (!isTls && tunnel) return tunnel
  const socket = isTls
    ? connectTls({
        host,
        port,
        ...(tunnel ? { socket: tunnel } : {}),
        // An address is no server name (RFC 6066); the certificate is then checked against the address.
        ...(isIP(host) ? {} : { servername: host }),
        ...(context.options.tls as SecureContextOptions),
      })
    : connectTcp({ host, port })
  socket.setNoDelay(true)
  return socket
}

/** Options for rhea's connection. */
export function rheaSettings({ target, open }: Wire, context: TransportContext, onOpen: (stream: Duplex) => void) {
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
    // The peer is told half of it (AMQP 1.0, 2.4.5), and rhea gives up after twice what the peer was told.
    ...(options.idleTimeoutInMs === undefined ? {} : { idle_time_out: Math.ceil(options.idleTimeoutInMs / 2) }),
    ...(key ? { username: key.name, password: key.key } : { username: 'anonymous' }),
    sasl_init_hostname: context.fullyQualifiedNamespace,
    connection_details: () => ({
      host: target.hostname,
      port: target.port,
      connect: (_port: number, _host: string, _options: unknown, onConnect: () => void) => {
        const stream = open(onConnect)
        onOpen(stream)
        return stream
      },
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
