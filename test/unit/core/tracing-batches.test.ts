import { context, createContextKey, SpanKind } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import { type OpenTelemetry, startOpenTelemetry } from '../../support/open-telemetry.js'
import { encode, newTracing } from '../../support/traced-events.js'

const accepted = async () => {}

let otel: OpenTelemetry
beforeEach(() => {
  otel = startOpenTelemetry()
})
afterEach(() => otel.stop())

describe('the span of a batch that is sent later', () => {
  test('lies below the context that all of its events were taken in, whatever is active when it goes', async () => {
    const { tracing } = newTracing()
    const [events, taken] = otel.inSpan((span) => [[1, 2, 3].map(() => encode(tracing, { body: 'a' })), span] as const)
    await otel.inSpan(() => tracing.sendBatch({}, '0', events, accepted))
    expect(otel.sent()).toMatchObject([
      {
        kind: SpanKind.PRODUCER,
        parentSpanContext: taken.spanContext(),
        links: [{ context: taken.spanContext() }],
        attributes: { 'messaging.destination.partition.id': '0', 'messaging.batch.message_count': 3 },
      },
    ])
  })

  test('begins a trace of its own when they differ, or one has none, and links to those there are', async () => {
    const { tracing } = newTracing()
    const take = () => otel.inSpan((span) => [encode(tracing, { body: 'a' }), span] as const)
    const [[a, spanA], [b, spanB], none] = [take(), take(), encode(tracing, { body: 'a' })]
    await otel.inSpan(async () => {
      await tracing.sendBatch({}, '0', [a, b], accepted)
      await tracing.sendBatch({}, '0', [a, none], accepted)
    })
    const [mixed, partly] = otel.sent()
    for (const span of [mixed, partly]) expect(span!.parentSpanContext).toBeUndefined()
    expect(mixed!.links.map((link) => link.context)).toEqual([spanA.spanContext(), spanB.spanContext()])
    expect(partly!.links.map((link) => link.context)).toEqual([spanA.spanContext()])
  })

  test('is recorded although tracing is suppressed where the batch happens to go from', async () => {
    const { tracing } = newTracing()
    const event = encode(tracing, { body: 'a' })
    const suppressed = context
      .active()
      .setValue(createContextKey('OpenTelemetry SDK Context Key SUPPRESS_TRACING'), true)
    await context.with(suppressed, () => tracing.sendBatch({}, '0', [event], accepted))
    expect(otel.sent()).toHaveLength(1)
  })

  test('ends when its batch is abandoned, and not a second time when an answer comes', async () => {
    const { tracing } = newTracing()
    const batch = {}
    let answer = () => {}
    const sending = tracing.sendBatch(batch, '0', [encode(tracing, { body: 'a' })], async () => {
      await new Promise<void>((resolve) => {
        answer = resolve
      })
    })
    const error = new EventHubError('Given up.', { code: 'timeout', outcome: 'unknown' })
    tracing.abandon(batch, error)
    tracing.abandon({}, error)
    expect(otel.sent()).toMatchObject([{ attributes: { 'error.type': 'timeout' } }])
    answer()
    await sending
    tracing.close(error)
    expect(otel.timesEnded()).toEqual([1])
  })

  test('ends with the client at the latest', () => {
    const { tracing } = newTracing()
    const never = () => new Promise<void>(() => {})
    void tracing.sendBatch({}, '0', [encode(tracing, { body: 'a' })], never)
    void tracing.sendEvents('1', [{ body: 'a' }], false, never)
    tracing.close(new EventHubError('Closed.', { code: 'client-closed' }))
    expect(otel.timesEnded()).toEqual([1, 1])
    expect(otel.sent().map((span) => span.attributes['error.type'])).toEqual(['client-closed', 'client-closed'])
  })
})
