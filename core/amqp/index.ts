import type { TransportFactory } from '../transport.js'
import { AmqpTransport } from './amqp-transport.js'
import { tcpWire } from './socket.js'
import { webSocketWire } from './websocket.js'

/**
 * AMQP 1.0 over TLS (or TCP, for a development connection string): the default in Node. Pass it as
 * `transportType` where a runtime's default is another.
 */
export const amqpTransport: TransportFactory = (context) => new AmqpTransport(context, tcpWire(context))

/** AMQP 1.0 over WebSocket, port 443 unless an endpoint names one. Needs the package `ws`, loaded on the first use. */
export const amqpOverWebSocketTransport: TransportFactory = (context) =>
  new AmqpTransport(context, webSocketWire(context))
