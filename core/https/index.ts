import type { TransportFactory } from '../transport.js'
import { HttpsTransport } from './https-transport.js'

/**
 * Event Hubs' REST API over `fetch`: the default where there are no sockets. Pass it as `transportType` where
 * a runtime's default is another.
 *
 * What the API cannot carry is refused by name: annotated messages, bytes as ids or properties. A date among the
 * properties travels as ISO 8601 text, and one that is null is left out. Partition ids cannot be asked for.
 */
export const httpsTransport: TransportFactory = (context) => new HttpsTransport(context)
