import { SpanStatusCode } from '@opentelemetry/api'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EventDataBatch } from '../../../core/buffering/event-data-batch.js'
import { EventHubError } from '../../../core/errors.js'
import type { EventInput } from '../../../core/event-data.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'
import { fakeClient } from '../../support/fake-client.js'
import type { FakeTransportOptions } from '../../support/fake-transport.js'
import { type OpenTelemetry, startOpenTelemetry, traceparentOf } from '../../support/open-telemetry.js'
import { settlePromises } from '../../support/virtual-clock.js'

const partitionIds = ['0', '1']
const accept: FakeTransportOptions = { onSend: (send) => send.accept() }
const busy = new EventHubError('busy', { code: 'server-busy', retryable: true, outcome: 'refused' })
const full = new EventHubError('full', { code: 'quota-exceeded', outcome: 'refused' })

let otel: OpenTelemetry
beforeEach(() => {
  otel = startOpenTelemetry()
})
afterEach(() => otel.stop())

/** The real client, whose codec notes what trace context it was given, by body. */
function tracedClient(options: EventHubProducerClientOptions = {}, transportOptions: FakeTransportOptions = accept) {
  const setup = fakeClient({ partitionIds, ...options }, transportOptions)
  const { codec } = setup.transport
  const traceparents = new Map<unknown, unknown>()
  const encode = codec.encode.bind(codec)
  codec.encode = (event: EventInput, key: string | undefined) => {
    traceparents.set(event.body, (event as { properties?: { traceparent?: string } }).properties?.traceparent)
    return encode(event, key)
  }
  return { ...setup, traceparents }
}

const buffered = { bufferedMode: true, onSuccess: () => {}, onError: () => {} }
const countOf = (span: { attributes: Record<string, unknown> }) => span.attributes['messaging.batch.message_count']

describe('a call that sends at once', () => {
  test("has one span, below the caller's, and its event carries it", async () => {
    const { client, traceparents } = tracedClient()
    const event = Object.freeze({ body: 'a', properties: Object.freeze({ color: 'red' }) })
    const user = await otel.inSpan(async (span) => {
      await client.sendEvent(event, { partitionId: '1' })
      return span
    })
    const [span, ...others] = otel.sent()
    expect(others).toEqual([])
    expect(span).toMatchObject({ name: 'send events', parentSpanContext: user.spanContext(), links: [] })
    expect(span!.attributes).toMatchObject({
      'messaging.destination.partition.id': '1',
      'server.address': 'ns.example.net',
    })
    expect(countOf(span!)).toBeUndefined()
    expect(traceparents.get('a')).toBe(traceparentOf(span!))
  })

  test('counts the events of an array, which carry its span all', async () => {
    const { client, traceparents } = tracedClient()
    await client.sendBatch([{ body: 'a' }, { body: 'b' }])
    const [span] = otel.sent()
    expect(countOf(span!)).toBe(2)
    expect([...traceparents.values()]).toEqual([traceparentOf(span!), traceparentOf(span!)])
  })

  test('with an EventDataBatch links to the spans that its events were added in', async () => {
    const { client, traceparents } = tracedClient()
    const batch = await client.createBatch()
    const spans = ['a', 'b'].map((body) =>
      otel.inSpan((span) => {
        batch.tryAdd({ body })
        return span
      }),
    )
    await client.sendBatch(batch)
    const [span] = otel.sent()
    expect([...traceparents.values()]).toEqual(spans.map(traceparentOf))
    expect(span!.links.map((link) => link.context)).toEqual(spans.map((each) => each.spanContext()))
    expect(countOf(span!)).toBe(2)
  })

  test('has one span however often it is tried, and no mark of what was overcome', async () => {
    const { client, clock, transport } = tracedClient(
      {},
      { onSend: (send, attempt) => (attempt < 3 ? send.fail(busy) : send.accept()) },
    )
    const sending = client.sendEvent({ body: 'a' })
    await clock.advance(60_000)
    await sending
    expect(transport.sends).toHaveLength(3)
    expect(otel.sent()).toMatchObject([{ status: { code: SpanStatusCode.UNSET }, events: [] }])
    expect(otel.sent()[0]!.attributes).not.toHaveProperty('error.type')
  })

  test('tells the error, also one that onError takes', async () => {
    const errors: string[] = []
    const onError = (_: unknown, __: unknown, error: EventHubError) => errors.push(error.code)
    const { client } = tracedClient({ onError }, { onSend: (send) => send.fail(full) })
    await client.sendEvent({ body: 'a' })
    await client.sendEvent({} as never)
    expect(errors).toHaveLength(2)
    expect(otel.sent().map((span) => span.attributes['error.type'])).toEqual(['quota-exceeded', 'argument-error'])
    expect(otel.timesEnded()).toEqual([1, 1])
  })

  test('ends its span although its transport never answers, when the client is closed', async () => {
    const { client, clock, transport } = tracedClient({}, { ignoresLimits: true })
    void client.sendEvent({ body: 'a' })
    await settlePromises()
    expect(transport.openSends).toHaveLength(1)
    const closing = client.close({ flush: false })
    await clock.advance(60_000)
    await closing
    expect(otel.timesEnded()).toEqual([1])
    expect(otel.sent()[0]!.attributes['error.type']).toBe('client-closed')
  })

  test('has no span for an empty array, or for nothing but options that are wrong', async () => {
    const { client } = tracedClient()
    await client.sendBatch([])
    await expect(client.sendEvent({ body: 'a' }, { partition: '0' } as never)).rejects.toThrow(/partition/)
    expect(otel.timesEnded()).toEqual([])
  })
})

describe.each([
  ['buffered mode', buffered],
  ['an invocation', {}],
])('in %s', (name, options) => {
  /** Takes events and sends them, by either way. */
  function sender(transportOptions?: FakeTransportOptions) {
    const setup = tracedClient(options, transportOptions)
    const invocation = name === 'an invocation' ? setup.client.beginInvocation() : undefined
    const target = invocation ?? setup.client
    return {
      ...setup,
      take: (body: string, partitionId = '0') => {
        void target.sendEvent({ body }, { partitionId })
      },
      takeBatch: (batch: EventDataBatch) => void target.sendBatch(batch),
      flush: () => target.flush(),
    }
  }

  test('events carry the span that they were taken in, whenever they leave', async () => {
    const { take, flush, traceparents } = sender()
    const spans = ['a', 'b'].map((body) =>
      otel.inSpan((span) => {
        take(body)
        return span
      }),
    )
    take('c')
    await otel.inSpan(flush)
    expect([...traceparents.values()]).toEqual([...spans.map(traceparentOf), undefined])
    const [span, ...others] = otel.sent()
    expect(others).toEqual([])
    expect(span!.parentSpanContext).toBeUndefined()
    expect(span!.links.map((link) => link.context)).toEqual(spans.map((each) => each.spanContext()))
    expect(countOf(span!)).toBe(3)
  })

  test('a batch whose events share a span is below it, one batch per partition', async () => {
    const { take, flush } = sender()
    const user = otel.inSpan((span) => {
      for (const [body, partition] of [
        ['a', '0'],
        ['b', '1'],
        ['c', '0'],
      ] as const)
        take(body, partition)
      return span
    })
    await flush()
    const sent = otel.sent()
    const byPartition = sent.map((span) => [span.attributes['messaging.destination.partition.id'], countOf(span)])
    expect(byPartition.sort()).toEqual([
      ['0', 2],
      ['1', 1],
    ])
    for (const span of sent) expect(span.parentSpanContext).toEqual(user.spanContext())
  })

  test('an EventDataBatch has its span when it is sent, linked to where its events were added', async () => {
    const { client, takeBatch, flush } = sender()
    const batch = await client.createBatch({ partitionId: '0' })
    const adder = otel.inSpan((span) => {
      batch.tryAdd({ body: 'a' })
      return span
    })
    takeBatch(batch)
    await flush()
    expect(otel.sent()).toMatchObject([
      { parentSpanContext: adder.spanContext(), links: [{ context: adder.spanContext() }] },
    ])
  })

  test.each([
    ['refused', full, 'quota-exceeded'],
    ['of unknown outcome', new EventHubError('?', { code: 'service-error', outcome: 'unknown' }), 'service-error'],
    ['returned', new EventHubError('no', { code: 'unauthorized', outcome: 'returned' }), 'unauthorized'],
  ])('a batch that is %s says so', async (_, error, code) => {
    const { take, flush } = sender({ onSend: (send) => send.fail(error) })
    take('a')
    await flush()
    expect(otel.sent()).toMatchObject([{ status: { code: SpanStatusCode.ERROR, message: error.message } }])
    expect(otel.sent()[0]!.attributes['error.type']).toBe(code)
    expect(otel.timesEnded()).toEqual([1])
  })

  test('a batch that the service finds too large has a span, and so has each part of it', async () => {
    const tooLarge = new EventHubError('too large', { code: 'event-too-large', outcome: 'refused' })
    const { take, flush, clock } = sender({
      onSend: (send) => (send.bodies.length > 1 ? send.fail(tooLarge) : send.accept()),
    })
    take('a')
    take('b')
    const flushed = flush()
    await clock.advance(1000)
    await flushed
    expect(otel.sent().map((span) => [countOf(span), span.attributes['error.type']])).toEqual([
      [2, 'event-too-large'],
      [1, undefined],
      [1, undefined],
    ])
  })
})

test('an invocation that ends while its transport is silent leaves no span open, and ends none twice', async () => {
  const { client, clock, transport } = tracedClient({}, { ignoresLimits: true })
  const invocation = client.beginInvocation({ timeoutInMs: 1000, reserveInMs: 0 })
  for (const partitionId of partitionIds) void invocation.sendEvent({ body: 'a' }, { partitionId })
  const ending = invocation.end()
  await clock.advance(1000)
  expect((await ending).failures.map(({ outcome }) => outcome)).toEqual(['unknown', 'unknown'])
  expect(otel.sent().map((span) => span.attributes['error.type'])).toEqual(['timeout', 'timeout'])
  for (const send of transport.sends) send.accept()
  await settlePromises()
  expect(otel.timesEnded()).toEqual([1, 1])
})

test('with tracing: false there is neither a span nor a trace context', async () => {
  const { client, traceparents } = tracedClient({ tracing: false })
  await otel.inSpan(() => client.sendEvent({ body: 'a' }))
  expect(otel.timesEnded()).toEqual([])
  expect([...traceparents]).toEqual([['a', undefined]])
  expect(() => tracedClient({ tracing: {} as never })).toThrow(/tracing/)
})
