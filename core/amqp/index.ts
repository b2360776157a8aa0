import type { TransportFactory } from '../transport.js'
import { AmqpTransport } from './amqp-transport.js'

/**
 * AMQP 1.0 over TLS (or TCP, for a development connection string): the default in Node. Pass it as
 * `transportType` where a runtime's default is another.
 */
export const amqpTransport: TransportFactory = (context) => new AmqpTransport(context)
