import { Agent, request as httpRequest } from 'node:http'
import type { Socket } from 'node:net'
import { openTunnel } from '../../../core/amqp/proxy.js'
import { connectSocket, type SocketTarget } from '../../../core/amqp/socket.js'
import type { TransportContext } from '../../../core/transport.js'

export interface HttpQuestion {
  readonly method: 'HEAD' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

export interface HttpAnswer {
  readonly status: number
  /** Milliseconds since the Unix epoch, by the server's clock, to the second; undefined when it does not say. */
  readonly date: number | undefined
  /** The first of its text. */
  readonly text: string
}

/** An explanation is short; what is longer is no explanation. */
const longestTextInBytes = 16 * 1024

/** A connection that can be asked things over HTTP, one after the other. */
export interface HttpWay {
  ask(question: HttpQuestion): Promise<HttpAnswer>
  close(): void
}

/** The socket to the target, by way of the proxy if there is one, with its certificate verified. */
export async function openHttp(context: TransportContext, target: SocketTarget, signal: AbortSignal): Promise<HttpWay> {
  const { httpProxy } = context.options
  const tunnel = httpProxy && (await openTunnel(httpProxy, target, context, signal))
  const socket = connectSocket(target, context, tunnel)
  const destroy = () => socket.destroy()
  signal.addEventListener('abort', destroy)
  await secured(socket, target.isTls)
  // Without an agent, Node would end the socket with the first answer.
  const agent = Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), { createConnection: () => socket })
  return {
    ask: (question) => exchange(agent, socket, target, context, question),
    close: () => {
      signal.removeEventListener('abort', destroy)
      agent.destroy()
      destroy()
    },
  }
}

function secured(socket: Socket, isTls: boolean): Promise<void> {
  if (!isTls && !socket.connecting) return Promise.resolve()
  return new Promise((resolve, reject) => {
    socket.once(isTls ? 'secureConnect' : 'connect', () => resolve())
    // Both stay: an error between two questions must not be nobody's.
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('The connection was closed before it was open.')))
  })
}

function exchange(
  agent: Agent,
  socket: Socket,
  { authority }: SocketTarget,
  context: TransportContext,
  { method, path, headers = {}, body = '' }: HttpQuestion,
): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const onClose = () => reject(new Error('The server closed the connection.'))
    if (socket.destroyed) {
      onClose()
      return
    }
    // A request that still waits for the socket hears nothing of its end.
    socket.once('close', onClose)
    const request = httpRequest({
      method,
      path,
      headers: {
        host: authority,
        'user-agent': context.options.userAgent,
        ...(method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
        ...headers,
      },
      agent,
    })
    request.on('error', reject)
    request.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        if (size < longestTextInBytes) chunks.push(chunk)
        size += chunk.length
      })
      response.on('error', reject)
      response.on('end', () => {
        socket.off('close', onClose)
        const date = Date.parse(response.headers.date ?? '')
        resolve({
          status: response.statusCode ?? 0,
          date: Number.isNaN(date) ? undefined : date,
          text: Buffer.concat(chunks).toString('utf8').slice(0, longestTextInBytes),
        })
      })
    })
    request.end(body)
  })
}
