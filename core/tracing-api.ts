/**
 * OpenTelemetry as it stands on `globalThis` once an SDK has registered itself there, as far as it is used here.
 *
 * The package `@opentelemetry/api` is neither imported nor loaded. Its registry is how separately installed copies
 * of it find each other, so its shape is fixed for all of API 1.x (the key names the major version), and Deno, which
 * traces by itself, keeps to it. Reading it works alike in ES modules, CommonJS, bundles that have the package inside,
 * and edge runtimes; it never meets a second copy; and it costs one property lookup where nobody traces.
 */

/** An immutable bag of values that travels with a flow of control. */
export interface OtelContext {
  getValue(key: symbol): unknown
  setValue(key: symbol, value: unknown): OtelContext
  deleteValue(key: symbol): OtelContext
}

export interface OtelSpanContext {
  /** 32 hexadecimal digits, lower case. */
  readonly traceId: string
  /** 16 hexadecimal digits, lower case. */
  readonly spanId: string
  readonly traceFlags: number
  readonly isRemote?: boolean
  readonly traceState?: { serialize(): string } | undefined
}

export interface OtelSpan {
  spanContext(): OtelSpanContext
  setAttribute(name: string, value: string): unknown
  setStatus(status: { readonly code: number; readonly message: string }): unknown
  end(): void
}

export type OtelLinks = readonly { readonly context: OtelSpanContext }[]

export interface OtelSpanOptions {
  readonly kind: number
  readonly attributes: Readonly<Record<string, string | number>>
  readonly links: OtelLinks
}

export interface OtelTracerProvider {
  getTracer(
    name: string,
    version: string,
    options: { readonly schemaUrl: string },
  ): { startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan }
}

export interface OtelContextManager {
  active(): OtelContext
  with(context: OtelContext, operation: () => unknown): unknown
}

/** Either part may be missing: an SDK registers what it has. */
export interface OtelRegistry {
  readonly trace?: OtelTracerProvider
  readonly context?: OtelContextManager
}

/** The API's enumerations `SpanKind` and `SpanStatusCode`. */
export const producerKind = 3
export const errorStatus = 2

const registryKey = Symbol.for('opentelemetry.js.api.1')
/** Under which a context holds its span: the API's `createContextKey` is `Symbol.for`. */
export const spanKey = Symbol.for('OpenTelemetry Context Key SPAN')
/** `suppressTracing` of `@opentelemetry/core`, by which SDKs and instrumentations know what not to trace. */
const suppressionKey = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')

/** What is registered now; undefined where nobody traces. */
export function registered(): OtelRegistry | undefined {
  return (globalThis as unknown as Record<symbol, OtelRegistry | undefined>)[registryKey]
}

/** A context without anything: for spans that must not get a parent by chance. */
export const emptyContext = contextOf(new Map())

function contextOf(values: ReadonlyMap<symbol, unknown>): OtelContext {
  return {
    getValue: (key) => values.get(key),
    setValue: (key, value) => contextOf(new Map(values).set(key, value)),
    deleteValue: (key) => contextOf(new Map([...values].filter(([name]) => name !== key))),
  }
}

export function isSuppressed(context: OtelContext): boolean {
  return context.getValue(suppressionKey) === true
}

/**
 * Runs `operation` exactly once: within the context if the context manager can do so, otherwise without. It may
 * reject, but not throw: what is thrown is OpenTelemetry's, and goes to `complain`.
 */
export function runWithin<T>(
  context: (manager: OtelContextManager) => OtelContext,
  operation: () => Promise<T>,
  complain: (error: unknown) => void,
): Promise<T> {
  let running: Promise<T> | undefined
  const run = () => {
    running ??= operation()
    return running
  }
  try {
    const manager = registered()?.context
    manager?.with(context(manager), run)
  } catch (error) {
    complain(error)
  }
  return run()
}

/** Runs `operation` so that no instrumentation traces it, or adds a header to its request. */
export function withoutTracing<T>(operation: () => Promise<T>): Promise<T> {
  if (registered() === undefined) return operation()
  return runWithin(
    (manager) => manager.active().setValue(suppressionKey, true),
    operation,
    () => {},
  )
}
