import { Duplex } from 'node:stream'
import type { Wire } from '../../core/amqp/socket.js'
import type { Random } from './random.js'
import type { World } from './world.js'

export type Direction = 'toService' | 'toClient'

/** What is on its way: bytes, the end of the stream, or its reset. */
type Parcel = { readonly at: number } & (
  | { readonly kind: 'bytes'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'reset' }
)

/** Told of what the client's process hands to its sockets, and of what reaches it. */
export interface NetworkObserver {
  onClientWrite(connection: TcpConnection, bytes: Buffer): void
  onClientRead(connection: TcpConnection, bytes: Buffer): void
  onClientClosed(connection: TcpConnection): void
}

/** What the service's side does with a frame it wants to send: times in milliseconds from now; none: it is lost. */
export type FrameFate = (bytes: Buffer) => readonly { readonly delayInMs: number; readonly bytes: Buffer }[]

export interface NetworkSettings {
  latencyInMs: number
  jitterInMs: number
  /** How likely a write arrives in two pieces. */
  splitting: number
}

function socketError(code: string, what: string): Error {
  return Object.assign(new Error(`${what} ${code}`), { code })
}

/** For a trace: what can be read of some bytes. */
function printable(bytes: Buffer): string {
  const text = bytes.toString('latin1').replace(/[^ -~]+/g, '.')
  return `0x${bytes.subarray(8, 12).toString('hex')} ${text.length > 160 ? `${text.slice(0, 160)}…` : text}`
}

/** One end of a connection; what `net.Socket` is to its user. */
class Socket extends Duplex {
  readonly #send: (bytes: Buffer) => void
  readonly #onEnd: () => void
  readonly #onDestroy: () => void

  constructor(send: (bytes: Buffer) => void, onEnd: () => void, onDestroy: () => void) {
    super({ allowHalfOpen: false })
    this.#send = send
    this.#onEnd = onEnd
    this.#onDestroy = onDestroy
  }

  override _read(): void {}

  override _write(bytes: Buffer, _encoding: string, done: () => void): void {
    this.#send(bytes)
    done()
  }

  override _final(done: () => void): void {
    this.#onEnd()
    done()
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#onDestroy()
    done(error)
  }
}

type Reach = (delayInMs: number, run: () => void) => void

/** One direction of a connection: in order, each parcel in its own time, none while it is stalled. */
class Lane {
  readonly #parcels: Parcel[] = []
  #lastAt = 0
  #isScheduled = false
  readonly #world: World
  readonly #stalledUntil: () => number
  readonly #deliver: (parcel: Parcel) => void
  readonly #reach: Reach

  constructor(world: World, stalledUntil: () => number, reach: Reach, deliver: (parcel: Parcel) => void) {
    this.#world = world
    this.#stalledUntil = stalledUntil
    this.#reach = reach
    this.#deliver = deliver
  }

  add(delayInMs: number, parcel: { kind: 'end' | 'reset' } | { kind: 'bytes'; bytes: Buffer }): void {
    this.#lastAt = Math.max(this.#lastAt, this.#world.now + delayInMs)
    this.#parcels.push({ ...parcel, at: this.#lastAt } as Parcel)
    this.#schedule()
  }

  drop(): void {
    this.#parcels.length = 0
  }

  #schedule(): void {
    const first = this.#parcels[0]
    if (!first || this.#isScheduled) return
    const at = Math.max(first.at, this.#stalledUntil())
    // Stalled for good: nothing of it arrives any more.
    if (at === Number.POSITIVE_INFINITY) return
    this.#isScheduled = true
    this.#reach(at - this.#world.now, () => {
      this.#isScheduled = false
      if (this.#stalledUntil() <= this.#world.now) {
        for (let next = this.#parcels[0]; next && next.at <= this.#world.now; next = this.#parcels[0]) {
          this.#parcels.shift()
          this.#deliver(next)
        }
      }
      this.#schedule()
    })
  }
}

/** A TCP connection from the client to the service. */
export class TcpConnection {
  readonly id: number
  readonly client: Duplex
  readonly service: Duplex
  readonly #network: Network
  readonly #lanes: Record<Direction, Lane>
  readonly #stalledUntil: Record<Direction, number> = { toService: 0, toClient: 0 }
  frameFate: FrameFate | undefined

  constructor(id: number, network: Network) {
    this.id = id
    this.#network = network
    const { world, observer } = network
    this.client = new Socket(
      (bytes) => {
        observer.onClientWrite(this, bytes)
        this.#transmit('toService', bytes)
      },
      () => this.#lanes.toService.add(network.latency(), { kind: 'end' }),
      () => this.#onDestroyed('toService'),
    )
    this.service = new Socket(
      (bytes) => {
        for (const each of this.frameFate?.(bytes) ?? [{ delayInMs: 0, bytes }]) {
          if (each.delayInMs === 0) this.#transmit('toClient', each.bytes)
          else world.schedule('service', each.delayInMs, () => this.#late(each.bytes))
        }
      },
      () => this.#lanes.toClient.add(network.latency(), { kind: 'end' }),
      () => this.#onDestroyed('toClient'),
    )
    // What happens to a socket without a listener must not end the run; both ends have their own.
    this.service.on('error', () => {})
    const lane = (direction: Direction, reach: Reach) =>
      new Lane(
        world,
        () => Math.max(this.#stalledUntil[direction], network.stalledUntil[direction]),
        reach,
        (parcel) => this.#deliver(direction, parcel),
      )
    this.#lanes = {
      toService: lane('toService', (ms, run) => world.schedule('service', ms, run)),
      toClient: lane('toClient', (ms, run) => world.reachClient(ms, run)),
    }
  }

  get isClientOpen(): boolean {
    return !this.client.destroyed
  }

  /** Nothing arrives in this direction until then; `Infinity`: ever. */
  stall(direction: Direction, until: number): void {
    this.#stalledUntil[direction] = until
  }

  /** Both ends learn it, as when something in the middle gives up. */
  reset(): void {
    for (const direction of ['toService', 'toClient'] as const) {
      this.#lanes[direction].drop()
      this.#lanes[direction].add(this.#network.latency(), { kind: 'reset' })
    }
  }

  /** The service forgets the connection, and its goodbye is lost. The client learns it when it sends something. */
  vanish(): void {
    this.stall('toClient', Number.POSITIVE_INFINITY)
    this.service.destroy()
    this.stall('toClient', this.#network.world.now)
    this.#lanes.toClient.drop()
  }

  #late(bytes: Buffer): void {
    if (!this.service.destroyed && !this.service.writableEnded) this.#transmit('toClient', bytes)
  }

  #transmit(direction: Direction, bytes: Buffer): void {
    const { random, settings } = this.#network
    const lane = this.#lanes[direction]
    if (bytes.length > 1 && random.chance(settings.splitting)) {
      const at = random.whole(1, bytes.length - 1)
      lane.add(this.#network.latency(), { kind: 'bytes', bytes: bytes.subarray(0, at) })
      lane.add(this.#network.latency() + random.whole(0, 3), { kind: 'bytes', bytes: bytes.subarray(at) })
    } else lane.add(this.#network.latency(), { kind: 'bytes', bytes })
  }

  #onDestroyed(direction: Direction): void {
    const { random, observer } = this.#network
    if (direction === 'toService') observer.onClientClosed(this)
    // Unread bytes on either side turn a close into a reset, and what was not transmitted is dropped.
    const isAbrupt = random.chance(0.3)
    if (isAbrupt) this.#lanes[direction].drop()
    this.#lanes[direction].add(this.#network.latency(), { kind: isAbrupt ? 'reset' : 'end' })
  }

  #deliver(direction: Direction, parcel: Parcel): void {
    const { world, observer } = this.#network
    const socket = direction === 'toService' ? this.service : this.client
    if (socket.destroyed || socket.readableEnded) {
      // Bytes for a socket that is gone are answered by a reset.
      if (parcel.kind === 'bytes') {
        const back = direction === 'toService' ? 'toClient' : 'toService'
        this.#lanes[back].add(this.#network.latency(), { kind: 'reset' })
      }
      return
    }
    if (parcel.kind === 'bytes') {
      world.note(`connection ${this.id} ${direction}: ${parcel.bytes.length} bytes`)
      world.detail(() => printable(parcel.bytes))
      if (direction === 'toClient') observer.onClientRead(this, parcel.bytes)
      socket.push(parcel.bytes)
    } else if (parcel.kind === 'end') {
      world.note(`connection ${this.id} ${direction}: end`)
      socket.push(null)
    } else {
      world.note(`connection ${this.id} ${direction}: reset`)
      socket.destroy(socketError('ECONNRESET', 'read'))
    }
  }
}

/** All connections between the client and the service, and what goes wrong between the two. */
export class Network {
  readonly world: World
  readonly random: Random
  readonly observer: NetworkObserver
  readonly settings: NetworkSettings
  readonly connections: TcpConnection[] = []
  /** For every connection. */
  readonly stalledUntil: Record<Direction, number> = { toService: 0, toClient: 0 }
  refusesUntil = 0
  readonly #accept: (connection: TcpConnection) => void

  constructor(
    world: World,
    random: Random,
    settings: NetworkSettings,
    observer: NetworkObserver,
    accept: (connection: TcpConnection) => void,
  ) {
    this.world = world
    this.random = random
    this.settings = settings
    this.observer = observer
    this.#accept = accept
  }

  latency(): number {
    const { latencyInMs, jitterInMs } = this.settings
    return latencyInMs + (jitterInMs === 0 ? 0 : this.random.whole(0, jitterInMs))
  }

  /** Connections whose client's end is open. */
  get open(): TcpConnection[] {
    return this.connections.filter((connection) => connection.isClientOpen)
  }

  readonly wire: Wire = {
    name: 'amqp',
    isByteStream: true,
    target: {
      hostname: 'ns.example.net',
      port: 5671,
      isTls: true,
      authority: 'ns.example.net:5671',
      label: 'ns.example.net:5671',
    },
    open: (onConnect) => this.#connect(onConnect),
  }

  #connect(onConnect: () => void): Duplex {
    const { world } = this
    const connection = new TcpConnection(this.connections.length + 1, this)
    this.connections.push(connection)
    world.note(`connection ${connection.id}: connects`)
    const there = Math.max(this.latency(), this.stalledUntil.toService - world.now)
    if (there === Number.POSITIVE_INFINITY) return connection.client
    world.schedule('service', there, () => {
      const isRefused = world.now < this.refusesUntil
      const back = Math.max(this.latency(), this.stalledUntil.toClient - world.now)
      if (!isRefused && connection.isClientOpen && !connection.service.destroyed) this.#accept(connection)
      if (back === Number.POSITIVE_INFINITY) return
      world.reachClient(back, () => {
        if (!connection.isClientOpen) return
        world.note(`connection ${connection.id}: ${isRefused ? 'is refused' : 'is open'}`)
        if (isRefused) connection.client.destroy(socketError('ECONNREFUSED', 'connect'))
        else onConnect()
      })
    })
    return connection.client
  }
}
