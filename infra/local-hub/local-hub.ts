import { createServer as createHttpServer, type Server as HttpServer, type IncomingMessage } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { createServer as createTcpServer } from 'node:net'
import type { Duplex } from 'node:stream'
import { createServer as createTlsServer } from 'node:tls'
import { AmqpConnection, type ConnectionSettings } from './amqp/connection.js'
import { MemoryBudget } from './amqp/memory-budget.js'
import type { Claim, Claims } from './claims.js'
import { type ConnectionStringOptions, connectionString } from './connection-string.js'
import { EventHub } from './event-hub.js'
import { type LocalHubEvent, viewEvent } from './event-view.js'
import { Faults, type LocalHubFaults } from './faults.js'
import { type HubContext, routeLinks } from './link-router.js'
import { type Listener, listen } from './listeners.js'
import { type LocalHubOptions, type ResolvedOptions, resolveOptions } from './options.js'
import { restHandler } from './rest.js'
import { acceptWebSocket } from './websocket.js'

/** What a test can see of an open AMQP connection. */
export interface LocalHubConnection {
  /** Counts the hub's connections, from 1. */
  readonly id: number
  /** As the client names itself; undefined until it has opened. */
  readonly containerId: string | undefined
  /** What the client says it is; undefined when it does not, or has not opened. */
  readonly userAgent: string | undefined
  /** Undefined when the client has no SASL layer. */
  readonly saslMechanism: string | undefined
  /** Links as the hub has them: `incoming` ones bring messages. */
  readonly links: readonly { readonly name: string; readonly address: string; readonly role: 'incoming' | 'outgoing' }[]
  /** What it has been allowed to do. */
  readonly claims: readonly Claim[]
}

/** A local hub that listens. `await using` closes it. */
export interface LocalHub extends AsyncDisposable {
  /** The address that it listens on. */
  readonly host: string
  /** Of plain AMQP. */
  readonly amqpPort: number
  /** Of AMQP over TLS; undefined without `tls`. */
  readonly amqpsPort: number | undefined
  /** Of REST and AMQP over WebSocket, in the clear. */
  readonly httpPort: number
  /** Of REST and AMQP over WebSocket, over TLS; undefined without `tls`. */
  readonly httpsPort: number | undefined
  /** In the form of the official emulator; with `EntityPath` when there is exactly one event hub. */
  readonly connectionString: string
  /** As `connectionString`, for one event hub. Throws `TypeError` when there is no such hub, key or port. */
  connectionStringFor(eventHubName: string, options?: ConnectionStringOptions): string
  /** As given, in the order of `eventHubs`. */
  readonly eventHubNames: readonly string[]
  /** Of one event hub, `0` and up. Throws `TypeError` when there is no such hub. */
  partitionIds(eventHubName: string): string[]
  /** Events in store, oldest first, partition after partition. Throws `TypeError` for an unknown hub or partition. */
  events(eventHubName: string, partitionId?: string): LocalHubEvent[]
  /** One event; undefined when it is not in store (any more). Throws `TypeError` for an unknown hub or partition. */
  event(eventHubName: string, partitionId: string, sequenceNumber: number): LocalHubEvent | undefined
  /**
   * Gives an event hub more partitions while it runs. Throws `RangeError` for fewer than it has, or more than 1024:
   * partitions are never taken away.
   */
  setPartitionCount(eventHubName: string, partitionCount: number): void
  /**
   * Gives a key name another key, as regenerating it does. Tokens that the old key signed are refused from now on; what
   * a connection has claimed already it keeps. Throws `TypeError` when there is no such key name.
   */
  replaceSharedAccessKey(keyName: string, key: string): void
  /** Tells the hub to misbehave. */
  readonly faults: LocalHubFaults
  /** The AMQP connections that are open now. */
  readonly connections: readonly LocalHubConnection[]
  /** Stops listening and destroys every connection. Resolves when nothing is left open. */
  close(): Promise<void>
}

// As the service has it.
const maxFrameSizeInBytes = 64 * 1024

interface Open {
  readonly connection: AmqpConnection
  readonly claims: Claims
}

/** Starts an Event Hubs-compatible server in this process. Rejects when a port is taken. */
export async function startLocalHub(options: LocalHubOptions = {}): Promise<LocalHub> {
  const given = resolveOptions(options)
  const keys = new Map(given.sharedAccessKeys)
  const resolved = { ...given, sharedAccessKeys: keys }
  const eventHubs = createEventHubs(resolved)
  const open = new Set<Open>()
  const faults = createFaults(open)
  const context: HubContext = {
    rules: { keys, acceptJwt: resolved.acceptJwt, now: resolved.now },
    claimScope: resolved.claimScope,
    faults,
    maxMessageSizeInBytes: resolved.maxMessageSizeInBytes,
    linkCredit: resolved.linkCredit,
    findEventHub: (name) => eventHubs.get(name.toLowerCase()),
  }
  const acceptAmqp = createAcceptor(resolved, context, faults, open)
  const listeners = await startListeners(resolved, acceptAmqp, (server) => {
    const serveRest = restHandler(context)
    server.on('request', (request, response) => {
      if (resolved.onHttpRequest?.(request, response) !== true) serveRest(request, response)
    })
    server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
      socket.on('error', () => {})
      const stream = acceptWebSocket(request, socket, head)
      if (stream !== undefined) acceptAmqp(stream)
    })
    return server
  })

  const eventHubNamed = (name: string): EventHub => {
    const found = eventHubs.get(name.toLowerCase())
    if (found === undefined) throw new TypeError(`The local hub has no event hub named '${name}'.`)
    return found
  }
  let closing: Promise<void> | undefined
  const close = (): Promise<void> => {
    closing ??= Promise.all(Object.values(listeners).map((listener) => listener?.close())).then(() => {})
    return closing
  }
  const names = [...eventHubs.values()].map(({ name }) => name)
  const [onlyName, ...otherNames] = names
  const ports = { amqp: listeners.amqp.port, amqps: listeners.amqps?.port }
  return {
    host: resolved.host,
    amqpPort: ports.amqp,
    amqpsPort: ports.amqps,
    httpPort: listeners.http.port,
    httpsPort: listeners.https?.port,
    get connectionString() {
      return connectionString(resolved, ports, otherNames.length === 0 ? onlyName : undefined)
    },
    connectionStringFor: (name, stringOptions) =>
      connectionString(resolved, ports, eventHubNamed(name).name, stringOptions),
    eventHubNames: names,
    events: (name, partitionId) => {
      const { partitions } = eventHubNamed(name)
      const chosen = partitions.filter(({ log }) => partitionId === undefined || log.id === partitionId)
      if (chosen.length === 0) throw new TypeError(`'${name}' has no partition '${partitionId}'.`)
      return chosen.flatMap(({ log }) => log.toArray().map((event) => viewEvent(log.id, event)))
    },
    event: (name, partitionId, sequenceNumber) => {
      const partition = eventHubNamed(name).partitions.find(({ log }) => log.id === partitionId)
      if (partition === undefined) throw new TypeError(`'${name}' has no partition '${partitionId}'.`)
      const event = partition.log.at(sequenceNumber)
      return event && viewEvent(partitionId, event)
    },
    partitionIds: (name) => eventHubNamed(name).partitionIds,
    setPartitionCount: (name, partitionCount) => {
      const eventHub = eventHubNamed(name)
      if (!(partitionCount >= eventHub.partitions.length && partitionCount <= 1024)) {
        throw new RangeError(`'${name}' has ${eventHub.partitions.length} partitions; it can have more, up to 1024.`)
      }
      eventHub.growTo(partitionCount)
    },
    replaceSharedAccessKey: (keyName, key) => {
      const known = keys.get(keyName)
      if (known === undefined) throw new TypeError(`The local hub has no shared access key named '${keyName}'.`)
      if (key === '') throw new TypeError(`The shared access key '${keyName}' is empty.`)
      keys.set(keyName, { ...known, key })
    },
    faults,
    get connections() {
      return [...open].map(describeConnection)
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

function createEventHubs(options: ResolvedOptions): Map<string, EventHub> {
  const { retention, now, onStored, onBatch } = options
  const partitionCount = [...options.eventHubs.values()].reduce((sum, hub) => sum + hub.partitionCount, 0)
  const share = {
    maxEvents: retention.maxEventsPerPartition,
    maxSizeInBytes: Math.ceil(retention.maxSizeInBytes / partitionCount),
  }
  return new Map(
    [...options.eventHubs].map(([name, settings]) => [
      name.toLowerCase(),
      new EventHub({
        name,
        ...settings,
        retention: share,
        now,
        onStored:
          (onStored ?? onBatch) &&
          ((partitionId, events) => {
            onBatch?.({ eventHubName: name, partitionId, events })
            onStored?.(
              name,
              events.map((event) => viewEvent(partitionId, event)),
            )
          }),
      }),
    ]),
  )
}

function createFaults(open: ReadonlySet<Open>): Faults {
  const each = (action: (connection: AmqpConnection) => void): void => {
    for (const { connection } of [...open]) action(connection)
  }
  return new Faults({
    closeConnections: (error) => each((connection) => connection.close(error)),
    destroyConnections: () => each((connection) => connection.destroy()),
    muteConnections: () => each((connection) => connection.mute()),
    detachLinks: (error, address) =>
      each((connection) => {
        for (const link of [...connection.links()]) {
          const matches = address === undefined ? !link.address.startsWith('$') : link.address === address
          if (matches) link.detach(error)
        }
      }),
    replenishCredit: () =>
      each((connection) => {
        for (const link of [...connection.links()]) if (link.role === 'incoming') link.replenish()
      }),
  })
}

function createAcceptor(
  options: ResolvedOptions,
  context: HubContext,
  faults: Faults,
  open: Set<Open>,
): (stream: Duplex) => void {
  const settings: ConnectionSettings = {
    containerId: 'eventhub-sluice-local-hub',
    maxFrameSizeInBytes,
    idleTimeoutInMs: options.idleTimeoutInMs,
    saslRequired: options.sasl === 'required',
    budget: new MemoryBudget(options.maxUnfinishedSizeInBytes),
    latencyInMs: () => faults.latencyInMs,
    log: options.logger,
  }
  let nextId = 1
  return (stream) => {
    if (faults.refuseConnections) {
      stream.on('error', () => {})
      stream.destroy()
      return
    }
    const handler = routeLinks(context, () => open.delete(entry))
    const connection = new AmqpConnection(nextId++, stream, settings, handler)
    const entry = { connection, claims: handler.claims }
    open.add(entry)
    if (faults.silence) connection.mute()
  }
}

interface Listeners {
  readonly amqp: Listener
  readonly http: Listener
  readonly amqps: Listener | undefined
  readonly https: Listener | undefined
}

async function startListeners(
  options: ResolvedOptions,
  acceptAmqp: (stream: Duplex) => void,
  serveHttp: (server: HttpServer) => HttpServer,
): Promise<Listeners> {
  const { host, tls } = options
  const started: Listener[] = []
  const start = async (...args: Parameters<typeof listen>): Promise<Listener> => {
    const listener = await listen(...args)
    started.push(listener)
    return listener
  }
  try {
    return {
      amqp: await start(createTcpServer({ noDelay: true }, acceptAmqp), host, options.amqpPort),
      http: await start(serveHttp(createHttpServer()), host, options.httpPort),
      amqps: tls && (await start(createTlsServer({ ...tls, noDelay: true }, acceptAmqp), host, options.amqpsPort)),
      https: tls && (await start(serveHttp(createHttpsServer({ ...tls })), host, options.httpsPort)),
    }
  } catch (error) {
    await Promise.all(started.map((listener) => listener.close()))
    throw error
  }
}

function describeConnection({ connection, claims }: Open): LocalHubConnection {
  return {
    id: connection.id,
    containerId: connection.peerContainerId,
    userAgent: connection.peerUserAgent,
    saslMechanism: connection.saslMechanism,
    links: [...connection.links()].map(({ name, address, role }) => ({ name, address, role })),
    claims: claims.list(),
  }
}
