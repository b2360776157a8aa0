import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** What is on its way in one direction of one connection. */
interface Parcel {
  readonly dueAt: number
  /** Undefined: the end of the stream. */
  readonly bytes: Buffer | undefined
}

interface Tunnel {
  readonly client: Socket
  readonly server: Socket
  readonly up: Lane
  readonly down: Lane
}

/**
 * A TCP proxy on loopback that puts distance between a client and a server. Bytes keep their order and are not
 * slowed down otherwise; opening a connection takes a round trip, as it does over a distance.
 */
export interface LatencyProxy {
  readonly port: number
  /** Bytes that clients have sent, and been sent, over all connections. */
  readonly bytesUp: number
  readonly bytesDown: number
  /** From now on passes nothing on over the connections that are open, and tells nobody. New ones work. */
  silence(): void
  /** As `silence`, but for what clients send: only answers are lost. */
  silenceAnswers(): void
  /** Ends the connections that are open, as a peer does in good order (FIN). */
  finish(): void
  /** Resets the connections that are open (RST). */
  reset(): void
  close(): Promise<void>
}

export async function startLatencyProxy(targetPort: number, roundTripInMs: number): Promise<LatencyProxy> {
  const tunnels = new Set<Tunnel>()
  let bytesUp = 0
  let bytesDown = 0
  // Half open, so that a FIN takes as long as anything else.
  const listener = createServer({ noDelay: true, allowHalfOpen: true }, (client) => {
    const server = connect({ port: targetPort, host: '127.0.0.1', noDelay: true, allowHalfOpen: true })
    // The client's SYN and the answer to it, which no proxy can delay, would have taken this long.
    const openAt = performance.now() + roundTripInMs
    const tunnel: Tunnel = {
      client,
      server,
      up: new Lane(server, roundTripInMs / 2, openAt),
      down: new Lane(client, roundTripInMs / 2, openAt),
    }
    tunnels.add(tunnel)
    client.on('data', (bytes) => {
      bytesUp += bytes.length
      tunnel.up.carry(bytes)
    })
    server.on('data', (bytes) => {
      bytesDown += bytes.length
      tunnel.down.carry(bytes)
    })
    client.on('end', () => tunnel.up.carry(undefined))
    server.on('end', () => tunnel.down.carry(undefined))
    const forget = () => {
      if (client.destroyed && server.destroyed) tunnels.delete(tunnel)
    }
    client
      .on('error', () => {})
      .on('close', () => {
        // Gone without a FIN: so is the other end.
        if (!tunnel.up.hasEnded) tunnel.up.carry(undefined)
        forget()
      })
    server
      .on('error', () => {})
      .on('close', () => {
        if (!tunnel.down.hasEnded) tunnel.down.carry(undefined)
        forget()
      })
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const each = (action: (tunnel: Tunnel) => void) => () => {
    for (const tunnel of [...tunnels]) action(tunnel)
  }
  return {
    port: (listener.address() as AddressInfo).port,
    get bytesUp() {
      return bytesUp
    },
    get bytesDown() {
      return bytesDown
    },
    silence: each(({ up, down }) => {
      up.silence()
      down.silence()
    }),
    silenceAnswers: each(({ down }) => down.silence()),
    finish: each(({ client, server, up, down }) => {
      up.silence()
      down.silence()
      client.end()
      server.destroy()
    }),
    reset: each(({ client, server, up, down }) => {
      up.silence()
      down.silence()
      client.resetAndDestroy()
      server.destroy()
    }),
    close: () =>
      new Promise((resolve) => {
        listener.close(() => resolve())
        for (const { client, server } of tunnels) {
          client.destroy()
          server.destroy()
        }
      }),
  }
}

/** Timers of Node are good to a millisecond or two; the rest of the wait is spent looking at the clock. */
const timerSlackInMs = 1.5

/** One direction of one connection. */
class Lane {
  readonly #to: Socket
  readonly #delayInMs: number
  readonly #openAt: number
  #parcels: Parcel[] = []
  #isWaiting = false
  #isSilent = false
  hasEnded = false

  constructor(to: Socket, delayInMs: number, openAt: number) {
    this.#to = to
    this.#delayInMs = delayInMs
    this.#openAt = openAt
  }

  carry(bytes: Buffer | undefined): void {
    this.hasEnded ||= bytes === undefined
    if (this.#isSilent) return
    this.#parcels.push({ dueAt: Math.max(performance.now(), this.#openAt) + this.#delayInMs, bytes })
    this.#deliver()
  }

  /** Passes nothing on any more, not even the end. */
  silence(): void {
    this.#isSilent = true
    this.#parcels = []
  }

  #deliver(): void {
    if (this.#isWaiting) return
    const now = performance.now()
    let next = this.#parcels[0]
    while (next !== undefined && next.dueAt <= now) {
      this.#parcels.shift()
      if (next.bytes !== undefined) this.#to.write(next.bytes)
      else this.#to.end()
      next = this.#parcels[0]
    }
    if (next === undefined) return
    this.#isWaiting = true
    const resume = () => {
      this.#isWaiting = false
      this.#deliver()
    }
    const wait = next.dueAt - now
    if (wait > timerSlackInMs) setTimeout(resume, wait - timerSlackInMs)
    else setImmediate(resume)
  }
}
