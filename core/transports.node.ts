import { amqpOverWebSocketTransport, amqpTransport } from './amqp/index.js'
import { tunnelledRequests } from './amqp/tunnelled-requests.js'
import { HttpsTransport } from './https/https-transport.js'
import type { TransportFactory } from './transport.js'

export { parseSocketOptions } from './options.js'

/** What `#transports` stands for in Node: see "imports" in package.json. */
export const defaultTransportType = 'amqp'

/** Whether the limits on memory and on concurrent sends hold over all invocations of a client. */
export const sharesLimits: boolean = true

export const transportFactories: Readonly<Record<string, TransportFactory>> = {
  amqp: amqpTransport,
  amqpOverWebSocket: amqpOverWebSocketTransport,
  https: (context) => {
    const { httpProxy } = context.options
    return new HttpsTransport(context, httpProxy && tunnelledRequests(context, httpProxy))
  },
}
