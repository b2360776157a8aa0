import { httpsTransport } from './https/index.js'
import type { TransportFactory } from './transport.js'

/** What `#transports` stands for in Workers and browsers, where AMQP's sockets do not exist. */
export const defaultTransportType = 'https'

export const transportFactories: Readonly<Record<string, TransportFactory>> = {
  https: httpsTransport,
}
