import type { Server as HttpServer } from 'node:http'
import type { AddressInfo, Server, Socket } from 'node:net'

/** A started server and its port. */
export interface Listener {
  readonly port: number
  /** Stops listening and destroys every socket that came in by it. */
  close(): Promise<void>
}

/** Starts a server and keeps track of its sockets, so that closing leaves nothing open. */
export async function listen(server: Server | HttpServer, host: string, port: number): Promise<Listener> {
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  // After the start an error concerns a single accept (too many open files); the server goes on.
  server.on('error', () => {})
  const { port: actualPort } = server.address() as AddressInfo
  return {
    port: actualPort,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}
