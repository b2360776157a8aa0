import type { Duplex } from 'node:stream'
import rhea, { type EventContext, type Connection as RheaConnection, type Session } from 'rhea'
import { ConnectionEvents, SessionEvents } from 'rhea-promise'
import { fromCondition, fromSocketError } from '../../../core/amqp/conditions.js'
import { RequestResponseLink } from '../../../core/amqp/request-response-link.js'
import { writeNoMore } from '../../../core/amqp/rhea-turn.js'
import { rheaSettings, type Wire } from '../../../core/amqp/socket.js'
import { EventHubError } from '../../../core/errors.js'
import type { TransportContext } from '../../../core/transport.js'

/** rhea's SASL layer, which its type declarations leave out. */
interface SaslClient {
  readonly mechanism_name: string | undefined
  on_sasl_mechanisms(frame: { performative: { sasl_server_mechanisms?: string | string[] } }): void
}

/** What the peer says of authentication. */
export interface Mechanisms {
  readonly offered: readonly string[]
  /** The one of them that is used; undefined where none can be. */
  readonly chosen: string | undefined
}

const nobody = { onWaiting: () => {}, onIdle: () => {} }

/**
 * One AMQP connection, opened as the client opens its own, whose every stage can be watched. It lives once: whatever
 * ends it fails everything that waits on it.
 */
export class RawConnection {
  /** Resolves when bytes may go. */
  readonly wireOpen: Promise<void>
  /** Resolves when the peer has named its SASL mechanisms. */
  readonly mechanisms: Promise<Mechanisms>
  /** Resolves when the peer has answered AMQP's open. */
  readonly opened: Promise<void>
  /** Resolves with the reason when it is over. Never rejects. */
  readonly ended: Promise<EventHubError>
  readonly #context: TransportContext
  readonly #label: string
  readonly #raw: RheaConnection
  readonly #nodes = new Set<RequestResponseLink>()
  readonly #stages: readonly Settleable<unknown>[]
  readonly #end = settleable<EventHubError>()
  #endedWith: EventHubError | undefined
  #socket: Duplex | undefined

  constructor(context: TransportContext, wire: Wire) {
    this.#context = context
    this.#label = wire.target.label
    const wireOpen = settleable<void>()
    const mechanisms = settleable<Mechanisms>()
    const opened = settleable<void>()
    this.#stages = [wireOpen, mechanisms, opened] as readonly Settleable<unknown>[]
    this.wireOpen = wireOpen.promise
    this.mechanisms = mechanisms.promise
    this.opened = opened.promise
    this.ended = this.#end.promise

    const watched: Wire = {
      ...wire,
      open: (onConnect) =>
        wire.open(() => {
          wireOpen.resolve()
          onConnect()
        }),
    }
    const container = rhea.create_container()
    this.#raw = container.create_connection(
      rheaSettings(watched, context, (socket) => {
        this.#socket = socket
        socket.on('close', () => this.end(fromSocketError(undefined, this.#label, 'returned')))
      }) as never,
    )
    this.#listen(opened)
    this.#raw.connect()
    watchMechanisms(this.#raw, mechanisms)
  }

  /** As the peer names itself; undefined until it has. */
  get peerContainerId(): string | undefined {
    return this.#raw.container_id
  }

  get isEnded(): boolean {
    return this.#endedWith !== undefined
  }

  /** A session of its own, whose end is the connection's. */
  beginSession(): Session {
    const session = this.#raw.create_session()
    const onEnd = (event: EventContext) =>
      this.end(fromCondition(event.session?.error as never, `${this.#label} ended the session`, 'returned'))
    session.on(SessionEvents.sessionError, onEnd)
    session.on(SessionEvents.sessionClose, onEnd)
    session.begin()
    return session
  }

  /** Links to `$cbs` or `$management`; they fail with the connection. */
  openNode(session: Session, node: string): RequestResponseLink {
    const link = new RequestResponseLink(session, node, this.#context.clock, nobody)
    if (this.#endedWith) link.fail(this.#endedWith)
    else this.#nodes.add(link)
    return link
  }

  /** Ends it at once: everything that waits fails with this error, and the socket is destroyed. */
  end(error: EventHubError): void {
    if (this.#endedWith) return
    this.#endedWith = error
    this.#end.resolve(error)
    for (const stage of this.#stages) stage.reject(error)
    for (const node of this.#nodes) node.fail(error)
    // With an error, so that rhea hears of it and stops its heartbeat.
    this.#socket?.destroy(new Error('closed by eventhub-sluice'))
    writeNoMore(this.#raw)
  }

  #listen(opened: Settleable<void>): void {
    this.#raw.on(ConnectionEvents.connectionOpen, () => opened.resolve())
    const onClose = (event: EventContext) => {
      const error = (event.error ?? this.#raw.error) as { condition?: string; description?: string } | undefined
      this.end(fromCondition(error, `${this.#label} closed the connection`, 'returned'))
    }
    this.#raw.on(ConnectionEvents.connectionError, onClose)
    this.#raw.on(ConnectionEvents.connectionClose, onClose)
    this.#raw.on(ConnectionEvents.disconnected, (event: EventContext) => {
      const error: unknown = event.error
      this.end(error instanceof EventHubError ? error : fromSocketError(error, this.#label, 'returned'))
    })
    const onProtocolError = (error: unknown) => {
      const said = error instanceof Error ? error.message : String(error)
      const message = `${this.#label} does not speak AMQP as expected: ${said.replace(/\.$/, '')}.`
      this.end(new EventHubError(message, { code: 'protocol-error', cause: error }))
    }
    this.#raw.on(ConnectionEvents.protocolError, onProtocolError)
    this.#raw.on(ConnectionEvents.error, onProtocolError)
  }
}

/** rhea takes the first mechanism that it knows and keeps the list to itself. */
function watchMechanisms(raw: RheaConnection, mechanisms: Settleable<Mechanisms>): void {
  const { sasl_transport: sasl } = raw as unknown as { sasl_transport?: SaslClient }
  if (!sasl) return
  const take = sasl.on_sasl_mechanisms.bind(sasl)
  sasl.on_sasl_mechanisms = (frame) => {
    const { sasl_server_mechanisms: given = [] } = frame.performative
    take(frame)
    mechanisms.resolve({ offered: [given].flat().map(String), chosen: sasl.mechanism_name })
  }
}

interface Settleable<T> {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
}

function settleable<T>(): Settleable<T> {
  let settle: Pick<Settleable<T>, 'resolve' | 'reject'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    settle = { resolve, reject }
  })
  // Whoever waits sees it; nobody may be waiting.
  promise.catch(() => {})
  return { promise, resolve: (value) => settle?.resolve(value), reject: (error) => settle?.reject(error) }
}
