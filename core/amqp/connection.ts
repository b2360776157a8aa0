import type { Duplex } from 'node:stream'
import rhea, { type EventContext, type Connection as RheaConnection, type Session } from 'rhea'
import { Connection, ConnectionEvents, Container, SessionEvents } from 'rhea-promise'
import type { Clock } from '../clock.js'
import { bounded } from '../deadline.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from '../errors.js'
import type { OperationLimits, PartitionId, TransportContext } from '../transport.js'
import { Claims } from './claims.js'
import { fromCondition, fromSocketError } from './conditions.js'
import { writeWithoutCopying } from './frame-output.js'
import type { IdempotentProducer } from './idempotent-producer.js'
import { RequestResponseLink, type Response } from './request-response-link.js'
import { finishTurn, writeNoMore } from './rhea-turn.js'
import { type MessageBytes, SenderLink } from './sender-link.js'
import { SessionWindow } from './session-window.js'
import { rheaSettings, type Wire } from './socket.js'

/** After this long without a byte from the peer, a connection has to prove that it is alive. */
const quietWindowInMs = 2000
/** A proof of life takes a few round trips at most, and never longer than this. */
const longestProofInMs = 1000
/** rhea keeps unsettled deliveries of all links in one ring, oldest first; one lost answer must not fill it soon. */
const deliveriesPerSession = 16_384
/** Longest silence of a peer that has a first token to check. */
const longestSilenceOfAuthorizationInMs = 4000
/** What has arrived already is read within this time. */
const secondLookInMs = 50
/** A send unanswered for so long, or some round trips if they take longer, asks for a proof of life. */
const shortestStallInMs = 1000
const shortestProofInMs = 250
/** An event hub has at most 32 partitions in most tiers, and a thousand in the largest. */
const mostClaimedAhead = 64
/** Longest wait for a token to be fetched and accepted when the option sets none. */
const longestAuthorizationInMs = 60_000

/**
 * The life of one socket. It opens once and dies once; the transport then makes another.
 *
 *     connecting -> ready <-> suspect
 *         |           |          |
 *         +-----------+----------+--> lost    (peer, network, no proof of life)
 *         +-----------+----------+--> closed  (ours)
 *
 * Authorizing is a state of each link, not of the connection: see `SenderLink`.
 */
type State =
  | { readonly name: 'connecting' }
  | { readonly name: 'ready' }
  /** Sends wait for the proof of life that is under way. */
  | { readonly name: 'suspect' }
  | { readonly name: 'lost'; readonly error: EventHubError }
  | { readonly name: 'closed' }

/** Whose connection it is. */
export interface ConnectionOwner {
  /** Aborts when the client is closed. A token on its way outlives a connection that is lost: the next one needs it. */
  readonly closing: AbortSignal
  /** Longest silence of the peer in the middle of the handshake, while someone waits or comes along. */
  readonly handshakePatienceInMs: number
  onDead(connection: AmqpConnection): void
  /** A link is open, and takes messages of this size. */
  onLinkOpen(partitionId: PartitionId, maxMessageSizeInBytes: number): void
  /** As far as they are known; claimed when the connection opens. */
  partitionIds(): readonly string[]
  /** With idempotent retries: who sends to this partition. */
  producerOf(partitionId: PartitionId): IdempotentProducer | undefined
}

export class AmqpConnection {
  readonly #context: TransportContext
  readonly #clock: Clock
  readonly #raw: RheaConnection
  readonly #connection: Connection
  readonly #session: Session
  #cbs: RequestResponseLink
  readonly #window: SessionWindow
  readonly #claims: Claims
  readonly #senders = new Map<PartitionId, SenderLink>()
  readonly #owner: ConnectionOwner
  readonly #cancelOpenTimer: () => void
  readonly #endpoint: string
  #socket: Duplex | undefined
  #management: RequestResponseLink | undefined
  #state: State = { name: 'connecting' }
  #heardAt: { readonly monotonic: number; readonly wall: number }
  #roundTripInMs: number | undefined
  #wasReady = false
  #isHandshakeDoubted = false
  #fellSilent = false
  #cancelSecondLook: () => void = () => {}
  #isRetired = false
  /** Between the peer's goodbye and the end. */
  #isEnding = false
  #hasAbandoned = false
  #cancelStallTimer: (() => void) | undefined
  readonly #watcher = { onWaiting: () => this.#watchForStall(), onIdle: () => this.#onIdle() }

  constructor(context: TransportContext, wire: Wire, owner: ConnectionOwner) {
    const { clock, options } = context
    this.#context = context
    this.#clock = clock
    this.#owner = owner
    this.#heardAt = { monotonic: clock.monotonicNow(), wall: clock.wallNow() }
    this.#endpoint = wire.target.label

    const container = rhea.create_container()
    this.#raw = container.create_connection(
      rheaSettings(wire, context, (socket) => {
        this.#socket = socket
        socket.on('data', () => this.#heard())
        socket.on('close', () => this.fail(fromSocketError(undefined, this.#endpoint, 'returned')))
      }) as never,
    )
    this.#connection = new Connection({
      rheaConnection: this.#raw,
      container: Container.copyFromContainerInstance(container),
      // Behind our own, below, which ends the wait first and says more.
      operationTimeoutInSeconds: options.socketTimeoutInMs / 1000 + 1,
    } as never)
    // It repeats rhea's events, "error" among them, which would end the process if nobody listened.
    this.#connection.on(ConnectionEvents.error, () => {})
    this.#listen()
    // A failure of the network arrives by the events as well, with more detail, and before this.
    this.#connection.open().catch((error) => this.fail(fromSocketError(error, this.#endpoint, 'returned')))
    // After "open", which makes rhea's transport anew. A WebSocket makes one message of each write: there frames stay whole.
    if (wire.isByteStream) writeWithoutCopying(this.#raw)

    // Written in the same turn as "open": rhea-promise would wait for an answer between these steps, and
    // each wait is a round trip.
    this.#session = this.#raw.create_session({ outgoing: deliveriesPerSession } as never)
    const onSessionEnd = (event: EventContext) => {
      this.#finishTurn()
      this.fail(fromCondition(event.session?.error as never, `${this.#endpoint} ended the session`, 'returned'))
    }
    this.#session.on(SessionEvents.sessionError, onSessionEnd)
    this.#session.on(SessionEvents.sessionClose, onSessionEnd)
    this.#session.begin()
    this.#cbs = new RequestResponseLink(this.#session, '$cbs', clock, this.#watcher)
    this.#claims = new Claims(
      () => ({ request: (request, limits) => this.#measured(this.#openCbs().request(request, limits)) }),
      context.tokens,
      clock,
      () => this.#authorizationLimits(),
      ({ message, cause }) =>
        this.fail(new EventHubError(message, { code: 'connection-lost', retryable: true, cause })),
    )
    this.#window = new SessionWindow(this.#session, () => this.#connection.maxFrameSize)
    this.#cbs.opened.then(
      () => this.#becomeReady(),
      (error) => this.fail(toEventHubError(error)),
    )
    this.#cancelOpenTimer = clock.schedule(options.socketTimeoutInMs, () => {
      if (this.#state.name !== 'connecting') return
      const message = `${this.#endpoint} did not complete the connection within ${options.socketTimeoutInMs} ms. Check host, port and firewall.`
      this.fail(new OperationTimeoutError(message))
    })
    this.#log(`connecting to ${this.#endpoint}.`)
  }

  /** Whether new work may still be given to it. */
  get isUsable(): boolean {
    return !this.isDead && !this.#isRetired
  }

  get isDead(): boolean {
    return this.#state.name === 'lost' || this.#state.name === 'closed'
  }

  /** Whether a message was given up that may still sit in its socket. */
  get hasAbandoned(): boolean {
    return this.#hasAbandoned
  }

  /** Whether it ever got as far as carrying something. */
  get wasReady(): boolean {
    return this.#wasReady
  }

  /** Whether it was given up in the middle of its handshake because nothing came. */
  get fellSilentInHandshake(): boolean {
    return this.#fellSilent
  }

  /**
   * Queues behind what was sent to the same partition before; resolves when the service has accepted it.
   * `finish` is called just before the bytes leave, and may still change them.
   */
  send(partitionId: PartitionId, bytes: MessageBytes, limits: OperationLimits, finish?: () => void): Promise<void> {
    this.checkLiveness()
    const link = this.#senderFor(partitionId)
    return link.send(bytes, limits, finish)
  }

  /** The next send to this partition attaches a link anew. */
  detach(partitionId: PartitionId): void {
    const message = 'The link is attached anew.'
    this.#senders.get(partitionId)?.detach(new EventHubError(message, { code: 'connection-lost', retryable: true }))
  }

  /** Asks the management node. */
  async manage(properties: Record<string, unknown>, limits: OperationLimits): Promise<Response> {
    this.checkLiveness()
    const address = this.#uri('/$management')
    const ranOut = () => new OperationTimeoutError(`${this.#endpoint} did not open its management link in time.`)
    await bounded(this.#clock, this.#authorized('/$management'), limits, ranOut)
    // The service closes it when idle.
    if (!this.#management || this.#management.isClosed) {
      this.#management = new RequestResponseLink(this.#session, '$management', this.#clock, this.#watcher)
    }
    const link = this.#management
    const { token } = await this.#context.tokens.getToken(address, limits)
    const request = { body: Buffer.alloc(0), application_properties: { ...properties, security_token: token } }
    return link.request(request, limits)
  }

  /** Resolves when the link to `partitionId` is open and authorized. */
  async warmUp(partitionId: PartitionId, limits: OperationLimits): Promise<void> {
    const link = this.#senderFor(partitionId)
    const ranOut = () => new OperationTimeoutError(`${this.#endpoint} did not open a link in time.`)
    await bounded(this.#clock, link.opened, limits, ranOut)
  }

  /** Starts a proof of life, if nothing was heard for longer than the quiet window or a clock has jumped. */
  checkLiveness(): void {
    const { monotonic, wall } = this.#heardAt
    const quiet = Math.max(this.#clock.monotonicNow() - monotonic, Math.abs(this.#clock.wallNow() - wall))
    if (this.#state.name === 'ready' && quiet > quietWindowInMs) this.#suspect()
    if (this.#state.name === 'connecting' && quiet > this.#owner.handshakePatienceInMs) this.#doubtHandshake()
  }

  /** Nothing to prove with yet: a handshake that fell silent, or was frozen, is better begun anew. */
  #doubtHandshake(): void {
    if (this.#isHandshakeDoubted) return
    this.#isHandshakeDoubted = true
    const { monotonic } = this.#heardAt
    // What arrived while this process was frozen, or busy, has yet to be read.
    this.#cancelSecondLook = this.#clock.schedule(secondLookInMs, () => {
      this.#isHandshakeDoubted = false
      if (this.#state.name !== 'connecting' || this.#heardAt.monotonic !== monotonic) return
      this.#fellSilent = true
      this.fail(this.#silent('opened'))
    })
  }

  /** No new work; destroyed as soon as nothing is under way on it. */
  retire(): void {
    this.#isRetired = true
    this.#destroyIfIdle()
  }

  /** Fails everything on it at once, and destroys the socket. */
  fail(error: EventHubError): void {
    if (this.isDead) return
    this.#end({ name: 'lost', error }, error)
  }

  /** Says goodbye, as long as the limits allow; then destroys the socket. */
  async close(limits: OperationLimits): Promise<void> {
    if (this.isDead) return
    if (this.#state.name !== 'connecting') {
      const ranOut = () => new OperationTimeoutError(`${this.#endpoint} did not answer the goodbye in time.`)
      // The peer's answer would otherwise count as a loss.
      this.#state = { name: 'closed' }
      const socketClosed = new Promise<void>((resolve) => this.#socket?.once('close', () => resolve()))
      const goodbye = Promise.race([this.#connection.close(), socketClosed])
      await bounded(this.#clock, goodbye, limits, ranOut).catch(() => {})
    }
    this.#end({ name: 'closed' }, new EventHubError('The connection was closed.', { code: 'client-closed' }))
  }

  #end(state: State, error: EventHubError): void {
    this.#state = state
    this.#cancelOpenTimer()
    this.#cancelSecondLook()
    this.#cancelStallTimer?.()
    this.#cbs.fail(error)
    for (const link of [...this.#senders.values()]) link.close(error)
    this.#management?.fail(error)
    // With an error, so that rhea hears of it and stops its heartbeat.
    this.#socket?.destroy(new Error('closed by eventhub-sluice'))
    writeNoMore(this.#raw)
    this.#log(`the connection to ${this.#endpoint} ended: ${error.message}`)
    this.#owner.onDead(this)
  }

  /** The peer has said goodbye: what it said before that is told first. */
  #finishTurn(): void {
    if (this.isDead) return
    this.#isEnding = true
    finishTurn(this.#raw)
  }

  #log(line: string): void {
    this.#context.logger.debug?.(`eventhub-sluice: ${line}`)
  }

  #becomeReady(): void {
    if (this.#state.name !== 'connecting') return
    this.#cancelOpenTimer()
    this.#cancelSecondLook()
    this.#wasReady = true
    this.#state = { name: 'ready' }
    // With SASL PLAIN, links may have opened before this.
    this.#pumpAll()
    // Behind the claims that someone waits for.
    queueMicrotask(() => this.claimAhead())
    this.#log(`connected to ${this.#endpoint}.`)
  }

  #suspect(): void {
    if (this.#state.name !== 'ready') return
    // Before the first claim there is nothing to prove with. The claim itself shows whether anyone is there, but the
    // service may take its time over a token.
    if (!this.#usesPlain && !this.#claims.canProve) {
      const quiet = this.#clock.monotonicNow() - this.#heardAt.monotonic
      if (this.#cbs.isBusy && quiet > longestSilenceOfAuthorizationInMs) this.fail(this.#silent('authorized'))
      return
    }
    this.#state = { name: 'suspect' }
    const roundTrip = this.#roundTripInMs ?? longestProofInMs
    const patience = Math.min(longestProofInMs, Math.max(shortestProofInMs, 4 * roundTrip))
    const limits = { deadline: this.#clock.monotonicNow() + patience }
    const noProof = () =>
      new OperationTimeoutError(
        `The connection to ${this.#endpoint} gave no sign of life within ${Math.round(patience)} ms.`,
      )
    const heardBefore = this.#heardAt
    bounded(this.#clock, this.#claims.prove(this.#uri(''), limits), limits, noProof).then(
      () => this.#proven(),
      (error) => {
        if (this.#state.name !== 'suspect') return
        // A process that was busy in the meantime has its timer first and reads the answer then.
        this.#cancelSecondLook = this.#clock.schedule(secondLookInMs, () => {
          if (this.#heardAt === heardBefore) this.#disproved(toEventHubError(error))
          else this.#proven()
        })
      },
    )
  }

  #silent(doing: 'opened' | 'authorized'): EventHubError {
    return new OperationTimeoutError(`${this.#endpoint} fell silent while the connection was being ${doing}.`)
  }

  #proven(): void {
    if (this.#state.name !== 'suspect') return
    this.#state = { name: 'ready' }
    this.#pumpAll()
  }

  #pumpAll(): void {
    for (const link of this.#senders.values()) link.pump()
  }

  #disproved(error: EventHubError): void {
    if (this.#state.name !== 'suspect') return
    // Only silence, or the end of the connection, disproves; a refusal is an answer.
    if (error.code !== 'timeout' && error.code !== 'connection-lost') this.#proven()
    else this.fail(new EventHubError(error.message, { code: 'connection-lost', retryable: true, cause: error }))
  }

  /** While anything waits for the peer: when it says nothing for a while, it has to prove that it is there. */
  #watchForStall(): void {
    if (this.#cancelStallTimer) return
    const patience = Math.max(shortestStallInMs, 4 * (this.#roundTripInMs ?? 0))
    this.#cancelStallTimer = this.#clock.schedule(patience, () => {
      this.#cancelStallTimer = undefined
      if (!this.#isAwaitingPeer()) return
      if (this.#state.name === 'connecting') this.checkLiveness()
      else if (this.#clock.monotonicNow() - this.#heardAt.monotonic >= patience) this.#suspect()
      this.#watchForStall()
    })
  }

  #isAwaitingPeer(): boolean {
    for (const link of this.#senders.values()) if (link.isBusy) return true
    return this.#cbs.isBusy || this.#management?.isBusy === true
  }

  #senderFor(partitionId: PartitionId): SenderLink {
    const known = this.#senders.get(partitionId)
    if (known) return known
    const path = partitionId === undefined ? '' : `/Partitions/${partitionId}`
    const link: SenderLink = new SenderLink({
      address: `${this.#context.eventHubName}${path}`,
      session: this.#session,
      producer: this.#owner.producerOf(partitionId),
      clock: this.#clock,
      claimed: this.#authorized(path),
      window: this.#window,
      attachTimeoutInMs: this.#context.options.socketTimeoutInMs,
      mayTransfer: () => this.#state.name === 'ready' && !this.#isEnding && this.#isAuthorized(partitionId),
      onOpen: (maxMessageSizeInBytes) => this.#owner.onLinkOpen(partitionId, maxMessageSizeInBytes),
      onClosed: (error) => {
        if (this.#senders.get(partitionId) === link) this.#senders.delete(partitionId)
        if (error.code === 'unauthorized') this.#claims.forget(this.#uri(path))
        this.#onIdle()
      },
      ...this.#watcher,
      onAbandoned: () => {
        this.#hasAbandoned = true
      },
      onNoAnswer: () => this.#suspect(),
    })
    this.#senders.set(partitionId, link)
    return link
  }

  /** True while the link's claim holds; otherwise a renewal starts and the link goes on once it is there. */
  #isAuthorized(partitionId: PartitionId): boolean {
    if (this.#usesPlain) return true
    const path = partitionId === undefined ? '' : `/Partitions/${partitionId}`
    if (this.#claims.holds(this.#uri(path))) return true
    const link = this.#senders.get(partitionId)
    if (!link?.isOpen) return false
    this.#authorize(path).then(
      () => link.pump(),
      (error) => link.close(toEventHubError(error)),
    )
    return false
  }

  /** With SASL PLAIN the connection itself carries the rights. */
  get #usesPlain(): boolean {
    return this.#context.options.sasl === 'plain'
  }

  async #authorize(path: string): Promise<void> {
    if (this.#usesPlain) return
    await this.#claims.ensure(this.#uri(path))
  }

  /** As `#authorize`, once the connection is open; with SASL PLAIN at once, so that links attach beside `$cbs`. */
  async #authorized(path: string): Promise<void> {
    if (this.#usesPlain) return
    await this.#cbs.opened
    await this.#authorize(path)
  }

  /**
   * Claims the partitions before anyone needs them: the first event to each then costs no round trip for it.
   * A refusal shows when the partition is used.
   */
  claimAhead(): void {
    if (this.#state.name !== 'ready' || this.#usesPlain) return
    for (const id of this.#owner.partitionIds().slice(0, mostClaimedAhead)) {
      void this.#claims.putAhead(this.#uri(`/Partitions/${id}`))
    }
  }

  /** The service closes `$cbs`, too, when idle: the next claim opens it again. */
  #openCbs(): RequestResponseLink {
    if (this.#cbs.isClosed && this.#wasReady && !this.isDead) {
      this.#cbs = new RequestResponseLink(this.#session, '$cbs', this.#clock, this.#watcher)
    }
    return this.#cbs
  }

  /** The quickest put-token so far tells what a round trip takes; a claim that holds already took none. */
  async #measured<T>(operation: Promise<T>): Promise<T> {
    const startedAt = this.#clock.monotonicNow()
    const result = await operation
    const took = this.#clock.monotonicNow() - startedAt
    if (took > 0) this.#roundTripInMs = Math.min(took, this.#roundTripInMs ?? took)
    return result
  }

  #onIdle(): void {
    if (!this.#isAwaitingPeer()) {
      // Nothing is left to watch for, and nothing may keep a timer.
      this.#cancelStallTimer?.()
      this.#cancelStallTimer = undefined
    }
    this.#destroyIfIdle()
  }

  #heard(): void {
    // A session window may have opened; rhea says so for links alone.
    if (this.#state.name === 'ready') queueMicrotask(() => this.#pumpAll())
    this.#heardAt = { monotonic: this.#clock.monotonicNow(), wall: this.#clock.wallNow() }
  }

  #destroyIfIdle(): void {
    if (!this.#isRetired || this.isDead) return
    for (const link of this.#senders.values()) if (link.isBusy) return
    this.#end(
      { name: 'closed' },
      new EventHubError('The connection was retired.', { code: 'connection-lost', retryable: true }),
    )
  }

  #uri(path: string): string {
    return `sb://${this.#context.fullyQualifiedNamespace}/${this.#context.eventHubName}${path}`
  }

  #authorizationLimits(): OperationLimits {
    const timeout = this.#context.options.authTimeoutInMs || longestAuthorizationInMs
    return { deadline: this.#clock.monotonicNow() + timeout, signal: this.#owner.closing }
  }

  #listen(): void {
    const onClose = (event: EventContext) => {
      this.#finishTurn()
      const error = (event.error ?? this.#raw.error) as { condition?: string; description?: string } | undefined
      this.fail(fromCondition(error, `${this.#endpoint} closed the connection`, 'returned'))
    }
    this.#raw.on(ConnectionEvents.connectionError, onClose)
    this.#raw.on(ConnectionEvents.connectionClose, onClose)
    this.#raw.on(ConnectionEvents.disconnected, (event: EventContext) => {
      const error: unknown = event.error
      this.fail(error instanceof EventHubError ? error : fromSocketError(error, this.#endpoint, 'returned'))
    })
    const onProtocolError = (error: unknown) =>
      this.fail(
        new EventHubError(
          `${this.#endpoint} does not speak AMQP as expected: ${error instanceof Error ? error.message : String(error)}. Check host, port and TLS.`,
          { code: 'protocol-error', cause: error },
        ),
      )
    this.#raw.on(ConnectionEvents.protocolError, onProtocolError)
    this.#raw.on(ConnectionEvents.error, onProtocolError)
  }
}
