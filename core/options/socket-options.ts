import type { EventHubProducerClientOptions } from './client-options.js'
import { type HttpProxyOptions, parseHttpProxy } from './http-proxy.js'
import { parseTls, type TlsOptions } from './tls.js'

/** What only a runtime with sockets of its own can do; it reaches the client as `#transports`, so edge bundles go without. */
export interface SocketOptions {
  readonly httpProxy: HttpProxyOptions | undefined
  readonly tls: TlsOptions | undefined
}

/**
 * Checks the options of sockets.
 *
 * @throws TypeError for a wrong name or kind, RangeError for a wrong number
 */
export function parseSocketOptions({ httpProxy, tls }: EventHubProducerClientOptions): SocketOptions {
  return { httpProxy: parseHttpProxy(httpProxy), tls: parseTls(tls) }
}
