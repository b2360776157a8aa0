import { defaultTransportType, parseSocketOptions, sharesLimits, transportFactories } from '#transports'
import { joinSignals } from './abort.js'
import { parseConnectionString } from './auth/connection-string.js'
import { assertIsCredential, type EventHubCredential, isNamedKey } from './auth/credential.js'
import { type RefreshConnectionString, refreshingCredential } from './auth/refreshing-connection-string.js'
import { createTokenSource } from './auth/token-cache.js'
import { BufferedSender, callBack } from './buffered-sender.js'
import { Capacity } from './buffering/capacity.js'
import { EventDataBatch } from './buffering/event-data-batch.js'
import { PartitionTurns } from './buffering/partition-turns.js'
import { SendSlots } from './buffering/send-slots.js'
import { bounded, deadlineIn } from './deadline.js'
import { DirectSender } from './direct-sender.js'
import { EventHubError, OperationTimeoutError, toEventHubError } from './errors.js'
import type { EventInput } from './event-data.js'
import { Invocation } from './invocation.js'
import {
  assertAreOptions,
  type BeginInvocationOptions,
  type CloseOptions,
  type CreateBatchOptions,
  type EventHubProducerClientOptions,
  type OperationOptions,
  type ProducerSettings,
  parseBeginInvocationOptions,
  parseCloseOptions,
  parseCreateBatchOptions,
  parseOperationOptions,
  parseOptions,
  parseWarmUpOptions,
  type WarmUpOptions,
} from './options.js'
import type { OutboxEnvironment } from './outbox.js'
import { runWithRetries } from './retry.js'
import { PartitionDirectory } from './routing/partition-directory.js'
import { Router } from './routing/router.js'
import { type ParsedSendOptions, parseSendOptions, refuseTargetBesideBatch, type SendOptions } from './send-options.js'
import { Tracing } from './tracing.js'
import type {
  EventHubProperties,
  OperationLimits,
  PartitionProperties,
  Transport,
  TransportContext,
  TransportFactory,
} from './transport.js'

/** Options of `fromConnectionString`: those of the constructor, and `refreshConnectionString`. */
export type ConnectionStringOptions = EventHubProducerClientOptions & {
  /**
   * Fetches the present connection string where keys are rotated. Asked before each signature, about once in 45 minutes
   * for each link, and as soon as the service refuses one. It must name the same namespace and event hub. Default: none.
   */
  readonly refreshConnectionString?: RefreshConnectionString | undefined
}

type State = 'open' | 'closing' | 'closed'

/** Longest wait for room, and for an operation without a limit of its own, when the caller names none. */
const defaultOperationTimeoutInMs = 60_000

/**
 * Publishes events to one event hub: one by one, in batches, buffered in the background, or as part of an
 * invocation of serverless code. Modelled on the Python `EventHubProducerClient`.
 *
 * The constructor does no I/O and starts no timer; the connection opens with the first use.
 */
export class EventHubProducerClient {
  /** Such as `my-namespace.servicebus.windows.net`. */
  readonly fullyQualifiedNamespace: string
  /** The event hub that events go to. */
  readonly eventHubName: string
  /** The wire in use: `amqp`, `amqpOverWebSocket`, `https`, or a custom transport's name. */
  readonly transportName: string
  readonly #settings: ProducerSettings
  readonly #transport: Transport
  readonly #env: OutboxEnvironment
  readonly #direct: DirectSender
  readonly #buffered: BufferedSender | undefined
  readonly #invocations = new Set<Invocation>()
  /** Aborts when the client gives up what is under way. */
  readonly #closing = new AbortController()
  #state: State = 'open'
  #closed: Promise<void> | undefined

  /**
   * @param fullyQualifiedNamespace host name, such as `my-namespace.servicebus.windows.net`
   * @param credential a `TokenCredential`, a named key `{ name, key }` or a signature `{ signature }`
   * @throws TypeError, RangeError for arguments and options that cannot work
   */
  constructor(
    fullyQualifiedNamespace: string,
    eventHubName: string,
    credential: EventHubCredential,
    options: EventHubProducerClientOptions = {},
  ) {
    assertIsCredential(credential)
    this.fullyQualifiedNamespace = parseNamespace(fullyQualifiedNamespace)
    this.eventHubName = parseEventHubName(eventHubName)
    const settings = parseOptions(options)
    if (options.eventHubName !== undefined && options.eventHubName !== eventHubName) {
      throw new TypeError('options.eventHubName differs from the eventHubName argument. Name the event hub once.')
    }
    const development = developmentEndpoints.get(options)
    this.#settings = settings
    const { clock, random } = settings
    this.#transport = createTransport(settings, {
      fullyQualifiedNamespace: this.fullyQualifiedNamespace,
      eventHubName: this.eventHubName,
      tokens: createTokenSource(credential, {
        clock,
        authTimeoutInMs: settings.authTimeoutInMs,
        logger: settings.logger,
      }),
      clock,
      random,
      logger: settings.logger,
      options: {
        development: development !== undefined,
        endpoint: settings.customEndpoint ?? development,
        sasl: settings.sasl,
        enableIdempotentRetries: settings.enableIdempotentRetries,
        partitionIds: settings.partitionIds,
        namedKey: isNamedKey(credential) ? () => ({ name: credential.name, key: credential.key }) : undefined,
        authTimeoutInMs: settings.authTimeoutInMs,
        socketTimeoutInMs: settings.socketTimeoutInMs,
        idleTimeoutInMs: settings.idleTimeoutInMs,
        userAgent: settings.userAgent,
        ...parseSocketOptions(options),
      },
    })
    this.transportName = this.#transport.name
    if (settings.enableIdempotentRetries) assertCanRetryIdempotently(this.#transport, settings.partitionIds)
    const retry = { policy: settings.retry, clock, random, logger: settings.logger }
    const directory = new PartitionDirectory(this.#transport, settings.partitionIds, retry, this.#closing.signal)
    this.#env = {
      transport: this.#transport,
      clock,
      retry,
      ...limitsOf(settings, (key) => this.#sealForRoom(key)),
      turns: settings.enableIdempotentRetries ? new PartitionTurns() : undefined,
      tracing: new Tracing({
        isEnabled: settings.tracing,
        fullyQualifiedNamespace: this.fullyQualifiedNamespace,
        eventHubName: this.eventHubName,
        port: development?.port,
        logger: settings.logger,
      }),
      maxWaitTimeInMs: settings.maxWaitTimeInMs,
      maxConcurrentSendsPerPartition: settings.maxConcurrentSendsPerPartition,
      router: new Router(settings, directory),
      directory,
    }
    const directEnv = sharesLimits ? this.#env : { ...this.#env, slots: new SendSlots(Number.POSITIVE_INFINITY) }
    this.#direct = new DirectSender(directEnv, this.#closing.signal)
    const { onSuccess, onError, logger } = settings
    if (settings.bufferedMode && onSuccess && onError) {
      this.#buffered = new BufferedSender(this.#env, { onSuccess, onError, logger })
    }
  }

  /**
   * A client from a connection string as the Azure portal gives it, with `EntityPath` or `options.eventHubName`.
   *
   * @throws TypeError when the string cannot be read; never with a secret in the message
   */
  static fromConnectionString(connectionString: string, options: ConnectionStringOptions = {}): EventHubProducerClient {
    const parsed = parseConnectionString(connectionString)
    assertAreOptions('options', options)
    const { refreshConnectionString, ...ownOptions } = options
    // Checked before it is shown: whoever mixes up two settings has a whole connection string here.
    const eventHubName = options.eventHubName ? parseEventHubName(options.eventHubName) : undefined
    if (eventHubName && parsed.eventHubName && eventHubName !== parsed.eventHubName) {
      throw new TypeError(
        `The connection string's EntityPath is ${parsed.eventHubName}, but eventHubName is ${eventHubName}. Remove one of them.`,
      )
    }
    const name = eventHubName ?? parsed.eventHubName
    if (!name) {
      throw new TypeError('Which event hub? Add EntityPath=NAME to the connection string, or pass { eventHubName }.')
    }
    if (refreshConnectionString !== undefined && typeof refreshConnectionString !== 'function') {
      throw new TypeError('The option refreshConnectionString must be a function that fetches a connection string.')
    }
    const credential = refreshingCredential({ ...parsed, eventHubName: name }, refreshConnectionString)
    if (parsed.development) {
      developmentEndpoints.set(ownOptions, { hostname: parsed.fullyQualifiedNamespace, port: parsed.port })
    }
    return new EventHubProducerClient(parsed.fullyQualifiedNamespace, name, credential, ownOptions)
  }

  /**
   * Sends one event. Resolves when the event hub has accepted it; in buffered mode, when there is room for
   * it in the buffer.
   *
   * @throws EventHubError saying what is known of the event (`outcome`), unless `onError` takes it
   */
  sendEvent(event: EventInput, options?: SendOptions): Promise<void> {
    if (!this.#buffered) return this.#sendEvent(event, options)
    // Not an async function: its promise and its frame are a good part of what taking an event costs.
    try {
      this.#assertOpen()
      return this.#buffered.take(event, parseSendOptions(options, this.#settings.logger))
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /**
   * Sends events as one message: all accepted, or none. An array takes `partitionId` or `partitionKey`; an
   * `EventDataBatch` goes where it was made for. In buffered mode it resolves when there is room for all of them.
   *
   * @throws TypeError for options beside an `EventDataBatch`
   * @throws EventHubError `event-too-large` when an array does not fit one message
   */
  async sendBatch(events: readonly EventInput[] | EventDataBatch, options?: SendOptions): Promise<void> {
    this.#assertOpen()
    const parsed = parseSendOptions(options, this.#settings.logger)
    if (!(events instanceof EventDataBatch)) {
      if (!Array.isArray(events)) throw new TypeError('sendBatch takes an array of events or an EventDataBatch.')
      const asBatch = () => {
        const batch = this.#newBatch(parsed)
        for (const event of events) {
          if (!batch.tryAdd(event)) throw tooLarge(`An array of ${events.length} events`, batch.maxSizeInBytes)
        }
        return batch
      }
      if (this.#buffered) {
        const batch = asBatch()
        await this.#buffered.takeBatch(batch, EventDataBatch.itemsOf(batch, this.#transport.codec), parsed)
        return
      }
      const send = () => this.#sendDirect(asBatch(), parsed)
      const { partitionId } = parsed
      await this.#handingErrors(events, partitionId, () =>
        this.#env.tracing.sendEvents(partitionId, events, true, send),
      )
      return
    }
    refuseTargetBesideBatch(parsed)
    const items = EventDataBatch.itemsOf(events, this.#transport.codec)
    if (this.#buffered) {
      await this.#buffered.takeBatch(events, items, parsed)
      return
    }
    const encoded = items.map((item) => item.encoded)
    await this.#handingErrors(
      items.map((item) => item.event),
      events.partitionId,
      () => this.#env.tracing.sendEncoded(events.partitionId, encoded, () => this.#sendDirect(events, parsed)),
    )
  }

  /**
   * An empty batch to fill with `tryAdd` and send with `sendBatch`.
   *
   * @throws RangeError when `maxSizeInBytes` is more than one message may hold
   */
  async createBatch(options: CreateBatchOptions = {}): Promise<EventDataBatch> {
    this.#assertOpen()
    const { maxSizeInBytes, ...target } = parseCreateBatchOptions(options)
    return this.#newBatch(parseSendOptions(target, this.#settings.logger), maxSizeInBytes)
  }

  /**
   * Buffered mode: seals and sends everything buffered now; resolves once all of it is accepted or handed
   * to `onError`. Without buffered mode there is nothing to do.
   *
   * @throws OperationTimeoutError when time runs out; what is left stays buffered
   */
  async flush(options: OperationOptions = {}): Promise<void> {
    this.#assertOpen()
    const limits = this.#operationLimits(options)
    await this.#buffered?.flush(limits)
  }

  /**
   * Sends what is buffered (unless `flush: false`), waits for sends under way, then closes the connection.
   * Whatever is not accepted by then goes to `onError`, or rejects its own call. Leaves no handle open; later
   * use rejects with `client-closed`. Further calls wait for the first.
   *
   * @throws OperationTimeoutError when time ran out before everything was accepted; the client is closed all the same
   */
  close(options: CloseOptions = {}): Promise<void> {
    if (this.#closed) return this.#closed
    try {
      const { flush, timeoutInMs, abortSignal } = parseCloseOptions(options)
      this.#closed = this.#close(flush, this.#limits(timeoutInMs, abortSignal))
    } catch (error) {
      // A wrong option closes nothing.
      return Promise.reject(error)
    }
    return this.#closed
  }

  /** `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Asks the service about the event hub.
   *
   * @throws EventHubError `not-supported` over HTTPS, which cannot ask with a sender's rights
   */
  async getEventHubProperties(options: OperationOptions = {}): Promise<EventHubProperties> {
    this.#assertOpen()
    const properties = await this.#retrying((limits) => this.#transport.getEventHubProperties(limits), options)
    this.#env.directory.learn(properties.partitionIds)
    return properties
  }

  /** The partition ids, in the service's order. Asked for at every call; keys are then mapped to what was answered. */
  async getPartitionIds(options: OperationOptions = {}): Promise<string[]> {
    const { partitionIds } = await this.getEventHubProperties(options)
    return [...partitionIds]
  }

  /**
   * Asks the service about one partition.
   *
   * @throws EventHubError `not-supported` over HTTPS, `entity-not-found` or `argument-error` for an unknown partition
   */
  async getPartitionProperties(partitionId: string, options: OperationOptions = {}): Promise<PartitionProperties> {
    this.#assertOpen()
    if (typeof partitionId !== 'string') throw new TypeError("partitionId must be a string such as '0'.")
    return this.#retrying((limits) => this.#transport.getPartitionProperties(partitionId, limits), options)
  }

  /** Buffered mode: events of this partition taken and not yet accepted or handed to `onError`. Otherwise undefined. */
  getBufferedEventCount(partitionId: string): number | undefined {
    return this.#buffered?.bufferedCountIn(partitionId)
  }

  /** Buffered mode: the same, over all partitions, those not assigned yet included. Otherwise undefined. */
  get totalBufferedEventCount(): number | undefined {
    return this.#buffered?.bufferedCount
  }

  /**
   * Connects now, ahead of the first send: for the free time at module load. Never rejects; a failure shows
   * again, with its error, at the first send.
   */
  async warmUp(options: WarmUpOptions = {}): Promise<void> {
    try {
      this.#assertOpen()
      const { timeoutInMs, abortSignal } = parseWarmUpOptions(options, this.#settings.socketTimeoutInMs)
      const joined = joinSignals(abortSignal, this.#closing.signal)
      const limits = this.#limits(timeoutInMs, joined.signal)
      const { directory, clock } = this.#env
      const needsIds = this.#transport.canReadProperties && directory.ids === undefined
      const warm = [this.#transport.warmUp(limits), needsIds ? directory.load(limits) : undefined]
      // When one has failed, the other still listens for close().
      void Promise.allSettled(warm).then(joined.release)
      const ranOut = () => new OperationTimeoutError('The connection was not ready in time.')
      await bounded(clock, Promise.all(warm), limits, ranOut)
    } catch (error) {
      const line = `eventhub-sluice: warm-up failed: ${toEventHubError(error).message}`
      // A mistaken option would not show again.
      if (error instanceof TypeError || error instanceof RangeError) this.#settings.logger.warn?.(line)
      else this.#settings.logger.debug?.(line)
    }
  }

  /**
   * Starts the account of one invocation: its events, its deadline, its report. Also starts a proof of
   * life of a connection that may have died during a freeze. Works in either mode and fires no callbacks.
   */
  beginInvocation(options: BeginInvocationOptions = {}): Invocation {
    this.#assertOpen()
    const { timeoutInMs, reserveInMs, afterFailure, abortSignal } = parseBeginInvocationOptions(options)
    const env = sharesLimits
      ? this.#env
      : { ...this.#env, ...limitsOf(this.#settings, (key) => invocation.sealForRoom(key)) }
    const invocation: Invocation = Invocation.begin(env, {
      deadline: deadlineIn(this.#settings.clock, Math.max(0, timeoutInMs - reserveInMs)),
      afterFailure,
      signal: abortSignal,
      logger: this.#settings.logger,
      onEnd: (ended) => this.#invocations.delete(ended),
    })
    this.#invocations.add(invocation)
    this.#transport.checkLiveness()
    return invocation
  }

  // Within.

  async #sendEvent(event: EventInput, options: SendOptions | undefined): Promise<void> {
    this.#assertOpen()
    const parsed = parseSendOptions(options, this.#settings.logger)
    const send = () => {
      const batch = this.#newBatch(parsed)
      if (!batch.tryAdd(event)) throw tooLarge('The event', batch.maxSizeInBytes)
      return this.#sendDirect(batch, parsed)
    }
    const { partitionId } = parsed
    await this.#handingErrors([event], partitionId, () =>
      this.#env.tracing.sendEvents(partitionId, [event], false, send),
    )
  }

  #newBatch(target: ParsedSendOptions, maxSizeInBytes?: number): EventDataBatch {
    const { partitionId, partitionKey } = target
    const limit = this.#transport.maxBatchSizeInBytes(partitionId)
    if (maxSizeInBytes !== undefined && !(maxSizeInBytes > 0 && maxSizeInBytes <= limit)) {
      throw new RangeError(
        `maxSizeInBytes must be from 1 to ${limit}, what one message may hold; received ${maxSizeInBytes}.`,
      )
    }
    const to = { partitionId, partitionKey }
    return EventDataBatch.create(this.#transport.codec, maxSizeInBytes ?? limit, to, this.#env.tracing)
  }

  #sendDirect(batch: EventDataBatch, { timeoutInMs, signal }: ParsedSendOptions): Promise<void> {
    const events = EventDataBatch.itemsOf(batch, this.#transport.codec).map((item) => item.encoded)
    const deadline = deadlineIn(this.#settings.clock, timeoutInMs)
    return this.#direct.send(batch.partitionId, events, { deadline, signal })
  }

  /** Outside buffered mode, `onSuccess` hears of what was accepted; `onError` takes the error in place of the rejection. */
  async #handingErrors(
    events: readonly EventInput[],
    partitionId: string | undefined,
    send: () => Promise<void>,
  ): Promise<void> {
    const { onSuccess, onError, logger } = this.#settings
    try {
      await send()
    } catch (error) {
      if (!onError) throw error
      await onError([...events], partitionId, toEventHubError(error))
      return
    }
    if (onSuccess && events.length > 0) callBack('onSuccess', logger, () => onSuccess([...events], partitionId))
  }

  #retrying<T>(operation: (limits: OperationLimits) => Promise<T>, options: OperationOptions): Promise<T> {
    const limits = this.#operationLimits(options)
    const joined = joinSignals(limits.signal, this.#closing.signal)
    return runWithRetries(operation, this.#env.retry, { ...limits, signal: joined.signal }).finally(joined.release)
  }

  #operationLimits(options: OperationOptions): OperationLimits {
    const { timeoutInMs, abortSignal } = parseOperationOptions(options)
    return this.#limits(timeoutInMs, abortSignal)
  }

  #limits(timeoutInMs: number | undefined, signal: AbortSignal | undefined): OperationLimits {
    return { deadline: deadlineIn(this.#settings.clock, timeoutInMs ?? defaultOperationTimeoutInMs), signal }
  }

  /** Someone waits for room: what lies in half-full batches leaves now. */
  #sealForRoom(capacityKey: string | undefined): void {
    this.#buffered?.sealForRoom(capacityKey)
    // Those that hold none of this room gain nothing by it, and what they send must not start in another's request.
    if (!sharesLimits) return
    for (const invocation of this.#invocations) invocation.sealForRoom(capacityKey)
  }

  async #close(flush: boolean, limits: OperationLimits): Promise<void> {
    const { clock } = this.#settings
    this.#state = 'closing'
    let failure: unknown
    const ranOut = () =>
      new OperationTimeoutError('Time ran out before everything was accepted; the client was closed.')
    if (flush) {
      const underWay = [
        this.#buffered?.flush(limits),
        this.#direct.settled(),
        ...[...this.#invocations].map((invocation) => invocation.drain()),
      ]
      try {
        await bounded(clock, Promise.all(underWay), limits, ranOut)
      } catch (error) {
        // What the buffer says of its own flush is not true of a client that closes.
        failure = toEventHubError(error).code === 'timeout' ? ranOut() : error
      }
    }
    const reason = new EventHubError('The client was closed before the event was accepted.', { code: 'client-closed' })
    this.#closing.abort(reason)
    await Promise.all([
      this.#buffered?.giveUp(reason),
      bounded(clock, this.#direct.settled(), { deadline: clock.monotonicNow() + goodbyeTimeInMs }, ranOut).catch(
        () => {},
      ),
      ...[...this.#invocations].map((invocation) => invocation.giveUp(reason)),
    ])
    // A short time of its own for the goodbye, also when the caller's is used up.
    const goodbye: OperationLimits = { deadline: clock.monotonicNow() + goodbyeTimeInMs }
    try {
      await this.#transport.close(goodbye)
    } catch (error) {
      this.#settings.logger.debug?.(
        `eventhub-sluice: the connection did not close in order: ${toEventHubError(error).message}`,
      )
    }
    this.#env.tracing.close(reason)
    this.#state = 'closed'
    if (failure) throw failure
  }

  #assertOpen(): void {
    if (this.#state === 'open') return
    throw new EventHubError('The client is closed. Create a new EventHubProducerClient to go on.', {
      code: 'client-closed',
    })
  }
}

const goodbyeTimeInMs = 1000

/** How `fromConnectionString` tells the constructor of a development endpoint without making it a public option. */
const developmentEndpoints = new WeakMap<object, { hostname: string; port: number | undefined }>()

function limitsOf(
  { maxConcurrentSends, maxBufferLength, maxBufferSizeInBytes }: ProducerSettings,
  onFull: (capacityKey: string | undefined) => void,
): Pick<OutboxEnvironment, 'slots' | 'capacity'> {
  return {
    slots: new SendSlots(maxConcurrentSends),
    capacity: new Capacity(maxBufferLength, maxBufferSizeInBytes, onFull),
  }
}

function createTransport(settings: ProducerSettings, context: TransportContext): Transport {
  const type = settings.transportType ?? defaultTransportType
  if (typeof type === 'object') {
    if (!context.options.httpProxy) return type
    throw new TypeError('httpProxy cannot be used with a transport of your own: give the proxy to that transport.')
  }
  const factory: TransportFactory | undefined = typeof type === 'function' ? type : transportFactories[type]
  if (!factory) {
    throw new TypeError(
      `transportType '${String(type)}' is not available in this runtime or version. Available: ${Object.keys(transportFactories).join(', ')}; ` +
        "or pass a factory, such as amqpTransport from 'eventhub-sluice/amqp'.",
    )
  }
  return factory(context)
}

function assertCanRetryIdempotently(transport: Transport, partitionIds: readonly string[] | undefined): void {
  if (transport.canRetryIdempotently !== true) {
    throw new TypeError(
      `enableIdempotentRetries cannot be used with the transport '${transport.name}': it needs AMQP. Leave it out, or pass transportType: 'amqp' or 'amqpOverWebSocket'.`,
    )
  }
  if (!transport.canReadProperties && partitionIds === undefined) {
    throw new TypeError(
      `enableIdempotentRetries sends to partitions by id, which the transport '${transport.name}' cannot list. Pass partitionIds.`,
    )
  }
}

function parseNamespace(namespace: unknown): string {
  const text =
    typeof namespace === 'string'
      ? namespace
          .trim()
          .replace(/^(?:sb|https|amqps):\/\//i, '')
          .replace(/\/+$/, '')
      : ''
  if (/^[^\s/:;=]+$/.test(text) || /^\[[0-9a-f:.]+\]$/i.test(text)) return text
  throw new TypeError(
    'fullyQualifiedNamespace must be a host name such as my-namespace.servicebus.windows.net. For a connection string use EventHubProducerClient.fromConnectionString().',
  )
}

function parseEventHubName(name: unknown): string {
  if (typeof name === 'string' && /^[^\s/?#;]+$/.test(name)) return name
  throw new TypeError('eventHubName must be the name of an event hub, without spaces and slashes.')
}

function tooLarge(what: string, limit: number): EventHubError {
  return new EventHubError(
    `${what} does not fit one message of ${limit} bytes. Send fewer or smaller events, or fill batches with createBatch() and tryAdd().`,
    { code: 'event-too-large', outcome: 'refused' },
  )
}
