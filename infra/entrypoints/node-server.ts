import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { toWebRequest } from './node-request.js'

/** What answers requests: a fetch handler. */
export interface Handler {
  fetch(request: Request): Promise<Response> | Response
}

export interface ServeOptions {
  /** 0: any free port. */
  readonly port: number
  /** The address to listen on. Default: `127.0.0.1`, this machine alone. */
  readonly hostname?: string | undefined
  /** How long `close` waits for requests under way, in milliseconds. Default: 30000. */
  readonly shutdownTimeoutInMs?: number | undefined
}

export interface RunningServer {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string
  /** Takes no new request, waits for those under way, then closes every connection. */
  close(): Promise<void>
}

/** How long a caller may go on sending after an answer that did not wait for the end of its upload. */
const lingerInMs = 5_000

/** Serves a fetch handler over HTTP/1.1. Rejects with a sentence to act on when the port cannot be had. */
export async function serve(handler: Handler, options: ServeOptions): Promise<RunningServer> {
  const { port, hostname = '127.0.0.1', shutdownTimeoutInMs = 30_000 } = options
  let closing = false
  const underWay = new Set<Promise<void>>()
  const unused = new Set<Socket>()
  const server = createServer((incoming, outgoing) => {
    unused.delete(incoming.socket)
    const responding = respond(handler, incoming, outgoing, () => closing)
      .catch((error: unknown) => {
        console.error(`The request could not be answered: ${error instanceof Error ? error.stack : typeof error}`)
        outgoing.destroy()
      })
      .finally(() => underWay.delete(responding))
    underWay.add(responding)
  })
  server.on('connection', (socket: Socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  await listen(server, port, hostname)
  const { address, family, port: actualPort } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}`,
    close() {
      closing = true
      // Clients open connections ahead of need; Node counts those as busy and would wait for them.
      for (const socket of unused) socket.destroy()
      return closeServer(server, underWay, shutdownTimeoutInMs)
    },
  }
}

async function respond(
  handler: Handler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  isClosing: () => boolean,
): Promise<void> {
  const caller = new AbortController()
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) caller.abort(new Error('The caller closed the connection.'))
  })
  const web = toWebRequest(incoming, caller.signal)
  if (web === undefined) {
    await send(new Response('The request line or a header cannot be understood.', { status: 400 }), incoming, outgoing)
    return
  }
  const response = await handler.fetch(web.request)
  web.letGo()
  // A connection that is kept would be one more to wait for.
  if (isClosing() && !outgoing.headersSent) outgoing.setHeader('connection', 'close')
  await send(response, incoming, outgoing)
  // Node lets a request's signal go dead with the request; referring to it here keeps both for the whole answer.
  if (web.request.signal.aborted) await response.body?.cancel().catch(() => {})
}

async function send(response: Response, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
  if (outgoing.destroyed) return
  for (const [name, value] of response.headers) {
    if (name !== 'set-cookie') outgoing.setHeader(name, value)
  }
  const cookies = response.headers.getSetCookie()
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies)
  outgoing.writeHead(response.status)
  if (response.body !== null) await writeBody(response.body, outgoing)
  if (outgoing.destroyed) return
  if (!incoming.complete) letUploadEnd(incoming)
  await new Promise<void>((resolve) => {
    outgoing.once('close', resolve)
    outgoing.end(() => resolve())
  })
}

async function writeBody(body: NonNullable<Response['body']>, outgoing: ServerResponse): Promise<void> {
  const reader = body.getReader()
  const stop = () => {
    reader.cancel().catch(() => {})
  }
  outgoing.once('close', stop)
  for (;;) {
    const { done, value } = await reader.read()
    if (done || outgoing.destroyed) break
    if (!outgoing.write(value) && !outgoing.destroyed) await drained(outgoing)
  }
  outgoing.off('close', stop)
}

function drained(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const settle = () => {
      outgoing.off('drain', settle)
      outgoing.off('close', settle)
      resolve()
    }
    outgoing.on('drain', settle)
    outgoing.on('close', settle)
  })
}

/**
 * Closing at once would reset the connection, and a caller in the middle of its upload might lose the answer:
 * it gets a while to finish, and what it sends meanwhile is thrown away.
 */
function letUploadEnd(incoming: IncomingMessage): void {
  const timer = setTimeout(() => incoming.socket.destroy(), lingerInMs)
  incoming.once('close', () => clearTimeout(timer))
  incoming.resume()
}

function listen(server: Server, port: number, hostname: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, port, hostname))
    server.once('error', onError)
    server.listen(port, hostname, () => {
      server.off('error', onError)
      resolve()
    })
  })
}

function listenError(error: NodeJS.ErrnoException, port: number, hostname: string): Error {
  switch (error.code) {
    case 'EADDRINUSE':
      return new Error(
        `Port ${port} on ${hostname} is taken. Stop what listens there, or choose another port with PORT=…`,
        { cause: error },
      )
    case 'EACCES':
      return new Error(`Port ${port} may not be used by this user. Choose one above 1023 with PORT=…`, { cause: error })
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return new Error(`${hostname} is no address of this machine. Choose another with HOST=…`, { cause: error })
    default:
      return error
  }
}

async function closeServer(server: Server, underWay: ReadonlySet<Promise<void>>, timeoutInMs: number): Promise<void> {
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve())
  })
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutInMs)
  }).then(() => server.closeAllConnections())
  // A request may outlive its connection: its caller has gone, its work goes on to its end.
  await Promise.race([closed.then(() => Promise.all(underWay)), tooLate])
  clearTimeout(timer)
  await closed
}
