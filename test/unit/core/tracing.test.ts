import { type Span, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { AmqpEvent } from '../../../core/amqp/amqp-event.js'
import { EventHubError } from '../../../core/errors.js'
import { packageVersion } from '../../../core/options.js'
import { withoutTracing } from '../../../core/tracing-api.js'
import { type OpenTelemetry, startOpenTelemetry, traceparentOf } from '../../support/open-telemetry.js'
import { encode, newTracing, traceparentIn } from '../../support/traced-events.js'
import { settlePromises } from '../../support/virtual-clock.js'

const accepted = async () => {}

let otel: OpenTelemetry
beforeEach(() => {
  otel = startOpenTelemetry()
})
afterEach(() => otel.stop())

describe('the span of a call that sends at once', () => {
  test("is a producer span below the caller's, whose context its events carry", async () => {
    const { tracing } = newTracing({ port: 5672, fullyQualifiedNamespace: '[::1]' })
    const encoded: AmqpEvent[] = []
    const events = [{ body: 'a' }, { body: 'b' }]
    const user = await otel.inSpan(async (span) => {
      await tracing.sendEvents('3', events, true, async () => {
        for (const event of events) encoded.push(encode(tracing, event))
        await settlePromises()
      })
      return span
    })
    const [span] = otel.sent()
    expect(span).toMatchObject({
      name: 'send orders',
      kind: SpanKind.PRODUCER,
      attributes: {
        'messaging.system': 'eventhubs',
        'messaging.operation.name': 'send',
        'messaging.operation.type': 'send',
        'messaging.destination.name': 'orders',
        'messaging.destination.partition.id': '3',
        'messaging.batch.message_count': 2,
        'server.address': '::1',
        'server.port': 5672,
      },
      parentSpanContext: { spanId: user.spanContext().spanId },
      links: [],
      events: [],
      status: { code: SpanStatusCode.UNSET },
      instrumentationScope: {
        name: 'eventhub-sluice',
        version: packageVersion,
        schemaUrl: expect.stringMatching(/^https:\/\/opentelemetry\.io\/schemas\/1\.\d+\.0$/),
      },
    })
    expect(encoded.map(traceparentIn)).toEqual([traceparentOf(span!), traceparentOf(span!)])
    expect(otel.timesEnded()).toEqual([1])
  })

  test('says only what is known', async () => {
    await newTracing().tracing.sendEvents(undefined, [{ body: 'a' }], false, accepted)
    expect(otel.sent()[0]!.attributes).toEqual({
      'messaging.system': 'eventhubs',
      'messaging.operation.name': 'send',
      'messaging.operation.type': 'send',
      'messaging.destination.name': 'orders',
      'server.address': 'ns.servicebus.windows.net',
    })
    expect(otel.sent()[0]!.parentSpanContext).toBeUndefined()
  })

  test('ends before the caller goes on, and not before the answer is there', async () => {
    let answer = () => {}
    const sending = newTracing().tracing.sendEvents(undefined, [{ body: 'a' }], false, async () => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    })
    await settlePromises()
    expect(otel.timesEnded()).toEqual([0])
    answer()
    await sending
    expect(otel.timesEnded()).toEqual([1])
  })

  test.each([
    ['an error of ours', new EventHubError('No room.', { code: 'quota-exceeded' }), 'quota-exceeded', 'No room.'],
    ['a wrong call', new TypeError('Not an event.'), 'argument-error', 'Not an event.'],
    ['anything else', new Error('odd'), 'unexpected', 'odd'],
    ['no error at all', 'odd', 'unexpected', 'odd'],
  ])('tells what it ended with, once and without an event for it: %s', async (_, error, code, message) => {
    const failing = newTracing().tracing.sendEvents(undefined, [{ body: 'a' }], false, () => {
      throw error
    })
    await expect(failing).rejects.toBe(error)
    const [span] = otel.sent()
    expect(span).toMatchObject({ status: { code: SpanStatusCode.ERROR, message }, events: [] })
    expect(span!.attributes['error.type']).toBe(code)
    expect(otel.timesEnded()).toEqual([1])
  })

  test('is active while it is sent, and no longer', async () => {
    let during: Span | undefined
    let later: Span | undefined
    const user = await otel.inSpan(async (span) => {
      await newTracing().tracing.sendEvents(undefined, [{ body: 'a' }], false, async () => {
        await settlePromises()
        during = trace.getActiveSpan()
      })
      later = trace.getActiveSpan()
      return span
    })
    expect(during?.spanContext()).toEqual(otel.sent()[0]!.spanContext())
    expect(later).toBe(user)
  })

  test('links to what its events brought along, and lets them keep it', async () => {
    const { tracing } = newTracing()
    const own = { traceId: '0af7651916cd43dd8448eb211c80319c', spanId: 'b7ad6b7169203331', traceFlags: 1 }
    const events = [
      { body: 'a', properties: { traceparent: `00-${own.traceId}-${own.spanId}-01` } },
      { body: 'b', properties: { 'Diagnostic-Id': 'unreadable' } },
      { body: 'c' },
    ]
    const encoded: AmqpEvent[] = []
    await tracing.sendEvents(undefined, events, true, async () => {
      for (const event of events) encoded.push(encode(tracing, event))
    })
    const [span] = otel.sent()
    expect(span!.links).toMatchObject([{ context: own }])
    expect(encoded.map(traceparentIn)).toEqual([events[0]!.properties?.traceparent, undefined, traceparentOf(span!)])
  })

  test('of an EventDataBatch links to where its events were added', async () => {
    const { tracing } = newTracing()
    const spans: Span[] = []
    const encoded = [1, 2].map(() =>
      otel.inSpan((span) => {
        spans.push(span)
        return encode(tracing, { body: 'a' })
      }),
    )
    const user = await otel.inSpan(async (span) => {
      await tracing.sendEncoded('1', encoded, accepted)
      return span
    })
    const [span] = otel.sent()
    expect(encoded.map(traceparentIn)).toEqual(spans.map(traceparentOf))
    expect(span!.links.map((link) => link.context)).toEqual(spans.map((each) => each.spanContext()))
    expect(span!.parentSpanContext).toEqual(user.spanContext())
    expect(span!.attributes).toMatchObject({ 'messaging.batch.message_count': 2 })
  })

  test('is not made for nothing', async () => {
    await newTracing().tracing.sendEvents(undefined, [], true, accepted)
    await newTracing().tracing.sendEncoded(undefined, [], accepted)
    expect(otel.timesEnded()).toEqual([])
  })

  test('that nobody records still gives its events its context', async () => {
    otel.stop()
    otel = startOpenTelemetry({ sampler: new AlwaysOffSampler() })
    const { tracing } = newTracing()
    let encoded: AmqpEvent | undefined
    await tracing.sendEvents(undefined, [{ body: 'a' }], false, async () => {
      encoded = encode(tracing, { body: 'a' })
    })
    expect(traceparentIn(encoded!)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/)
    expect(otel.sent()).toEqual([])
  })

  test('is there without a context manager, as in an edge runtime', async () => {
    otel.stop()
    otel = startOpenTelemetry({ contextManager: false })
    const { tracing } = newTracing()
    let encoded: AmqpEvent | undefined
    await tracing.sendEvents(undefined, [{ body: 'a' }], false, async () => {
      encoded = encode(tracing, { body: 'a' })
    })
    expect(traceparentIn(encoded!)).toBe(traceparentOf(otel.sent()[0]!))
    expect(traceparentIn(encode(tracing, { body: 'later' }))).toBeUndefined()
  })

  test('does not mix up two calls, one made while the other encodes', async () => {
    const { tracing } = newTracing()
    const encoded: AmqpEvent[] = []
    let inner: Promise<void> | undefined
    const outer = tracing.sendEvents('outer', [{ body: 'a' }], false, async () => {
      inner = tracing.sendEvents('inner', [{ body: 'b' }], false, async () => {
        encoded.push(encode(tracing, { body: 'b' }))
      })
      encoded.push(encode(tracing, { body: 'a' }))
    })
    await Promise.all([outer, inner])
    const spanTo = (partition: string) =>
      otel.sent().find((span) => span.attributes['messaging.destination.partition.id'] === partition)!
    expect(encoded.map(traceparentIn)).toEqual([traceparentOf(spanTo('inner')), traceparentOf(spanTo('outer'))])
  })
})

test('what must not be traced runs where instrumentations know it, and nothing after it does', async () => {
  const isRecorded = () => trace.getTracer('instrumentation').startSpan('send HTTP').isRecording()
  await otel.inSpan(async () => {
    const within = await withoutTracing(async () => {
      await settlePromises()
      return isRecorded()
    })
    expect([within, isRecorded()]).toEqual([false, true])
  })
})
