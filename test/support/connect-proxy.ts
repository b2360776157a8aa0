import { createServer, type IncomingHttpHeaders } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'

export interface ConnectProxyOptions {
  /** Asks for these, as `user:password`. Who is refused is left connected, as by a proxy that keeps connections. */
  readonly credentials?: string
  /** Answers every CONNECT with this status. */
  readonly refuse?: number
  /** Takes every CONNECT and says nothing. */
  readonly silent?: boolean
  /** Opens the tunnel, and then passes nothing on. */
  readonly deaf?: boolean
}

export interface ConnectProxy {
  readonly port: number
  /** What each CONNECT asked for, in order. */
  readonly requests: { readonly authority: string; readonly headers: IncomingHttpHeaders }[]
  /** Requests that were none for a tunnel. */
  readonly otherRequests: number
  /** Tunnels that are open, and connections that wait for one. */
  readonly openCount: number
  /** Tunnels that were opened, and have not ended. */
  readonly openTunnelCount: number
  /** Drops every connection without a word. */
  destroyTunnels(): void
  /** Resets every connection. */
  resetTunnels(): void
  close(): Promise<void>
}

/** An HTTP proxy that knows CONNECT alone. */
export async function startConnectProxy(options: ConnectProxyOptions = {}): Promise<ConnectProxy> {
  const sockets = new Set<Socket>()
  const requests: ConnectProxy['requests'] = []
  let otherRequests = 0
  let openTunnelCount = 0
  const server = createServer((_request, response) => {
    otherRequests += 1
    response.writeHead(405).end()
  })
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket)).on('error', () => {})
  })
  server.on('connect', ({ url = '', headers }, client: Duplex, head: Buffer) => {
    requests.push({ authority: url, headers })
    const answer = (status: string, ...lines: string[]) =>
      client.write(`${[`HTTP/1.1 ${status}`, ...lines].join('\r\n')}\r\n\r\n`)
    // Node's HTTP server leaves its own half open.
    client.on('end', () => client.end())
    if (options.silent) {
      client.resume()
      return
    }
    const expected = options.credentials && `Basic ${Buffer.from(options.credentials).toString('base64')}`
    if (expected && headers['proxy-authorization'] !== expected) {
      answer('407 Proxy Authentication Required', 'Proxy-Authenticate: Basic realm="test"', 'Content-Length: 4')
      client.write('who?')
      client.resume()
      return
    }
    if (options.refuse !== undefined) {
      answer(`${options.refuse} No`, 'Content-Length: 0')
      client.resume()
      return
    }
    if (options.deaf) {
      answer('200 Connection established')
      client.resume()
      return
    }
    const { hostname, port } = new URL(`http://${url}`)
    let isOpen = false
    const target = connect({ host: hostname.replace(/^\[|\]$/g, ''), port: Number(port) }, () => {
      isOpen = true
      openTunnelCount += 1
      answer('200 Connection established')
      target.write(head)
      client.pipe(target).pipe(client)
    })
    target.on('error', () => {
      if (!isOpen) client.end('HTTP/1.1 502 Bad Gateway\r\n\r\n')
    })
    target.on('close', () => {
      if (isOpen) openTunnelCount -= 1
      client.destroy()
    })
    client.on('close', () => target.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const destroyTunnels = () => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    requests,
    get otherRequests() {
      return otherRequests
    },
    get openCount() {
      return sockets.size
    },
    get openTunnelCount() {
      return openTunnelCount
    },
    destroyTunnels,
    resetTunnels: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        destroyTunnels()
      }),
  }
}
