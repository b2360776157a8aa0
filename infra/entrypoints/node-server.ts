import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { ServerRequest } from 'srvx'
import { serve as serveWithSrvx } from 'srvx/node'
import { letUploadEnd, type Upload, uploadOf } from './node-upload.js'

/** What answers requests: a fetch handler. */
export interface Handler {
  /** `ctx.waitUntil`: what `close` waits for besides the answer. */
  fetch(request: Request, env: undefined, ctx: ServerContext): Promise<Response> | Response
}

export interface ServerContext {
  waitUntil(promise: Promise<unknown>): void
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
  /** Takes no new request, waits for those under way and what they asked to be waited for, then closes every connection. */
  close(): Promise<void>
}

/**
 * Serves a fetch handler over HTTP/1.1 with srvx. Rejects with a sentence to act on when the port cannot be had. On top
 * of srvx: an upload that nobody reads any more costs nobody the answer (node-upload.ts), and a close that waits for
 * the work of callers who have gone, but for no connection that never asked anything.
 */
export async function serve(handler: Handler, options: ServeOptions): Promise<RunningServer> {
  const { port, hostname = '127.0.0.1', shutdownTimeoutInMs = 30_000 } = options
  let closing = false
  const underWay = new Set<Promise<unknown>>()
  const unused = new Set<Socket>()
  const context: ServerContext = {
    waitUntil(promise) {
      const settle = () => {
        underWay.delete(settled)
      }
      const settled: Promise<void> = promise.then(settle, settle)
      underWay.add(settled)
    },
  }
  const server = serveWithSrvx({
    port,
    hostname,
    manual: true,
    silent: true,
    // What a signal means is the entry's to say: it has an Event Hubs client to close as well.
    gracefulShutdown: false,
    fetch(request) {
      const answering = respond(handler, request, context, () => closing)
      context.waitUntil(answering)
      return answering
    },
  })
  const node = server.node?.server as HttpServer
  node.on('connection', (socket: Socket) => {
    unused.add(socket)
    socket.once('close', () => unused.delete(socket))
  })
  node.on('request', ({ socket }: IncomingMessage) => unused.delete(socket))
  try {
    await server.serve()
  } catch (error) {
    throw listenError(error as NodeJS.ErrnoException, port, hostname)
  }
  const { address, family, port: actualPort } = node.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${actualPort}`,
    async close() {
      closing = true
      // Clients open connections ahead of need; Node counts those as busy and would wait for them.
      for (const socket of unused) socket.destroy()
      await withinTime(
        server.close().then(() => allSettled(underWay)),
        shutdownTimeoutInMs,
      )
      await server.close(true)
    },
  }
}

async function respond(
  handler: Handler,
  request: ServerRequest,
  context: ServerContext,
  isClosing: () => boolean,
): Promise<Response> {
  const { incoming, outgoing } = ofNode(request)
  let upload: Upload | undefined
  const hasBody = request.method !== 'GET' && request.method !== 'HEAD'
  Object.defineProperty(request, 'body', {
    get() {
      if (hasBody) upload ??= uploadOf(incoming)
      return upload?.body ?? null
    },
  })
  try {
    if (!hasUrl(request)) return malformed()
    return await handler.fetch(request, undefined, context)
  } catch (error) {
    console.error(`The request could not be answered: ${error instanceof Error ? error.stack : typeof error}`)
    return new Response('The request could not be answered.', { status: 500 })
  } finally {
    upload?.letGo()
    if (!incoming.complete) letUploadEnd(incoming, outgoing)
    // A connection that is kept would be one more to wait for.
    if (isClosing() && !outgoing.headersSent) outgoing.setHeader('connection', 'close')
  }
}

/** Node takes any `Host`, such as one whose port there cannot be. What a caller can send must not look like a fault here. */
function hasUrl(request: ServerRequest): boolean {
  try {
    return URL.canParse(request.url)
  } catch {
    return false
  }
}

function malformed(): Response {
  const detail = 'The address of the request cannot be read. Look at its path and its Host header.'
  return new Response(JSON.stringify({ title: 'Bad request', status: 400, detail }), {
    status: 400,
    headers: { 'content-type': 'application/problem+json' },
  })
}

function ofNode({ runtime }: ServerRequest): { incoming: IncomingMessage; outgoing: ServerResponse } {
  const { req, res } = runtime?.node ?? {}
  // Its types allow for HTTP/2, which is not served here.
  return { incoming: req as IncomingMessage, outgoing: res as ServerResponse }
}

async function withinTime(work: Promise<unknown>, timeoutInMs: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined
  const tooLate = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, timeoutInMs)
  })
  await Promise.race([work, tooLate])
  clearTimeout(timer)
}

/** Also those that are added meanwhile. */
async function allSettled(promises: ReadonlySet<Promise<unknown>>): Promise<void> {
  while (promises.size > 0) await Promise.all(promises)
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
