import {
  type AmqpAnnotatedMessage,
  assertHasEventFields,
  type EventData,
  type EventInput,
  isAmqpAnnotatedMessage,
} from './event-data.js'
import {
  isSuppressed,
  type OtelContext,
  type OtelLinks,
  type OtelSpan,
  type OtelSpanContext,
  spanKey,
} from './tracing-api.js'

/**
 * W3C trace context on events: the application properties `traceparent` and `tracestate`
 * (https://www.w3.org/TR/trace-context/), by which a consumer finds the trace that an event came from.
 *
 * They are written here, not by the propagator that the process has registered: that one speaks for its HTTP calls
 * (X-Ray's format in Lambda, say), while events are read elsewhere, by Azure's SDKs and Functions among others, which
 * look for these names. Baggage stays behind: events are kept for days and read by others.
 */

type NamedValues = Readonly<Record<string, unknown>>

/** The context that an event was created in. */
export interface CreationContext {
  readonly spanContext: OtelSpanContext
  /** All of the context that was active; undefined for what an event brought along. */
  readonly context: OtelContext | undefined
}

/** A creation context that is written onto events. */
export interface InjectedContext extends CreationContext {
  readonly traceparent: string
  readonly tracestate: string | undefined
}

/** The span of this context as it is written onto events; undefined when it has no valid one. */
export function injectedContext(context: OtelContext): InjectedContext | undefined {
  if (isSuppressed(context)) return undefined
  const spanContext = (context.getValue(spanKey) as OtelSpan | undefined)?.spanContext()
  if (!spanContext || !isId(spanContext.traceId, 32) || !isId(spanContext.spanId, 16)) return undefined
  const flags = (spanContext.traceFlags & 0xff).toString(16).padStart(2, '0')
  return {
    spanContext,
    context,
    traceparent: `00-${spanContext.traceId}-${spanContext.spanId}-${flags}`,
    tracestate: traceStateText(spanContext.traceState?.serialize()),
  }
}

/** Of its length, and not all zeros. */
function isId(id: string, length: number): boolean {
  return id.length === length && /^(?!0+$)[0-9a-f]+$/.test(id)
}

/** Longer ones need not be passed on (section 3.3.1.5), and every event would pay for them. */
const longestTraceState = 512

function traceStateText(text: string | undefined): string | undefined {
  if (typeof text !== 'string' || text.length > longestTraceState) return undefined
  return /^[!-~](?:[ -~]*[!-~])?$/.test(text) ? text : undefined
}

/**
 * The context that the event brought along, itself undefined when it cannot be read; undefined when there is none.
 * `Diagnostic-Id` is what Azure's JavaScript SDK calls its `traceparent`.
 */
export function ownContext(event: EventInput): { readonly context: CreationContext | undefined } | undefined {
  try {
    // Where an annotated message has none of its application's, AMQP's own properties do not have these names.
    const { applicationProperties, properties = {} } = event as AmqpAnnotatedMessage
    const { traceparent, 'Diagnostic-Id': diagnosticId } = (applicationProperties ?? properties) as NamedValues
    const own = traceparent === undefined ? diagnosticId : traceparent
    return own === undefined ? undefined : { context: readTraceParent(own) }
  } catch {
    // Not an event, which is for the codec to say.
    return undefined
  }
}

/** What a `traceparent` says; undefined when it cannot be read. */
function readTraceParent(text: unknown): CreationContext | undefined {
  if (typeof text !== 'string') return undefined
  const [, version, traceId, spanId, flags, rest] =
    /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/.exec(text) ?? []
  if (traceId === undefined || spanId === undefined || flags === undefined || version === 'ff') return undefined
  // Later versions may say more; this one may not.
  if ((version === '00' && rest !== undefined) || !isId(traceId, 32) || !isId(spanId, 16)) return undefined
  const spanContext = { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true }
  return { spanContext, context: undefined }
}

/** What the SDKs keep of a span's links unless told otherwise. */
const mostLinks = 128

/**
 * The different spans among these contexts, 128 at most, as a batch's span links to them; and the one context that
 * all of its events share, if they do.
 */
export function linksTo(contexts: readonly (CreationContext | undefined)[]): {
  readonly links: OtelLinks
  readonly shared: CreationContext | undefined
} {
  const bySpan = new Map<string, CreationContext>()
  let [previous] = contexts
  let isShared = previous !== undefined
  for (const [at, each] of contexts.entries()) {
    if (each === previous && at > 0) continue
    previous = each
    if (each === undefined) {
      isShared = false
      continue
    }
    const span = each.spanContext.traceId + each.spanContext.spanId
    if (!bySpan.has(span)) bySpan.set(span, each)
    if (bySpan.size === mostLinks) break
  }
  const found = [...bySpan.values()]
  return {
    links: found.map(({ spanContext }) => ({ context: spanContext })),
    shared: isShared && found.length === 1 ? found[0] : undefined,
  }
}

/**
 * The event with the trace context among its application properties: a copy, since the event is the caller's. Throws
 * where it is no event, or they cannot be application properties, which is for the codec to put into words.
 */
export function withTraceContext(event: EventInput, injected: InjectedContext): EventInput {
  assertHasEventFields(event)
  // Field by field, which is faster than spreading, and finds those that a class keeps on its prototype.
  if (!isAmqpAnnotatedMessage(event)) {
    const { body, contentType, messageId, correlationId } = event
    const properties = withOwn(event.properties, injected)
    return { body, contentType, messageId, correlationId, properties } as EventData
  }
  const { body, bodyType, header, properties, messageAnnotations, deliveryAnnotations, footer } = event
  const applicationProperties = withOwn(event.applicationProperties, injected)
  const sections = { header, properties, applicationProperties, messageAnnotations, deliveryAnnotations, footer }
  return { body, bodyType, ...sections }
}

function withOwn(known: unknown, { traceparent, tracestate }: InjectedContext): NamedValues {
  if (known === undefined || known === null)
    return tracestate === undefined ? { traceparent } : { traceparent, tracestate }
  if (typeof known !== 'object' || Symbol.iterator in known) throw new TypeError('These are no properties.')
  return tracestate === undefined ? { ...known, traceparent } : { ...known, traceparent, tracestate }
}
