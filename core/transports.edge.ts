import { httpsTransport } from './https/index.js'
import type { EventHubProducerClientOptions, SocketOptions } from './options.js'
import type { TransportFactory } from './transport.js'

/** What `#transports` stands for in Workers and browsers, where AMQP's sockets do not exist. */
export const defaultTransportType = 'https'

export const transportFactories: Readonly<Record<string, TransportFactory>> = {
  https: httpsTransport,
}

/**
 * In Workers one request must not wake another: what it would go on with belongs to the request that ran, and ends with
 * it. So invocations share no limit there, and none waits for room or a send slot that another has.
 */
export const sharesLimits: boolean = false

/** Refuses what these options are about: there are no sockets of our own here. */
export function parseSocketOptions({ httpProxy, tls }: EventHubProducerClientOptions): SocketOptions {
  for (const [name, value] of Object.entries({ httpProxy, tls })) {
    if (value === undefined) continue
    throw new TypeError(`${name} is not available in this runtime, whose fetch opens the connections. Leave it out.`)
  }
  return { httpProxy: undefined, tls: undefined }
}
