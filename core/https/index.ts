import type { TransportFactory } from '../transport.js'
import { HttpsTransport } from './https-transport.js'

/**
 * Event Hubs' REST API over `fetch`: the default where there are no sockets. Pass it as `transportType` where
 * a runtime's default is another.
 */
export const httpsTransport: TransportFactory = (context) => new HttpsTransport(context)
