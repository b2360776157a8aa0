import { AmqpConnection, type ConnectionSettings } from '../../infra/local-hub/amqp/connection.js'
import { AmqpError } from '../../infra/local-hub/amqp/errors.js'
import type { IncomingLink } from '../../infra/local-hub/amqp/incoming-link.js'
import type {
  AttachRequest,
  Delivery,
  IncomingLinkHandler,
  LinkHandler,
} from '../../infra/local-hub/amqp/link-types.js'
import { MemoryBudget } from '../../infra/local-hub/amqp/memory-budget.js'
import type { OutgoingLink } from '../../infra/local-hub/amqp/outgoing-link.js'
import { EventHub } from '../../infra/local-hub/event-hub.js'
import { type HubContext, routeLinks } from '../../infra/local-hub/link-router.js'
import { acceptedAs, isAcceptance, isDisposition, isEnd } from './frames.js'
import { idsIn } from './marks.js'
import type { TcpConnection } from './network.js'
import type { Random } from './random.js'
import type { World } from './world.js'

export const eventHubName = 'hub'

/** How the service misbehaves: shares of sends, attaches and requests from 0 to 1, and what holds at the moment. */
export interface ServiceMood {
  rejects: number
  /** Says that it failed in the middle, having stored the events. */
  failsAfterStoring: number
  releases: number
  detaches: number
  detachesAfterStoring: number
  dropsAcknowledgements: number
  repeatsAcknowledgements: number
  delaysAcknowledgements: number
  /** Stores late, each link in its own time, also when the connection has gone meanwhile. */
  storesLate: number
  refusesAttaches: number
  refusesTokens: number
  isThrottling: boolean
  withholdsCredit: boolean
}

export interface ServiceSettings {
  readonly partitionCount: number
  readonly maxMessageSizeInBytes: number
  readonly linkCredit: number
  readonly claimScope: 'prefix' | 'exact'
  /** Told to the client, which has to keep the connection alive; 0: none. */
  readonly idleTimeoutInMs: number
}

export interface StoredCopy {
  readonly partitionId: string
  readonly position: number
}

const retryable = ['com.microsoft:server-busy', 'amqp:transfer-limit-exceeded']
const final = ['com.microsoft:argument-error', 'com.microsoft:entity-disabled', 'amqp:not-allowed']
/** What the service says when it cannot tell whether the events are in store. */
export const inTheMiddle: readonly string[] = [
  'amqp:internal-error',
  'com.microsoft:timeout',
  'com.microsoft:operation-cancelled',
]
const detachConditions = [
  'amqp:link:detach-forced',
  'amqp:link:detach-forced',
  'amqp:internal-error',
  'com.microsoft:server-busy',
  'amqp:unauthorized-access',
]

/** Event Hubs, of the local hub's parts: its AMQP, claims, management and idempotent producers, over the simulated network. */
export class Service {
  /** Every copy of every event in store, by the event's number. */
  readonly stored = new Map<number, StoredCopy[]>()
  /** What the client did that a peer may not do. */
  readonly complaints: string[] = []
  readonly #world: World
  readonly #random: Random
  readonly #hub: EventHub
  readonly #context: HubContext
  readonly #connections = new Map<AmqpConnection, TcpConnection>()
  readonly mood: ServiceMood
  /** Tokens made before this are refused; wall clock. */
  tokensCountFrom = 0
  readonly #idleTimeoutInMs: number
  #nextConnectionId = 1
  #observed = 0

  constructor(world: World, random: Random, settings: ServiceSettings, mood: ServiceMood) {
    this.#world = world
    this.#random = random
    this.mood = mood
    this.#idleTimeoutInMs = settings.idleTimeoutInMs
    this.#hub = new EventHub({
      name: eventHubName,
      partitionCount: settings.partitionCount,
      consumerGroups: [],
      retention: { maxEvents: 1e9, maxSizeInBytes: 1e12 },
      now: () => world.serviceWall,
    })
    this.#observe()
    const service = this
    this.#context = {
      rules: { keys: new Map(), acceptJwt: (token) => this.#acceptsToken(token), now: () => world.serviceWall },
      claimScope: settings.claimScope,
      maxMessageSizeInBytes: settings.maxMessageSizeInBytes,
      linkCredit: settings.linkCredit,
      findEventHub: (name) => (name.toLowerCase() === eventHubName ? this.#hub : undefined),
      faults: {
        latencyInMs: 0,
        silence: false,
        refuseConnections: false,
        throttle: undefined,
        get withholdCredit() {
          return service.mood.withholdsCredit
        },
        takeSendFault: () => undefined,
      },
    }
  }

  get partitionIds(): string[] {
    return this.#hub.partitionIds
  }

  growTo(partitionCount: number): void {
    if (partitionCount <= this.#hub.partitions.length) return
    this.#world.note(`the event hub has ${partitionCount} partitions now`)
    this.#hub.growTo(partitionCount)
    this.#observe()
  }

  accept(tcp: TcpConnection): void {
    const settings: ConnectionSettings = {
      containerId: 'simulated',
      maxFrameSizeInBytes: 64 * 1024,
      idleTimeoutInMs: this.#idleTimeoutInMs,
      saslRequired: true,
      budget: new MemoryBudget(64 * 1024 * 1024),
      latencyInMs: () => 0,
      log: (message) => this.#onLog(message),
    }
    tcp.frameFate = (bytes) => this.#fateOf(bytes)
    const routes = routeLinks(this.#context, () => this.#connections.delete(connection))
    const handler = { ...routes, openLink: (request: AttachRequest) => this.#openLink(request, routes.openLink, tcp) }
    const connection = new AmqpConnection(this.#nextConnectionId++, tcp.service, settings, handler)
    this.#connections.set(connection, tcp)
  }

  /** It hears of no connection any more; what it has received is stored all the same. */
  leave(): void {
    for (const connection of [...this.#connections.keys()]) connection.destroy()
  }

  forceClose(): void {
    const condition = this.#random.pick(['amqp:connection:forced', 'amqp:connection:forced', 'amqp:internal-error'])
    this.#world.note(`the service closes its connections (${condition})`)
    for (const connection of [...this.#connections.keys()]) {
      connection.close(new AmqpError(condition, 'The connection was closed by the simulation.'))
    }
  }

  /** Detaches some links: those of producers, those of its own nodes, or all. */
  detachLinks(): void {
    const which = this.#random.pick(['producers', 'nodes', 'all'])
    const error = this.#detachError()
    this.#world.note(`the service detaches links (${which}, ${error.condition})`)
    for (const link of this.#links()) {
      const isNode = link.address.startsWith('$')
      if (which === 'all' || isNode === (which === 'nodes')) link.detach(error)
    }
  }

  giveCredit(): void {
    this.mood.withholdsCredit = false
    for (const link of this.#links()) if (link.role === 'incoming') link.replenish()
  }

  *#links(): Iterable<IncomingLink | OutgoingLink> {
    for (const connection of [...this.#connections.keys()]) yield* [...connection.links()]
  }

  #onLog(message: string): void {
    this.#world.detail(() => message)
    if (!/ECONNRESET|inactive/.test(message)) this.complaints.push(message)
  }

  #observe(): void {
    for (const { log } of this.#hub.partitions.slice(this.#observed)) {
      let next = 0
      log.onAppend(() => {
        for (let event = log.at(next); event; event = log.at(++next)) {
          const [id] = idsIn(event.bytes)
          if (id === undefined) continue
          const copies = this.stored.get(id)
          if (copies) copies.push({ partitionId: log.id, position: next })
          else this.stored.set(id, [{ partitionId: log.id, position: next }])
          this.#world.note(`stored ${id} in ${log.id}${copies ? ', again' : ''}`)
        }
      })
    }
    this.#observed = this.#hub.partitions.length
  }

  #acceptsToken(token: string): boolean | Promise<boolean> {
    if (this.#random.chance(this.mood.refusesTokens)) return false
    const madeAt = Number(token.split('.')[0])
    return madeAt >= this.tokensCountFrom
  }

  #detachError(): AmqpError {
    return new AmqpError(this.#random.pick(detachConditions), 'The link was detached by the simulation.')
  }

  #openLink(request: AttachRequest, open: (request: AttachRequest) => LinkHandler, tcp: TcpConnection): LinkHandler {
    const isNode = request.targetAddress?.startsWith('$') || request.sourceAddress?.startsWith('$')
    if (!isNode && this.#random.chance(this.mood.refusesAttaches)) throw this.#detachError()
    const handler = open(request)
    return handler.kind === 'outgoing' || isNode ? handler : this.#misbehaving(handler, tcp)
  }

  #misbehaving(handler: IncomingLinkHandler, tcp: TcpConnection): IncomingLinkHandler {
    let link: IncomingLink | undefined
    let busyUntil = 0
    return {
      ...handler,
      onOpen: (opened) => {
        link = opened
        handler.onOpen(opened)
      },
      onDelivery: (delivery) => {
        const late = this.#random.chance(this.mood.storesLate) ? this.#random.whole(1, 3000) : 0
        busyUntil = Math.max(busyUntil, this.#world.now + late)
        const process = (given: Delivery) => this.#process(given, handler, (error) => link?.detach(error), tcp)
        if (busyUntil <= this.#world.now) return process(delivery)
        const kept = { ...delivery, bytes: Buffer.from(delivery.bytes) }
        this.#world.schedule('service', busyUntil - this.#world.now, () => process(kept))
      },
    }
  }

  #process(
    delivery: Delivery,
    handler: IncomingLinkHandler,
    detach: (error: AmqpError) => void,
    tcp: TcpConnection,
  ): void {
    const { mood } = this
    const random = this.#random
    const reject = (condition: string) => delivery.reject(new AmqpError(condition, 'Refused by the simulation.'))
    if (mood.isThrottling) reject('com.microsoft:server-busy')
    else if (random.chance(mood.rejects)) reject(random.pick(random.chance(0.6) ? retryable : final))
    else if (random.chance(mood.detaches)) detach(this.#detachError())
    else if (random.chance(mood.releases)) {
      // The local hub knows no such outcome, so an acceptance is rewritten as it leaves.
      const { frameFate } = tcp
      const outcome = random.pick(['released', 'modified'] as const)
      tcp.frameFate = (bytes) => [{ delayInMs: 0, bytes: isAcceptance(bytes) ? acceptedAs(bytes, outcome) : bytes }]
      delivery.accept()
      tcp.frameFate = frameFate
    } else if (random.chance(mood.failsAfterStoring)) {
      handler.onDelivery({ ...delivery, accept: () => reject(random.pick(inTheMiddle)) })
    } else if (random.chance(mood.detachesAfterStoring)) {
      handler.onDelivery({ ...delivery, accept: () => detach(this.#detachError()) })
    } else if (random.chance(mood.dropsAcknowledgements)) {
      handler.onDelivery({ ...delivery, accept: () => {} })
    } else handler.onDelivery(delivery)
  }

  #fateOf(bytes: Buffer): readonly { delayInMs: number; bytes: Buffer }[] {
    const { mood } = this
    const random = this.#random
    // It ends a session only when the client breaks the protocol on it.
    if (isEnd(bytes) && bytes.includes('amqp:')) this.complaints.push(bytes.toString('latin1'))
    if (!isDisposition(bytes)) return [{ delayInMs: 0, bytes }]
    const delayInMs = random.chance(mood.delaysAcknowledgements) ? random.whole(1, 4000) : 0
    const fate = [{ delayInMs, bytes }]
    if (random.chance(mood.repeatsAcknowledgements)) fate.push({ delayInMs: delayInMs + random.whole(0, 50), bytes })
    return fate
  }
}
