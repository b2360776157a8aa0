import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

export interface Relay {
  readonly port: number
  /** Everything that clients have sent, as it was on the wire. */
  readonly sent: Buffer
  /** Everything that the server has answered, as it was on the wire. */
  readonly answered: Buffer
  /** How many connections were made. */
  readonly accepted: number
  /** Connections of clients that are open now. */
  readonly openCount: number
  /**
   * On connections made from now on, the server falls silent just before it would say this: bytes before it still
   * arrive, nothing after them, and the connection stays open. Undefined: passes everything on.
   */
  silentBefore(said: string | Buffer | undefined): void
  /** From now on, keeps what the server says back; returns what lets all of it arrive at once, and the rest after it. */
  hold(): () => void
  close(): Promise<void>
}

/** Stands between a client and a server on loopback: sees every byte, and can hold the server's back. */
export async function startRelay(serverPort: number): Promise<Relay> {
  const sockets = new Set<Socket>()
  const clients = new Set<Socket>()
  const sent: Buffer[] = []
  const answered: Buffer[] = []
  let accepted = 0
  let marker: Buffer | undefined
  /** While it is kept back: what, and for whom. */
  let held: Map<Socket, Buffer[]> | undefined

  const track = (set: Set<Socket>, socket: Socket) => {
    set.add(socket)
    socket.on('error', () => {}).on('close', () => set.delete(socket))
  }
  const listener = createServer((client) => {
    accepted += 1
    const pass = silenceAt(marker)
    const server = connect(serverPort, '127.0.0.1')
    for (const socket of [client, server]) {
      track(sockets, socket)
      socket.setNoDelay(true)
    }
    track(clients, client)
    client.on('data', (chunk) => {
      sent.push(chunk)
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      answered.push(chunk)
      const passed = pass(chunk)
      if (passed.length === 0) return
      if (held) held.set(client, [...(held.get(client) ?? []), passed])
      else client.write(passed)
    })
    client.on('close', () => server.destroy())
    server.on('close', () => client.destroy())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  return {
    port: (listener.address() as AddressInfo).port,
    get sent() {
      return Buffer.concat(sent)
    },
    get answered() {
      return Buffer.concat(answered)
    },
    get accepted() {
      return accepted
    },
    get openCount() {
      return clients.size
    },
    silentBefore: (said) => {
      marker = said === undefined ? undefined : Buffer.from(said)
    },
    hold: () => {
      held = new Map()
      return () => {
        for (const [client, chunks] of held ?? []) client.write(Buffer.concat(chunks))
        held = undefined
      }
    },
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const socket of sockets) socket.destroy()
      }),
  }
}

/** What of each chunk is passed on: everything up to the marker, which may begin in one chunk and end in another. */
function silenceAt(marker: Buffer | undefined): (chunk: Buffer) => Buffer {
  let held = Buffer.alloc(0)
  let isSilent = false
  return (chunk) => {
    if (marker === undefined) return chunk
    if (isSilent) return Buffer.alloc(0)
    const bytes = Buffer.concat([held, chunk])
    const found = bytes.indexOf(marker)
    if (found >= 0) {
      isSilent = true
      return bytes.subarray(0, found)
    }
    // The last bytes may be the beginning of it.
    const kept = longestPrefixAtEnd(bytes, marker)
    held = bytes.subarray(bytes.length - kept)
    return bytes.subarray(0, bytes.length - kept)
  }
}

function longestPrefixAtEnd(bytes: Buffer, marker: Buffer): number {
  for (let length = Math.min(marker.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(marker.subarray(0, length))) return length
  }
  return 0
}
