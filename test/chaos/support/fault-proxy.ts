import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

interface Pipe {
  readonly client: Socket
  readonly server: Socket
  /** Whether bytes still pass: to the server, and to the client. */
  up: boolean
  down: boolean
  /** After so many more bytes from the client the connection is reset; undefined: never. */
  bytesLeft: number | undefined
}

/**
 * A TCP proxy on loopback between a producer and a hub that can be told to misbehave as networks do. The hub behind it
 * can be replaced by another while it runs.
 */
export interface FaultProxy {
  readonly port: number
  /** Where new connections lead. */
  targetPort: number
  /** New connections are reset at once. */
  refuse: boolean
  /** New connections are accepted, and lead nowhere. */
  swallow: boolean
  /** Every byte passes at this rate; undefined: at once. */
  bytesPerMs: number | undefined
  /** Nothing passes any more over the connections that are open, and nobody is told. */
  blackhole(): void
  /** As `blackhole`, but what the producer sends still arrives. */
  loseAnswers(): void
  /** Resets the connections that are open (RST). */
  reset(): void
  /** Ends the connections that are open, in good order (FIN). */
  finish(): void
  /** Resets each open connection once the producer has sent so many more bytes: in the middle of what it sends. */
  resetAfter(bytes: number): void
  close(): Promise<void>
}

export async function startFaultProxy(targetPort: number): Promise<FaultProxy> {
  const pipes = new Set<Pipe>()
  const listener = createServer({ noDelay: true }, (client) => {
    client.on('error', () => {})
    if (proxy.refuse) {
      client.resetAndDestroy()
      return
    }
    const server = connect({ port: proxy.targetPort, host: '127.0.0.1', noDelay: true })
    const pipe: Pipe = { client, server, up: !proxy.swallow, down: !proxy.swallow, bytesLeft: undefined }
    pipes.add(pipe)
    client.on('data', (bytes) => carryUp(pipe, bytes))
    server.on('data', (bytes) => pipe.down && pass(server, client, bytes))
    client.on('close', () => {
      server.destroy()
      pipes.delete(pipe)
    })
    // A hub that died says nothing where nothing passes.
    server.on('error', () => {}).on('close', () => pipe.down && client.destroy())
  })
  const carryUp = (pipe: Pipe, bytes: Buffer): void => {
    const { client, server, bytesLeft } = pipe
    if (!pipe.up) return
    if (bytesLeft !== undefined && bytes.length >= bytesLeft) {
      pipe.up = false
      // Flushed to the hub first: the cut is in the middle of a frame, not before it.
      server.write(bytes.subarray(0, bytesLeft), () => {
        client.resetAndDestroy()
        server.destroy()
      })
      return
    }
    if (bytesLeft !== undefined) pipe.bytesLeft = bytesLeft - bytes.length
    pass(client, server, bytes)
  }
  const pass = (from: Socket, to: Socket, bytes: Buffer): void => {
    if (to.destroyed) return
    if (proxy.bytesPerMs !== undefined) {
      from.pause()
      setTimeout(() => {
        if (!to.destroyed) to.write(bytes)
        from.resume()
      }, bytes.length / proxy.bytesPerMs)
    } else if (!to.write(bytes)) {
      from.pause()
      to.once('drain', () => from.resume())
    }
  }
  const each = (action: (pipe: Pipe) => void): void => {
    for (const pipe of [...pipes]) action(pipe)
  }
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const proxy: FaultProxy = {
    port: (listener.address() as AddressInfo).port,
    targetPort,
    refuse: false,
    swallow: false,
    bytesPerMs: undefined,
    blackhole: () =>
      each((pipe) => {
        pipe.up = false
        pipe.down = false
      }),
    loseAnswers: () =>
      each((pipe) => {
        pipe.down = false
      }),
    reset: () =>
      each(({ client, server }) => {
        client.resetAndDestroy()
        server.destroy()
      }),
    finish: () =>
      each(({ client, server }) => {
        client.end()
        server.end()
      }),
    resetAfter: (bytes) =>
      each((pipe) => {
        pipe.bytesLeft = bytes
      }),
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        each(({ client, server }) => {
          client.destroy()
          server.destroy()
        })
      }),
  }
  return proxy
}
