import { asRefusal, type EventHubError } from './errors.js'
import type { EventInput } from './event-data.js'
import { packageVersion } from './options.js'
import {
  emptyContext,
  errorStatus,
  type OtelContext,
  type OtelLinks,
  type OtelRegistry,
  type OtelSpan,
  producerKind,
  registered,
  runWithin,
  spanKey,
} from './tracing-api.js'
import {
  type CreationContext,
  type InjectedContext,
  injectedContext,
  linksTo,
  ownContext,
  withTraceContext,
} from './tracing-context.js'
import type { EncodedEvent, EventCodec, Logger, PartitionId } from './transport.js'

/**
 * The version whose names are used here, those of "Azure Event Hubs" in "Semantic Conventions for Azure Messaging
 * Systems" and of "Semantic conventions for messaging spans": https://opentelemetry.io/docs/specs/semconv/messaging/
 */
const schemaUrl = 'https://opentelemetry.io/schemas/1.44.0'

export interface TracingSettings {
  readonly isEnabled: boolean
  readonly eventHubName: string
  readonly fullyQualifiedNamespace: string
  /** Only where it is not the protocol's own. */
  readonly port: number | undefined
  readonly logger: Logger
}

interface BatchToSend {
  readonly partitionId: PartitionId
  /** Undefined for a call that takes one event: counts are for batches. */
  readonly messageCount: number | undefined
  readonly links: OtelLinks
}

/**
 * One producer span per batch sent, its retries included, and the trace context on events.
 *
 * - A call that sends at once has its span first, below the caller's, and puts that span's context on its events: the
 *   creation context that the conventions ask for.
 * - Otherwise (buffered mode, invocations, `createBatch`) an event is encoded before its batch is known. It carries
 *   the context that it was taken in, and the batch's span links to those of its events. Where all share one, that
 *   is the span's parent; else it begins a trace of its own. Its kind stays `PRODUCER`, where the conventions would
 *   have `CLIENT`: the same call is not another kind of span because of the mode it is made in.
 * - Attempts that failed and were repeated leave no mark ("errors that were retried or handled … SHOULD NOT be
 *   recorded"). The error that a batch ends with is its span's status, and its code the `error.type`.
 * - The span is active while its batch is sent, so that the requests of an instrumented `fetch` lie below it.
 * - What OpenTelemetry throws costs a span or a property, never an event, and is logged once.
 */
export class Tracing {
  readonly #settings: TracingSettings
  readonly #attributes: Readonly<Record<string, string | number>>
  /** Spans not ended yet, by what they stand for. */
  readonly #open = new Map<object, OtelSpan>()
  readonly #contexts = new WeakMap<EncodedEvent, CreationContext>()
  /** The span of the call that encodes its events right now. */
  #sending: InjectedContext | undefined
  /** As text, since many events are taken in one context; null for those that have no span. */
  readonly #injected = new WeakMap<OtelContext, InjectedContext | null>()
  #hasComplained = false

  constructor(settings: TracingSettings) {
    this.#settings = settings
    this.#attributes = {
      'messaging.system': 'eventhubs',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': settings.eventHubName,
      'server.address': settings.fullyQualifiedNamespace.replace(/^\[(.*)\]$/, '$1'),
      ...(settings.port === undefined ? {} : { 'server.port': settings.port }),
    }
  }

  /**
   * Encodes the event, with the trace context among its application properties where there is one and the event
   * has none of its own. An event that is too large with it, but not without, goes without.
   */
  encode<E extends EncodedEvent>(
    codec: EventCodec<E>,
    event: EventInput,
    partitionKey: string | undefined,
    maxSizeInBytes: number,
    partitionId?: string,
  ): E {
    const registry = this.#registry()
    if (registry === undefined) return codec.encode(event, partitionKey, partitionId)
    const own = ownContext(event)
    if (own !== undefined) return this.#remember(codec.encode(event, partitionKey, partitionId), own.context)
    const injected = this.#sending ?? this.#takenIn(registry)
    if (injected !== undefined) {
      try {
        const encoded = codec.encode(withTraceContext(event, injected), partitionKey, partitionId)
        const sizeInBytes = codec.envelopeSizeInBytes(encoded) + encoded.sizeInBytes
        if (sizeInBytes <= maxSizeInBytes) return this.#remember(encoded, injected)
      } catch {
        // If it cannot be encoded without the trace context either, the codec says so below.
      }
    }
    return codec.encode(event, partitionKey, partitionId)
  }

  /** The span of a call that sends these events at once. `operation` encodes them before it waits for anything. */
  sendEvents<T>(
    partitionId: PartitionId,
    events: readonly EventInput[],
    isBatch: boolean,
    operation: () => Promise<T>,
  ): Promise<T> {
    const registry = this.#registry()
    if (!registry?.trace || events.length === 0) return operation()
    const messageCount = isBatch ? events.length : undefined
    const { links } = linksTo(events.map((event) => ownContext(event)?.context))
    return this.#sendNow(registry, { partitionId, messageCount, links }, operation)
  }

  /** The span of a call that sends these events, taken earlier, at once. */
  sendEncoded<T>(partitionId: PartitionId, events: readonly EncodedEvent[], operation: () => Promise<T>): Promise<T> {
    const registry = this.#registry()
    if (!registry?.trace || events.length === 0) return operation()
    const { links } = linksTo(events.map((event) => this.#contexts.get(event)))
    return this.#sendNow(registry, { partitionId, messageCount: events.length, links }, operation)
  }

  /** The span of a batch that is sent on its owner's behalf; by `batch` itself, `abandon` knows it. */
  sendBatch<T>(
    batch: object,
    partitionId: PartitionId,
    events: readonly EncodedEvent[],
    operation: () => Promise<T>,
  ): Promise<T> {
    const registry = this.#registry()
    if (!registry?.trace) return operation()
    const { links, shared } = linksTo(events.map((event) => this.#contexts.get(event)))
    // Never the context active here: it is of whatever happened to let the batch go.
    const parent = shared?.context ?? emptyContext
    const span = this.#start(registry, { partitionId, messageCount: events.length, links }, parent)
    return span ? this.#during(batch, span, parent, operation) : operation()
  }

  /** Ends the span of a batch whose answer is no longer waited for. */
  abandon(batch: object, error: EventHubError): void {
    this.#end(batch, error)
  }

  /** Ends what spans are left when the client is closed. */
  close(error: EventHubError): void {
    for (const standsFor of [...this.#open.keys()]) this.#end(standsFor, error)
  }

  // Within.

  #registry(): OtelRegistry | undefined {
    return this.#settings.isEnabled ? registered() : undefined
  }

  #takenIn(registry: OtelRegistry): InjectedContext | undefined {
    return this.#trying(() => {
      const context = registry.context?.active()
      if (context === undefined) return undefined
      const known = this.#injected.get(context)
      if (known !== undefined) return known ?? undefined
      const injected = injectedContext(context)
      this.#injected.set(context, injected ?? null)
      return injected
    })
  }

  #remember<E extends EncodedEvent>(encoded: E, context: CreationContext | undefined): E {
    if (context !== undefined) this.#contexts.set(encoded, context)
    return encoded
  }

  #sendNow<T>(registry: OtelRegistry, batch: BatchToSend, operation: () => Promise<T>): Promise<T> {
    const parent = this.#trying(() => registry.context?.active()) ?? emptyContext
    const span = this.#start(registry, batch, parent)
    if (!span) return operation()
    return this.#during(span, span, parent, async () => {
      const before = this.#sending
      this.#sending = this.#trying(() => injectedContext(parent.setValue(spanKey, span)))
      try {
        // Not awaited: by the time that it returns, its events are encoded.
        return operation()
      } finally {
        this.#sending = before
      }
    })
  }

  #start(registry: OtelRegistry, batch: BatchToSend, parent: OtelContext): OtelSpan | undefined {
    const { partitionId, messageCount, links } = batch
    return this.#trying(() => {
      const tracer = registry.trace?.getTracer('eventhub-sluice', packageVersion, { schemaUrl })
      const attributes = {
        ...this.#attributes,
        ...(partitionId === undefined ? {} : { 'messaging.destination.partition.id': partitionId }),
        ...(messageCount === undefined ? {} : { 'messaging.batch.message_count': messageCount }),
      }
      const options = { kind: producerKind, attributes, links }
      return tracer?.startSpan(`send ${this.#settings.eventHubName}`, options, parent)
    })
  }

  #during<T>(standsFor: object, span: OtelSpan, parent: OtelContext, operation: () => Promise<T>): Promise<T> {
    this.#open.set(standsFor, span)
    const sent = runWithin(() => parent.setValue(spanKey, span), operation, this.#complain)
    sent.then(
      () => this.#end(standsFor, undefined),
      (error: unknown) => this.#end(standsFor, asRefusal(error)),
    )
    return sent
  }

  /** Does nothing when the span has ended before. */
  #end(standsFor: object, error: EventHubError | undefined): void {
    const span = this.#open.get(standsFor)
    if (span === undefined) return
    this.#open.delete(standsFor)
    if (error !== undefined) {
      this.#trying(() => span.setAttribute('error.type', error.code))
      this.#trying(() => span.setStatus({ code: errorStatus, message: error.message }))
    }
    this.#trying(() => span.end())
  }

  #trying<T>(action: () => T): T | undefined {
    try {
      return action()
    } catch (error) {
      this.#complain(error)
      return undefined
    }
  }

  readonly #complain = (error: unknown): void => {
    if (this.#hasComplained) return
    this.#hasComplained = true
    const text = error instanceof Error ? error.message : String(error)
    this.#settings.logger.warn?.(
      `eventhub-sluice: OpenTelemetry failed, so traces of sends are incomplete (told once): ${text}`,
    )
  }
}
