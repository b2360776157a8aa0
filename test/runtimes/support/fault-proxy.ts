import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One connection through the proxy, for as long as the proxy lives. */
export interface ProxiedConnection {
  readonly isOpen: boolean
  /** From the client, whether they were passed on or not. */
  readonly bytesFromClient: number
  readonly bytesFromServer: number
}

/** How a connection may end while nobody looks: with a goodbye, with an error, or without a word. */
export type Ending = 'FIN' | 'RST' | 'silence'

/** A TCP proxy on loopback that counts, and that loses connections on demand. */
export interface FaultProxy {
  readonly port: number
  /** All that were ever made, oldest first. */
  readonly connections: readonly ProxiedConnection[]
  readonly openCount: number
  /** Bytes of all connections. */
  readonly bytesFromClients: number
  /** Ends the connections that are open now; new ones work. A silent one stays open, and nothing passes any more. */
  endOpenConnections(ending: Ending): void
  close(): Promise<void>
}

interface Pair extends ProxiedConnection {
  isOpen: boolean
  bytesFromClient: number
  bytesFromServer: number
  end(ending: Ending): void
  destroy(): void
}

export async function startFaultProxy(target: { readonly host: string; readonly port: number }): Promise<FaultProxy> {
  const pairs: Pair[] = []
  // Half open, so that a FIN to the client is that and no more, as from a peer that is gone.
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    pairs.push(pass(client, connect({ ...target, noDelay: true })))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    connections: pairs,
    get openCount() {
      return pairs.filter(({ isOpen }) => isOpen).length
    },
    get bytesFromClients() {
      return pairs.reduce((sum, { bytesFromClient }) => sum + bytesFromClient, 0)
    },
    endOpenConnections: (ending) => {
      for (const pair of pairs) if (pair.isOpen) pair.end(ending)
    },
    close: async () => {
      for (const pair of pairs) pair.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pass(client: Socket, server: Socket): Pair {
  let isPassing = true
  const cut = () => {
    isPassing = false
    server.destroy()
  }
  const pair: Pair = {
    isOpen: true,
    bytesFromClient: 0,
    bytesFromServer: 0,
    end: (ending) => {
      cut()
      if (ending === 'FIN') client.end()
      else if (ending === 'RST') client.resetAndDestroy()
    },
    destroy: () => {
      cut()
      client.destroy()
    },
  }
  client.on('data', (bytes) => {
    pair.bytesFromClient += bytes.length
    if (isPassing) server.write(bytes)
  })
  server.on('data', (bytes) => {
    pair.bytesFromServer += bytes.length
    if (isPassing) client.write(bytes)
  })
  client.on('end', () => (isPassing ? server.end() : client.end()))
  server.on('end', () => client.end())
  client.on('error', () => {})
  server.on('error', () => {})
  client.on('close', () => {
    pair.isOpen = false
    server.destroy()
  })
  server.on('close', () => {
    if (isPassing) client.destroy()
  })
  return pair
}
