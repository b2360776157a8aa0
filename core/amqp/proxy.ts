import type { Socket } from 'node:net'
import { EventHubError } from '../errors.js'
import type { TransportContext, TransportOptions } from '../transport.js'
import { fromSocketError } from './conditions.js'
import { authorityOf, type SocketTarget } from './socket.js'

type HttpProxy = NonNullable<TransportOptions['httpProxy']>

/**
 * A tunnel to the target: HTTP's CONNECT (RFC 9110, section 9.3.6), with the credentials as Basic. It has no
 * timeout of its own: `signal` ends the attempt. An open tunnel is its taker's to destroy, by the socket on top
 * of it: Node's HTTP client breaks when the socket beneath TLS is destroyed under it.
 *
 * @throws EventHubError, always `returned`: nothing has left. Never with the credentials in it
 */
export async function openTunnel(
  proxy: HttpProxy,
  { authority }: SocketTarget,
  { options }: TransportContext,
  signal: AbortSignal,
): Promise<Socket> {
  // Loaded here, as wherever a proxy or a WebSocket needs it: for most users it would only make a cold start longer.
  const { request: httpRequest } = await import('node:http')
  const label = `the proxy ${authorityOf(proxy.hostname, proxy.port)}`
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      method: 'CONNECT',
      host: proxy.hostname,
      port: proxy.port,
      path: authority,
      headers: {
        host: authority,
        'user-agent': options.userAgent,
        ...(proxy.username === undefined ? {} : { 'proxy-authorization': basic(proxy.username, proxy.password) }),
      },
      // A connection of its own, which becomes the tunnel.
      agent: false,
      signal,
    })
    // Node hands over every answer to CONNECT this way, a refusal too.
    request.once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      if (statusCode < 200 || statusCode > 299) {
        socket.destroy()
        reject(refusedTunnel(statusCode, label, authority))
        return
      }
      // Whoever uses the tunnel hears of its end; this keeps an error between two users from being nobody's.
      socket.on('error', () => {})
      socket.setNoDelay(true)
      if (head.length > 0) socket.unshift(head)
      resolve(socket)
    })
    request.on('error', (error) => reject(brokenTunnel(error, label)))
    request.end()
  })
}

/** RFC 7617, in UTF-8. */
function basic(username: string, password = ''): string {
  return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
}

function refusedTunnel(status: number, label: string, authority: string): EventHubError {
  const said = `${label.replace('the', 'The')} refused the tunnel to ${authority} (${status}).`
  const condition = String(status)
  if (status === 407) {
    return new EventHubError(
      `${said} It asks for credentials: check httpProxy.username and httpProxy.password; only the Basic scheme is supported.`,
      { code: 'authentication-failed', condition },
    )
  }
  // Busy, or unable to reach the target now.
  const isTransient = status >= 500 || status === 408 || status === 429
  return new EventHubError(`${said} ${isTransient ? 'Check that it can reach the target.' : 'Check its rules.'}`, {
    code: 'connection-lost',
    retryable: isTransient,
    condition,
  })
}

function brokenTunnel(error: NodeJS.ErrnoException, label: string): EventHubError {
  if (error.code === 'ENOTFOUND') {
    return new EventHubError(`The host of ${label} was not found. Check httpProxy.hostname and the DNS.`, {
      code: 'connection-lost',
      condition: error.code,
      cause: error,
    })
  }
  if (error.code?.startsWith('HPE_')) {
    return new EventHubError(
      `${label.replace('the', 'The')} does not speak HTTP. Check httpProxy.hostname and httpProxy.port.`,
      {
        code: 'protocol-error',
        condition: error.code,
        cause: error,
      },
    )
  }
  return fromSocketError(error, label, 'returned')
}
