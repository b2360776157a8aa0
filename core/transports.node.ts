import { amqpTransport } from './amqp/index.js'
import { httpsTransport } from './https/index.js'
import type { TransportFactory } from './transport.js'

/** What `#transports` stands for in Node: see "imports" in package.json. */
export const defaultTransportType = 'amqp'

export const transportFactories: Readonly<Record<string, TransportFactory>> = {
  amqp: amqpTransport,
  https: httpsTransport,
}
