import { createTraceState, ROOT_CONTEXT, type SpanContext, trace } from '@opentelemetry/api'
import { describe, expect, test } from 'vitest'
import type { EventInput } from '../../../core/event-data.js'
import type { OtelSpanContext } from '../../../core/tracing-api.js'
import { injectedContext, linksTo, ownContext, withTraceContext } from '../../../core/tracing-context.js'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const spanId = 'b7ad6b7169203331'
const sampled: SpanContext = { traceId, spanId, traceFlags: 1 }
const traceparent = `00-${traceId}-${spanId}-01`

const inject = (spanContext: SpanContext) => injectedContext(trace.setSpanContext(ROOT_CONTEXT, spanContext))

describe('a context', () => {
  test('is written as the W3C has it', () => {
    expect(inject(sampled)).toMatchObject({ traceparent, tracestate: undefined })
    expect(inject({ ...sampled, traceFlags: 0 })?.traceparent).toBe(`00-${traceId}-${spanId}-00`)
  })

  test('keeps its trace state', () => {
    const traceState = createTraceState('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
    expect(inject({ ...sampled, traceState })?.tracestate).toBe('rojo=00f067aa0ba902b7,congo=t61rcWkgMzE')
  })

  test.each([
    ['empty', ''],
    ['longer than 512 characters, which every event would pay for', `a=${'x'.repeat(511)}`],
    ['not ASCII, which no header can carry', 'a=é'],
    ['more than one line', 'a=1\r\nx: y'],
    ['no text', 7 as never],
  ])('leaves a trace state behind that is %s', (_, text) => {
    const traceState = { serialize: () => text } as never
    expect(inject({ ...sampled, traceState })).toMatchObject({ traceparent, tracestate: undefined })
  })

  test('is nothing without a span, or with one that is not valid', () => {
    expect(injectedContext(ROOT_CONTEXT)).toBeUndefined()
    expect(inject({ ...sampled, traceId: '0'.repeat(32) })).toBeUndefined()
    expect(inject({ ...sampled, spanId: '0'.repeat(16) })).toBeUndefined()
    expect(inject({ ...sampled, traceId: traceId.toUpperCase() })).toBeUndefined()
    expect(inject({ ...sampled, spanId: `${spanId}0` })).toBeUndefined()
  })

  test('is nothing where tracing is suppressed', () => {
    const key = Symbol.for('OpenTelemetry SDK Context Key SUPPRESS_TRACING')
    const context = trace.setSpanContext(ROOT_CONTEXT, sampled)
    expect(injectedContext(context.setValue(key, true))).toBeUndefined()
    expect(injectedContext(context.setValue(key, false))).toBeDefined()
  })
})

describe('an event', () => {
  const injected = inject(sampled)!

  test('is copied with the trace context beside its own properties, and stays as it is', () => {
    const properties = Object.freeze({ color: 'red', nothing: null })
    const event = Object.freeze({
      body: 'a',
      contentType: 'text/plain',
      messageId: 'm',
      correlationId: 'c',
      properties,
    })
    expect(withTraceContext(event, injected)).toEqual({ ...event, properties: { ...properties, traceparent } })
    expect(event.properties).toBe(properties)
  })

  test('of the annotated kind has its application properties, and keeps everything else', () => {
    const event: EventInput = Object.freeze({
      body: [[1]],
      bodyType: 'sequence',
      header: { durable: true },
      properties: { subject: 's' },
      messageAnnotations: { a: 1 },
      deliveryAnnotations: { b: 2 },
      footer: { c: 3 },
    })
    expect(withTraceContext(event, injected)).toEqual({ ...event, applicationProperties: { traceparent } })
  })

  test('may be an object of a class, whose fields its prototype has', () => {
    class Reading {
      #value = 'seven'
      get body() {
        return this.#value
      }
      get properties() {
        return { unit: 'K' }
      }
    }
    expect(withTraceContext(new Reading(), injected)).toMatchObject({
      body: 'seven',
      properties: { unit: 'K', traceparent },
    })
  })

  test('has the trace state where there is one', () => {
    const withState = { ...injected, tracestate: 'a=1' }
    expect(withTraceContext({ body: '' }, withState)).toMatchObject({ properties: { traceparent, tracestate: 'a=1' } })
  })

  test.each([
    ['is none', null],
    ['is a list', Object.assign(['a'], { body: 'a' })],
    ['has no body', {}],
    ['has properties that are none', { body: '', properties: 'text' }],
    ['has a list for properties', { body: '', properties: ['a'] }],
  ])('that %s is refused, for the codec to say why', (_, event) => {
    expect(() => withTraceContext(event as never, injected)).toThrow(TypeError)
  })
})

describe('what an event brought along', () => {
  const own = (properties: Record<string, unknown>) => ownContext({ body: '', properties: properties as never })

  test('is read as a context from elsewhere', () => {
    const spanContext = { traceId, spanId, traceFlags: 1, isRemote: true }
    expect(own({ traceparent })).toEqual({ context: { spanContext, context: undefined } })
    expect(own({ 'Diagnostic-Id': traceparent })).toEqual({ context: { spanContext, context: undefined } })
    expect(ownContext({ body: '', bodyType: 'data', applicationProperties: { traceparent } })).toBeDefined()
  })

  test('counts although it cannot be read', () => {
    for (const text of [
      '',
      null,
      7,
      'none',
      traceparent.toUpperCase(),
      `ff${traceparent.slice(2)}`,
      `${traceparent}-more`,
      `00-${'0'.repeat(32)}-${spanId}-01`,
      `00-${traceId}-${'0'.repeat(16)}-01`,
    ]) {
      expect(own({ traceparent: text }), String(text)).toEqual({ context: undefined })
    }
    // A later version of the format may say more.
    expect(own({ traceparent: `cc${traceparent.slice(2)}-more` })?.context).toBeDefined()
  })

  test('is nothing where neither property is set', () => {
    expect(own({ color: 'red', traceparent: undefined })).toBeUndefined()
    expect(ownContext({ body: '' })).toBeUndefined()
    expect(ownContext(null as never)).toBeUndefined()
    expect(ownContext({ body: '', properties: 'traceparent' as never })).toBeUndefined()
  })
})

describe('links', () => {
  const contextOf = (number: number, context: object | undefined = {}) => ({
    spanContext: { ...sampled, spanId: number.toString(16).padStart(16, '0') } as OtelSpanContext,
    context: context as never,
  })

  test('name each span once, in the order of the events', () => {
    const [one, two] = [contextOf(1), contextOf(2)]
    const { links, shared } = linksTo([one, one, two, contextOf(1), two, undefined])
    expect(links).toEqual([{ context: one.spanContext }, { context: two.spanContext }])
    expect(shared).toBeUndefined()
  })

  test('are 128 at most', () => {
    const contexts = Array.from({ length: 1000 }, (_, i) => contextOf(i + 1))
    expect(linksTo(contexts).links).toEqual(contexts.slice(0, 128).map(({ spanContext }) => ({ context: spanContext })))
  })

  test('share a context when all events have the same span, and only then', () => {
    const one = contextOf(1)
    expect(linksTo([one, one, contextOf(1)]).shared).toBe(one)
    for (const contexts of [[], [undefined], [one, undefined], [undefined, one], [one, contextOf(2), one]]) {
      expect(linksTo(contexts).shared).toBeUndefined()
    }
  })
})
