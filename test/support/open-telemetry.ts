import { context, type Span, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  type Sampler,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'

export interface OpenTelemetry {
  /** Spans that have ended, oldest first, those of `inSpan` left out. */
  readonly sent: () => ReadableSpan[]
  /** How many times `end` was called on each span of a send, those included that nobody ended. */
  readonly timesEnded: () => number[]
  /** Runs `action` in a span of the user's own, and hands it that span. */
  inSpan<T>(action: (span: Span) => T): T
  stop(): void
}

/** The real SDK, registered as its users register it. */
export function startOpenTelemetry(options: { sampler?: Sampler; contextManager?: boolean } = {}): OpenTelemetry {
  const exporter = new InMemorySpanExporter()
  const ends = new Map<object, number>()
  const counting = {
    onStart(span: Span & { readonly name: string }) {
      if (!span.name.startsWith('send ')) return
      ends.set(span, 0)
      const end = span.end.bind(span)
      span.end = (at) => {
        ends.set(span, (ends.get(span) ?? 0) + 1)
        end(at)
      }
    },
    onEnd() {},
    forceFlush: async () => {},
    shutdown: async () => {},
  }
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter), counting],
    ...(options.sampler ? { sampler: options.sampler } : {}),
  })
  trace.setGlobalTracerProvider(provider)
  if (options.contextManager ?? true) context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  return {
    sent: () => exporter.getFinishedSpans().filter(({ name }) => name.startsWith('send ')),
    timesEnded: () => [...ends.values()],
    inSpan: (action) =>
      trace.getTracer('user').startActiveSpan('handler', (span) => {
        try {
          return action(span)
        } finally {
          span.end()
        }
      }),
    stop() {
      trace.disable()
      context.disable()
    },
  }
}

/** The `traceparent` that names this span. */
export function traceparentOf(span: {
  spanContext(): { traceId: string; spanId: string; traceFlags: number }
}): string {
  const { traceId, spanId, traceFlags } = span.spanContext()
  return `00-${traceId}-${spanId}-0${traceFlags}`
}
