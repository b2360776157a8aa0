import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { amqpCodec, encodeBatch } from '../../../core/amqp/codec.js'
import type { AmqpAnnotatedMessage, EventData, EventInput } from '../../../core/event-data.js'
import { httpsCodec } from '../../../core/https/codec.js'
import { withoutTracing } from '../../../core/tracing-api.js'
import { annotated, eventData, maybe, text } from '../../support/arbitrary-events.js'
import { type OpenTelemetry, startOpenTelemetry, traceparentOf } from '../../support/open-telemetry.js'
import { seed } from '../../support/seed.js'
import {
  encode,
  factsOf,
  newTracing,
  plainFactsOf,
  propertiesOf,
  room,
  traceparentIn,
} from '../../support/traced-events.js'

const registryKey = Symbol.for('opentelemetry.js.api.1')
const globals = globalThis as unknown as Record<symbol, unknown>
const accepted = async () => {}

let otel: OpenTelemetry | undefined
afterEach(() => {
  otel?.stop()
  otel = undefined
  delete globals[registryKey]
})

/** Every event with a trace context of the caller's, as this module's users would put it there themselves. */
function byHand(event: EventInput, traceparent: string): EventInput {
  return 'bodyType' in event
    ? { ...event, applicationProperties: { ...event.applicationProperties, traceparent } }
    : ({ ...event, properties: { ...(event as EventData).properties, traceparent } } as EventData)
}

describe('where nobody traces', () => {
  const any = fc.tuple(fc.oneof(eventData, annotated), maybe(text))

  test.each([
    ['nothing is registered', () => {}],
    ['an API is registered, but no span is active', () => (otel = startOpenTelemetry())],
    ['only a logger of the API is registered', () => (globals[registryKey] = { version: '1.9.1', diag: {} })],
  ])(`events are encoded byte for byte as without this module: %s (SEED=${seed})`, (_, register) => {
    register()
    const { tracing } = newTracing()
    fc.assert(
      fc.property(any, ([event, key]) => {
        expect(factsOf(encode(tracing, event, key))).toEqual(plainFactsOf(event, key))
      }),
      { numRuns: 200, seed },
    )
  })

  test('an option switches everything off', async () => {
    otel = startOpenTelemetry()
    const { tracing } = newTracing({ isEnabled: false })
    await otel.inSpan(async () => {
      expect(propertiesOf(encode(tracing, { body: 'a' }))).toEqual({})
      await tracing.sendEvents(undefined, [{ body: 'a' }], false, accepted)
      await tracing.sendEncoded(undefined, [encode(tracing, { body: 'a' })], accepted)
      await tracing.sendBatch({}, undefined, [encode(tracing, { body: 'a' })], accepted)
    })
    expect(otel.timesEnded()).toEqual([])
  })

  test('operations are called as they are, and their promises handed out', () => {
    const { tracing } = newTracing()
    const promise = Promise.resolve()
    expect(tracing.sendEvents(undefined, [{ body: 'a' }], false, () => promise)).toBe(promise)
    expect(tracing.sendEncoded(undefined, [], () => promise)).toBe(promise)
    expect(tracing.sendBatch({}, undefined, [], () => promise)).toBe(promise)
    expect(withoutTracing(() => promise)).toBe(promise)
  })
})

describe('the trace context on events', () => {
  beforeEach(() => {
    otel = startOpenTelemetry()
  })

  test(`is encoded as a property of the caller's would be, with exact sizes (SEED=${seed})`, () => {
    const { tracing } = newTracing()
    otel?.inSpan((span) => {
      const traceparent = traceparentOf(span)
      fc.assert(
        fc.property(fc.oneof(eventData, annotated), maybe(text), (event, key) => {
          Object.freeze(event)
          Object.freeze((event as EventData).properties)
          Object.freeze((event as AmqpAnnotatedMessage).applicationProperties)
          const encoded = encode(tracing, event, key)
          expect(factsOf(encoded)).toEqual(plainFactsOf(byHand(event, traceparent), key))
          expect(encodeBatch([encoded])).toHaveLength(amqpCodec.envelopeSizeInBytes(encoded) + encoded.sizeInBytes)
          expect(traceparentIn(encoded)).toBe(traceparent)
        }),
        { numRuns: 300, seed },
      )
    })
  })

  test('is taken from what is active at the call, span by span', () => {
    const { tracing } = newTracing()
    const one = otel?.inSpan((span) => [traceparentOf(span), traceparentIn(encode(tracing, { body: 'a' }))])
    const two = otel?.inSpan((span) => [traceparentOf(span), traceparentIn(encode(tracing, { body: 'a' }))])
    expect(one?.[1]).toBe(one?.[0])
    expect(two?.[1]).toBe(two?.[0])
    expect(traceparentIn(encode(tracing, { body: 'a' }))).toBeUndefined()
  })

  test('travels over HTTPS as well, in a batch and beside the body of an event that goes alone', () => {
    const { tracing } = newTracing()
    otel?.inSpan((span) => {
      const traceparent = traceparentOf(span)
      const inBatch = tracing.encode(httpsCodec, { body: 'a' }, undefined, room)
      expect(JSON.parse(inBatch.json ?? '')).toEqual({ Body: 'a', UserProperties: { traceparent } })
      expect(inBatch.sizeInBytes).toBe(Buffer.byteLength(inBatch.json ?? '') + 1)
      const alone = tracing.encode(httpsCodec, { body: 'a', contentType: 'text/plain' }, undefined, room)
      expect(alone.single?.headers).toEqual({ 'content-type': 'text/plain', traceparent })
    })
  })

  test.each(['traceparent', 'Diagnostic-Id'])("gives way to the event's own %s", (name) => {
    const { tracing } = newTracing()
    const own = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'
    otel?.inSpan(() => {
      expect(propertiesOf(encode(tracing, { body: 'a', properties: { [name]: own } }))).toEqual({
        [`Str8 ${name}`]: ['Str8', own],
      })
      const message = { body: 'a', bodyType: 'data', applicationProperties: { [name]: 'broken' } } as const
      expect(propertiesOf(encode(tracing, message))).toEqual({ [`Str8 ${name}`]: ['Str8', 'broken'] })
    })
  })

  test('is left out where it is what makes an event too large', () => {
    const { tracing } = newTracing()
    otel?.inSpan(() => {
      const without = plainFactsOf({ body: 'a' }, 'key')
      const traced = encode(tracing, { body: 'a' }, 'key')
      const limit = amqpCodec.envelopeSizeInBytes(traced) + traced.sizeInBytes
      expect(factsOf(encode(tracing, { body: 'a' }, 'key', limit))).toEqual(factsOf(traced))
      expect(factsOf(encode(tracing, { body: 'a' }, 'key', limit - 1))).toEqual(without)
      expect(factsOf(encode(tracing, { body: 'a' }, 'key', 1))).toEqual(without)
    })
  })

  test('is left out where a codec will not have it', () => {
    const picky = {
      ...amqpCodec,
      encode(event: EventInput, key: string | undefined) {
        if ('properties' in event) throw new TypeError('no properties here')
        return amqpCodec.encode(event, key)
      },
    }
    const encoded = otel!.inSpan(() => newTracing().tracing.encode(picky, { body: 'a' }, undefined, room))
    expect(factsOf(encoded)).toEqual(plainFactsOf({ body: 'a' }))
  })

  test.each([
    ['null', null],
    ['a list', []],
    ['text', 'text'],
    ['an event without a body', {}],
    ['a body that has no JSON', { body: 1n }],
    ['a property that is a map', { body: 'a', properties: { deep: {} } }],
    ['a list of properties', { body: 'a', properties: ['list'] }],
  ])('changes nothing about how %s is refused', (_, event) => {
    const refusal = (action: () => unknown) => {
      try {
        return action()
      } catch (error) {
        return error
      }
    }
    const plain = refusal(() => amqpCodec.encode(event as never, undefined))
    expect(plain).toBeInstanceOf(TypeError)
    const { tracing, warnings } = newTracing()
    expect(otel?.inSpan(() => refusal(() => encode(tracing, event as never)))).toEqual(plain)
    expect(warnings).toEqual([])
  })
})
