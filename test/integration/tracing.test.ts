import { EventHubConsumerClient, earliestEventPosition, type ReceivedEventData } from '@azure/event-hubs'
import { context, propagation, type Span, SpanKind, trace } from '@opentelemetry/api'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { type OpenTelemetry, startOpenTelemetry, traceparentOf } from '../support/open-telemetry.js'

const names = Array.from({ length: 12 }, (_, i) => `hub${i}`)

let hub: LocalHub
let otel: OpenTelemetry
let name = ''
let used = 0
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({ eventHubs: Object.fromEntries(names.map((each) => [each, { partitionCount: 2 }])) })
})
afterAll(() => hub.close())
beforeEach(() => {
  otel = startOpenTelemetry()
  // An event hub of its own for each test.
  name = names[used++] ?? ''
})
afterEach(async () => {
  vi.unstubAllGlobals()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
  hub.faults.reset()
  otel.stop()
})

function connect(options: EventHubProducerClientOptions = {}): EventHubProducerClient {
  const port = options.transportType === 'https' ? hub.httpPort : hub.amqpPort
  const text = hub.connectionStringFor(name).replace(`:${hub.amqpPort}`, `:${port}`)
  const client = EventHubProducerClient.fromConnectionString(text, {
    retryOptions: { retryDelayInMs: 20 },
    ...options,
  })
  clients.push(client)
  return client
}

const stored = () => hub.events(name)
/** What a reader sees, by body. */
const traceparents = () =>
  Object.fromEntries(stored().map(({ body, applicationProperties }) => [`${body}`, applicationProperties.traceparent]))
const traceIdIn = (traceparent: unknown) => String(traceparent).split('-')[1]

describe('a reader finds the trace of each event', () => {
  test('sent at once, in an array, in a batch, by an invocation, and with every AMQP section', async () => {
    const client = connect()
    const traceIds: Record<string, string> = {}
    const inTrace = <T>(body: string, action: (body: string) => T): T =>
      otel.inSpan((span) => {
        traceIds[body] = span.spanContext().traceId
        return action(body)
      })

    await inTrace('alone', (body) => client.sendEvent({ body, properties: { color: 'red' } }, { partitionKey: 'k' }))
    await inTrace('array', (body) => client.sendBatch([{ body }, { body: `${body} 2` }], { partitionId: '1' }))
    const batch = await client.createBatch({ partitionKey: 'k' })
    for (const body of ['added', 'added later']) inTrace(body, () => batch.tryAdd({ body }))
    const sizeInBytes = batch.sizeInBytes
    await client.sendBatch(batch)
    await inTrace('sections', (body) =>
      client.sendEvent({ body, bodyType: 'value', header: { priority: 1 }, messageAnnotations: { 'x-opt-mine': 1 } }),
    )
    const invocation = client.beginInvocation()
    for (const body of ['taken', 'taken later']) {
      inTrace(body, () => void invocation.sendEvent({ body }, { partitionKey: body }))
    }
    expect((await invocation.end()).accepted).toBe(2)

    const found = traceparents()
    traceIds['array 2'] = traceIds.array!
    expect(Object.fromEntries(Object.entries(found).map(([body, text]) => [body, traceIdIn(text)]))).toEqual(traceIds)
    const sections = stored().find(({ bodyType }) => bodyType === 'value')!
    expect(sections).toMatchObject({ header: { priority: 1 }, messageAnnotations: { 'x-opt-mine': 1 } })
    expect(stored().find(({ body }) => `${body}` === 'alone')?.applicationProperties).toMatchObject({ color: 'red' })
    // What it said is what it takes: every event's section head is 5 bytes here, the envelope's annotations are the first's.
    const inBatch = stored().filter(({ body }) => `${body}`.startsWith('added'))
    const contents = inBatch.reduce((sum, { encoded }) => sum + encoded.length + 5, 0)
    expect(sizeInBytes - contents).toBe(encodedAnnotationsLength('k'))
    expect(otel.timesEnded()).toEqual(otel.sent().map(() => 1))
  })

  test('in buffered mode, from whatever request it came, with the official consumer', async () => {
    const client = connect({ bufferedMode: true, onSuccess: () => {}, onError: () => {}, partitionIds: ['0', '1'] })
    const spans: Span[] = []
    await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        otel.inSpan(async (span) => {
          spans.push(span)
          await client.sendEvent({ body: `${i}` }, { partitionId: `${i % 2}` })
        }),
      ),
    )
    await client.flush()
    const received = await read(20)
    expect(Object.fromEntries(received.map((event) => [`${event.body}`, event.properties?.traceparent]))).toEqual(
      Object.fromEntries(spans.map((span, i) => [`${i}`, traceparentOf(span)])),
    )
    expect(otel.sent()).toHaveLength(2)
    for (const span of otel.sent()) {
      expect(span.kind).toBe(SpanKind.PRODUCER)
      expect(span.links).toHaveLength(10)
      expect(span.attributes).toMatchObject({ 'messaging.batch.message_count': 10, 'server.port': hub.amqpPort })
    }
  })

  test('and of an event without one sees nothing that was not there before', async () => {
    const client = connect()
    const invocation = client.beginInvocation()
    for (const body of ['a', 'b']) void invocation.sendEvent({ body, properties: { n: 1 } }, { partitionId: '0' })
    await invocation.end()
    otel.stop()
    const untraced = client.beginInvocation()
    for (const body of ['a', 'b']) void untraced.sendEvent({ body, properties: { n: 1 } }, { partitionId: '0' })
    await untraced.end()
    const [a, b, c, d] = stored().map(({ encoded }) => encoded)
    expect([c, d]).toEqual([a, b])
    otel = startOpenTelemetry()
  })
})

test('a batch that is sent again has one span, which knows nothing of it, and carries the same context', async () => {
  const client = connect()
  hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true })
  const invocation = client.beginInvocation()
  const user = otel.inSpan((span) => {
    void invocation.sendEvent({ body: 'twice' }, { partitionId: '0' })
    return span
  })
  expect((await invocation.end()).accepted).toBe(1)
  expect(stored().map(({ applicationProperties }) => applicationProperties.traceparent)).toEqual([
    traceparentOf(user),
    traceparentOf(user),
  ])
  expect(otel.sent()).toMatchObject([{ status: { code: 0 }, events: [] }])
})

test('a batch that is refused says why', async () => {
  const client = connect({ retryOptions: { maxRetries: 0 } })
  hub.faults.rejectNext({ condition: 'amqp:resource-limit-exceeded' })
  await expect(client.sendEvent({ body: 'a' })).rejects.toThrow()
  expect(otel.sent()[0]).toMatchObject({ attributes: { 'error.type': 'quota-exceeded' }, status: { code: 2 } })
})

describe('over HTTPS', () => {
  /** As instrumentations of fetch do: a span for each request, and its context in a header more. */
  function instrumentFetch(): Span[] {
    const original = globalThis.fetch
    const spans: Span[] = []
    vi.stubGlobal('fetch', (url: string, init: RequestInit) => {
      const span = trace.getTracer('fetch').startSpan('POST', { kind: SpanKind.CLIENT })
      if (span.isRecording()) spans.push(span)
      const headers = new Headers(init.headers)
      if (span.isRecording()) headers.append('traceparent', traceparentOf(span))
      return original(url, { ...init, headers }).finally(() => span.end())
    })
    return spans
  }

  test('events carry it too, in a batch and alone; headers of an instrumented fetch change none', async () => {
    const requests = instrumentFetch()
    const client = connect({ transportType: 'https' })
    await client.sendEvent({ body: 'in a batch' })
    await client.sendEvent({ body: 'alone', contentType: 'text/plain' })
    const invocation = client.beginInvocation()
    const user = otel.inSpan((span) => {
      void invocation.sendEvent({ body: 'taken', contentType: 'text/plain' })
      return span
    })
    await invocation.end()
    const [first, second, third] = otel.sent()
    expect(traceparents()).toEqual({
      'in a batch': traceparentOf(first!),
      alone: traceparentOf(second!),
      taken: traceparentOf(user),
    })
    expect(third?.parentSpanContext).toEqual(user.spanContext())
    // The request of a batch is below its span; a request that is an event is not traced by itself.
    expect(requests).toHaveLength(1)
    expect((requests[0] as unknown as { parentSpanContext: unknown }).parentSpanContext).toEqual(first!.spanContext())
  })
})

test('a propagator of another format has no say in what readers of events understand', async () => {
  propagation.setGlobalPropagator({
    inject: (_context, carrier, setter) => setter.set(carrier, 'x-amzn-trace-id', 'Root=1'),
    extract: (context) => context,
    fields: () => ['x-amzn-trace-id'],
  })
  try {
    await connect().sendEvent({ body: 'a' })
    expect(stored()[0]?.applicationProperties).toEqual({ traceparent: traceparentOf(otel.sent()[0]!) })
  } finally {
    propagation.disable()
  }
})

/** Annotations section with a partition key, as the envelope of a batch repeats it. */
function encodedAnnotationsLength(key: string): number {
  // Descriptor 3, map32 9, symbol8 of 19 characters 21, string8.
  return 3 + 9 + 21 + 2 + key.length
}

/** By the official consumer, until `count` have come. */
async function read(count: number): Promise<ReceivedEventData[]> {
  const consumer = new EventHubConsumerClient('$Default', hub.connectionStringFor(name))
  const received: ReceivedEventData[] = []
  await context.with(
    context.active(),
    () =>
      new Promise<void>((resolve, reject) => {
        consumer.subscribe(
          {
            processEvents: async (events) => {
              received.push(...events)
              if (received.length >= count) resolve()
            },
            processError: async (error) => reject(error),
          },
          { startPosition: earliestEventPosition, maxWaitTimeInSeconds: 1, skipParsingBodyAsJson: true },
        )
      }),
  )
  // Its close takes seconds; the hub's own close ends it, and nothing here waits for it.
  void consumer.close().catch(() => {})
  return received
}
