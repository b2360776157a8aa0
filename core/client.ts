import { defaultTransportType, transportFactories } from '#transports'
import { joinSignals } from './abort.js'
import { parseConnectionString } from './auth/connection-string.js'
import { assertIsCredential, type EventHubCredential, isNamedKey } from './auth/credential.js'
import { createTokenSource } from './auth/token-cache.js'
import { BufferedSender } from './buffered-sender.js'
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
  abortSignal,
  duration,
  type EventHubProducerClientOptions,
  type ProducerSettings,
  parseOptions,
  refuseUnknownOptions,
} from './options.js'
import type { OutboxEnvironment } from './outbox.js'
import { runWithRetries } from './retry.js'
import { PartitionDirectory } from './routing/partition-directory.js'
import { Router } from './routing/router.js'
import { type ParsedSendOptions, parseSendOptions, refuseTargetBesideBatch, type SendOptions } from './send-options.js'
import type {
  EventHubProperties,
  OperationLimits,
  PartitionProperties,
  Transport,
  TransportContext,
  TransportFactory,
} from './transport.js'

/** Limits of a call: milliseconds, and a signal. */
export interface OperationOptions {
  readonly timeoutInMs?: number | undefined
  readonly abortSignal?: AbortSignal | undefined
}

export interface CloseOptions extends OperationOptions {
  /** Send what is buffered first. Default: true. */
  readonly flush?: boolean | undefined
}

export interface CreateBatchOptions {
  /** Send the batch to this partition. Excludes `partitionKey`. */
  readonly partitionId?: string | undefined
  /** Put on every event of the batch. */
  readonly partitionKey?: string | undefined
  /** Default, and most: what one message may hold. */
  readonly maxSizeInBytes?: number | undefined
}

export interface BeginInvocationOptions {
  /** The time this invocation has left, in milliseconds. Default: 30000. */
  readonly timeoutInMs?: number | undefined
  /** Kept back at the end for the answer, in milliseconds. Default: a tenth of `timeoutInMs`, at most 500. */
  readonly reserveInMs?: number | undefined
  /** After a failure, whether later events of the same key (or partition) are sent or `returned`. Default: `continue`. */
  readonly afterFailure?: 'continue' | 'stop' | undefined
  /** Gives up everything that is not accepted yet. */
  readonly abortSignal?: AbortSignal | undefined
}

type State = 'open' | 'closing' | 'closed'

const defaultInvocationTimeoutInMs = 30_000
const longestReserveInMs = 500
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
    if (options.eventHubName !== undefined && options.eventHubName !== eventHubName) {
      throw new TypeError('options.eventHubName differs from the eventHubName argument. Name the event hub once.')
    }
    this.fullyQualifiedNamespace = parseNamespace(fullyQualifiedNamespace)
    this.eventHubName = parseEventHubName(eventHubName)
    const development = developmentEndpoints.get(options)
    const settings = parseOptions(options)
    this.#settings = settings
    const { clock, random } = settings
    this.#transport = createTransport(settings, {
      fullyQualifiedNamespace: this.fullyQualifiedNamespace,
      eventHubName: this.eventHubName,
      tokens: createTokenSource(credential, { clock, authTimeoutInMs: settings.authTimeoutInMs }),
      clock,
      random,
      logger: settings.logger,
      options: {
        development: development !== undefined,
        endpoint: settings.customEndpoint ?? development,
        sasl: settings.sasl,
        enableIdempotentRetries: settings.enableIdempotentRetries,
        namedKey: isNamedKey(credential) ? () => ({ name: credential.name, key: credential.key }) : undefined,
        authTimeoutInMs: settings.authTimeoutInMs,
        socketTimeoutInMs: settings.socketTimeoutInMs,
        idleTimeoutInMs: settings.idleTimeoutInMs,
        userAgent: settings.userAgent,
        tls: settings.tls,
        httpProxy: settings.httpProxy,
      },
    })
    this.transportName = this.#transport.name
    if (settings.enableIdempotentRetries) assertCanRetryIdempotently(this.#transport, settings.partitionIds)
    const retry = { policy: settings.retry, clock, random }
    const directory = new PartitionDirectory(this.#transport, settings.partitionIds, retry)
    this.#env = {
      transport: this.#transport,
      clock,
      retry,
      slots: new SendSlots(settings.maxConcurrentSends),
      turns: settings.enableIdempotentRetries ? new PartitionTurns(clock) : undefined,
      maxWaitTimeInMs: settings.maxWaitTimeInMs,
      maxConcurrentSendsPerPartition: settings.maxConcurrentSendsPerPartition,
      router: new Router(settings, directory),
      directory,
      capacity: new Capacity(settings.maxBufferLength, settings.maxBufferSizeInBytes, (key) => this.#sealForRoom(key)),
    }
    this.#direct = new DirectSender(this.#env, this.#closing.signal)
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
  static fromConnectionString(
    connectionString: string,
    options: EventHubProducerClientOptions = {},
  ): EventHubProducerClient {
    const parsed = parseConnectionString(connectionString)
    const { eventHubName } = options
    if (eventHubName && parsed.eventHubName && eventHubName !== parsed.eventHubName) {
      throw new TypeError(
        `The connection string's EntityPath is ${parsed.eventHubName}, but eventHubName is ${eventHubName}. Remove one of them.`,
      )
    }
    const name = eventHubName ?? parsed.eventHubName
    if (!name) {
      throw new TypeError('Which event hub? Add EntityPath=NAME to the connection string, or pass { eventHubName }.')
    }
    const credential =
      parsed.sharedAccessSignature !== undefined
        ? { signature: parsed.sharedAccessSignature }
        : { name: parsed.sharedAccessKeyName ?? '', key: parsed.sharedAccessKey ?? '' }
    const ownOptions = { ...options }
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
  async sendEvent(event: EventInput, options?: SendOptions): Promise<void> {
    this.#assertOpen()
    const parsed = parseSendOptions(options, this.#settings.logger)
    if (this.#buffered) return this.#takeBuffered(this.#buffered, event, parsed)
    await this.#handingErrors([event], parsed.partitionId, () => {
      const batch = this.#newBatch(parsed)
      if (!batch.tryAdd(event)) throw tooLarge('The event', batch.maxSizeInBytes)
      return this.#sendDirect(batch, parsed)
    })
  }

  /**
   * Sends events as one message: all accepted, or none. An array takes `partitionId` or `partitionKey`; an
   * `EventDataBatch` goes where it was made for. In buffered mode an array's events are buffered one by one.
   *
   * @throws TypeError for options beside an `EventDataBatch`
   * @throws EventHubError `event-too-large` when an array does not fit one message
   */
  async sendBatch(events: readonly EventInput[] | EventDataBatch, options?: SendOptions): Promise<void> {
    this.#assertOpen()
    const parsed = parseSendOptions(options, this.#settings.logger)
    if (!(events instanceof EventDataBatch)) {
      if (!Array.isArray(events)) throw new TypeError('sendBatch takes an array of events or an EventDataBatch.')
      if (this.#buffered) {
        const buffered = this.#buffered
        await Promise.all(events.map((event) => this.#takeBuffered(buffered, event, parsed)))
        return
      }
      await this.#handingErrors(events, parsed.partitionId, () => {
        const batch = this.#newBatch(parsed)
        for (const event of events) {
          if (!batch.tryAdd(event)) throw tooLarge(`An array of ${events.length} events`, batch.maxSizeInBytes)
        }
        return this.#sendDirect(batch, parsed)
      })
      return
    }
    refuseTargetBesideBatch(parsed)
    const items = EventDataBatch.itemsOf(events, this.#transport.codec)
    if (this.#buffered) {
      await this.#buffered.takeBatch(events, items, this.#limits(parsed.timeoutInMs, parsed.signal))
      return
    }
    await this.#handingErrors(
      items.map((item) => item.event),
      events.partitionId,
      () => this.#sendDirect(events, parsed),
    )
  }

  /**
   * An empty batch to fill with `tryAdd` and send with `sendBatch`.
   *
   * @throws RangeError when `maxSizeInBytes` is more than one message may hold
   */
  async createBatch(options: CreateBatchOptions = {}): Promise<EventDataBatch> {
    this.#assertOpen()
    refuseUnknownOptions('batch options', options, batchOptionNames)
    const { maxSizeInBytes, ...target } = options
    const parsed = parseSendOptions(target, this.#settings.logger)
    if (options.partitionId !== undefined && options.partitionKey !== undefined) {
      throw new TypeError('A batch has a partitionId or a partitionKey, not both.')
    }
    return this.#newBatch(parsed, maxSizeInBytes)
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
      const { flush = true, ...limits } = options
      this.#closed = this.#close(flush, this.#operationLimits(limits))
    } catch (error) {
      // A wrong option closes nothing.
      return Promise.reject(error)
    }
    return this.#closed
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /** @throws EventHubError `not-supported` over HTTPS, which cannot ask with a sender's rights */
  async getEventHubProperties(options: OperationOptions = {}): Promise<EventHubProperties> {
    this.#assertOpen()
    return this.#retrying((limits) => this.#transport.getEventHubProperties(limits), options)
  }

  /** The partition ids, in the service's order. Asked for at every call. */
  async getPartitionIds(options: OperationOptions = {}): Promise<string[]> {
    const { partitionIds } = await this.getEventHubProperties(options)
    return [...partitionIds]
  }

  /** @throws EventHubError `not-supported` over HTTPS */
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
  async warmUp(options: { readonly timeoutInMs?: number | undefined } = {}): Promise<void> {
    try {
      this.#assertOpen()
      const timeout = duration('timeoutInMs', options.timeoutInMs, this.#settings.socketTimeoutInMs)
      const limits = this.#limits(timeout, this.#closing.signal)
      const { directory } = this.#env
      const needsIds = this.#transport.canReadProperties && directory.ids === undefined
      await Promise.all([this.#transport.warmUp(limits), needsIds ? directory.load(limits) : undefined])
    } catch (error) {
      this.#settings.logger.debug?.(`eventhub-sluice: warm-up failed: ${toEventHubError(error).message}`)
    }
  }

  /**
   * Starts the account of one invocation: its events, its deadline, its report. Also starts a proof of
   * life of a connection that may have died during a freeze. Works in either mode and fires no callbacks.
   */
  beginInvocation(options: BeginInvocationOptions = {}): Invocation {
    this.#assertOpen()
    refuseUnknownOptions('invocation options', options, invocationOptionNames)
    const timeoutInMs = duration('timeoutInMs', options.timeoutInMs, defaultInvocationTimeoutInMs)
    const reserveInMs = duration('reserveInMs', options.reserveInMs, Math.min(timeoutInMs / 10, longestReserveInMs))
    const { afterFailure = 'continue' } = options
    if (afterFailure !== 'continue' && afterFailure !== 'stop') {
      throw new TypeError(`afterFailure must be 'continue' or 'stop'; received ${String(afterFailure)}.`)
    }
    const invocation = new Invocation(this.#env, {
      deadline: deadlineIn(this.#settings.clock, Math.max(0, timeoutInMs - reserveInMs)),
      afterFailure,
      signal: abortSignal('abortSignal', options.abortSignal),
      logger: this.#settings.logger,
      onEnd: (ended) => this.#invocations.delete(ended),
    })
    this.#invocations.add(invocation)
    this.#transport.checkLiveness()
    return invocation
  }

  // Within.

  #takeBuffered(buffered: BufferedSender, event: EventInput, options: ParsedSendOptions): Promise<void> {
    const { partitionId, partitionKey, timeoutInMs, signal } = options
    return buffered.take(event, { partitionId, partitionKey, limits: this.#limits(timeoutInMs, signal) })
  }

  #newBatch(target: ParsedSendOptions, maxSizeInBytes?: number): EventDataBatch {
    const { partitionId, partitionKey } = target
    const limit = this.#transport.maxBatchSizeInBytes(partitionId)
    if (maxSizeInBytes !== undefined && !(maxSizeInBytes > 0 && maxSizeInBytes <= limit)) {
      throw new RangeError(
        `maxSizeInBytes must be from 1 to ${limit}, what one message may hold; received ${maxSizeInBytes}.`,
      )
    }
    return new EventDataBatch(this.#transport.codec, maxSizeInBytes ?? limit, { partitionId, partitionKey })
  }

  #sendDirect(batch: EventDataBatch, { timeoutInMs, signal }: ParsedSendOptions): Promise<void> {
    const events = EventDataBatch.itemsOf(batch, this.#transport.codec).map((item) => item.encoded)
    const deadline = deadlineIn(this.#settings.clock, timeoutInMs)
    return this.#direct.send(batch.partitionId, events, { deadline, signal })
  }

  /** Outside buffered mode, `onError` takes the error in place of the rejection. */
  async #handingErrors(
    events: readonly EventInput[],
    partitionId: string | undefined,
    send: () => Promise<void>,
  ): Promise<void> {
    const { onError } = this.#settings
    try {
      await send()
    } catch (error) {
      if (!onError) throw error
      await onError([...events], partitionId, toEventHubError(error))
    }
  }

  #retrying<T>(operation: (limits: OperationLimits) => Promise<T>, options: OperationOptions): Promise<T> {
    const limits = this.#operationLimits(options)
    const joined = joinSignals(limits.signal, this.#closing.signal)
    return runWithRetries(operation, this.#env.retry, { ...limits, signal: joined.signal }).finally(joined.release)
  }

  #operationLimits(options: OperationOptions): OperationLimits {
    refuseUnknownOptions('call options', options, operationOptionNames)
    const { timeoutInMs } = options
    const checked = timeoutInMs === undefined ? undefined : duration('timeoutInMs', timeoutInMs, 0)
    return this.#limits(checked, abortSignal('abortSignal', options.abortSignal))
  }

  #limits(timeoutInMs: number | undefined, signal: AbortSignal | undefined): OperationLimits {
    return { deadline: deadlineIn(this.#settings.clock, timeoutInMs ?? defaultOperationTimeoutInMs), signal }
  }

  /** Someone waits for room: what lies in half-full batches leaves now. */
  #sealForRoom(capacityKey: string | undefined): void {
    this.#buffered?.sealForRoom(capacityKey)
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

const operationOptionNames: ReadonlySet<string> = new Set<keyof OperationOptions>(['timeoutInMs', 'abortSignal'])

const batchOptionNames: ReadonlySet<string> = new Set<keyof CreateBatchOptions>([
  'partitionId',
  'partitionKey',
  'maxSizeInBytes',
])

const invocationOptionNames: ReadonlySet<string> = new Set<keyof BeginInvocationOptions>([
  'timeoutInMs',
  'reserveInMs',
  'afterFailure',
  'abortSignal',
])

/** How `fromConnectionString` tells the constructor of a development endpoint without making it a public option. */
const developmentEndpoints = new WeakMap<object, { hostname: string; port: number | undefined }>()

function createTransport(settings: ProducerSettings, context: TransportContext): Transport {
  const type = settings.transportType ?? defaultTransportType
  if (typeof type === 'object') {
    if (!settings.httpProxy) return type
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
