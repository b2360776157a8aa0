import type { request } from 'node:http'
import type { Socket } from 'node:net'
import type { TransportContext, TransportOptions } from '../transport.js'
import { fromSocketError } from './conditions.js'
import { openTunnel } from './proxy.js'
import { connectSocket, httpPorts, type SocketTarget, socketTarget } from './socket.js'

/** What a request is, as far as the HTTPS transport needs it. */
interface HttpRequest {
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | Uint8Array
}

/**
 * Requests through an HTTP proxy, for the HTTPS transport: Node's `fetch` takes no proxy without another
 * package. It stands here because only core/amqp/ sees `node:` modules.
 *
 * Each request has a tunnel of its own, which ends with it: two to three round trips more than a kept
 * connection would take, and nothing is left that a freeze could break.
 */
export function tunnelledRequests(context: TransportContext, proxy: NonNullable<TransportOptions['httpProxy']>) {
  const target = socketTarget(context, httpPorts)
  return async (signal: AbortSignal) => {
    const { request: httpRequest } = await import('node:http')
    const tunnel = await openTunnel(proxy, target, context, signal)
    if (signal.aborted) tunnel.destroy()
    signal.throwIfAborted()
    const socket = connectSocket(target, context, tunnel)
    signal.addEventListener('abort', () => socket.destroy(), { once: true })
    await secured(socket, target)
    return (url: string, request: HttpRequest) => exchange(httpRequest, socket, new URL(url), request)
  }
}

/** Resolves when bytes may go. */
function secured(socket: Socket, { isTls, label }: SocketTarget): Promise<void> {
  if (!isTls) return Promise.resolve()
  return new Promise((resolve, reject) => {
    const fail = (error?: Error) => reject(fromSocketError(error, label, 'returned'))
    socket.once('secureConnect', resolve)
    // Both stay: what goes wrong later is heard by the request, and must not be nobody's error before.
    socket.on('error', fail)
    socket.on('close', () => fail())
  })
}

/** One request and the head of its answer; the body is of no use to anyone. */
function exchange(
  httpRequest: typeof request,
  socket: Socket,
  url: URL,
  { method, headers, body }: HttpRequest,
): Promise<Response> {
  return new Promise((resolve, reject) => {
    // Node would wait for an answer all the same.
    if (socket.destroyed) {
      reject(new Error('The tunnel ended before the request.'))
      return
    }
    const request = httpRequest({
      method,
      path: `${url.pathname}${url.search}`,
      headers: { ...headers, host: url.host },
      createConnection: () => socket,
    })
    request.on('error', reject)
    request.on('response', ({ statusCode, headers: answered }) => {
      const retryAfter = answered['retry-after']
      try {
        resolve(
          new Response(null, {
            status: statusCode ?? 0,
            headers: retryAfter === undefined ? {} : { 'retry-after': retryAfter },
          }),
        )
      } catch (error) {
        // A status outside 200 to 599.
        reject(error)
      }
      socket.destroy()
    })
    request.end(body)
  })
}
