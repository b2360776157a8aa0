import fc from 'fast-check'
import { message } from 'rhea-promise'
import { expect, test } from 'vitest'
import { type CommonEvent, encodeCommonEvent } from '../../../../core/amqp/event-encoder.js'
import { laneOf, slabSizeInBytes } from '../../../../core/amqp/slab.js'

/** The same event through rhea. */
function throughRhea({ body, contentType, messageId, correlationId, properties, partitionKey }: CommonEvent): Buffer {
  const bytes = typeof body === 'string' ? Buffer.from(body) : Buffer.from(body)
  return message.encode({
    body: message.data_section(bytes as never),
    ...(contentType === undefined ? {} : { content_type: contentType }),
    ...(messageId === undefined ? {} : { message_id: messageId }),
    ...(correlationId === undefined ? {} : { correlation_id: correlationId }),
    ...(properties === undefined ? {} : { application_properties: properties }),
    ...(partitionKey === undefined
      ? {}
      : { message_annotations: { 'x-opt-partition-key': partitionKey }, durable: true }),
  } as never) as unknown as Buffer
}

// Well-formed or not: a lone surrogate becomes U+FFFD on both sides.
const text = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary', maxLength: 400 }),
  fc.constantFrom('', 'x'.repeat(255), 'x'.repeat(256), 'é'.repeat(128), '\ud800', '日本語'),
)
const number = fc.oneof(
  fc.integer(),
  fc.double(),
  fc.constantFrom(0, -0, 1, 127, 128, 255, 256, -128, -129, 2 ** 31, -(2 ** 31) + 1, -(2 ** 31) + 2, 2 ** 32 - 1),
)
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const event: fc.Arbitrary<CommonEvent> = fc.record({
  body: fc.oneof(text, fc.uint8Array({ maxLength: 600 })),
  contentType: optional(fc.oneof(fc.constantFrom('application/json', 'text/plain; charset=utf-8'), fc.string())),
  messageId: optional(text),
  correlationId: optional(text),
  properties: optional(
    fc.dictionary(fc.string(), fc.oneof(text, number, fc.boolean(), fc.constant(null)), { maxKeys: 8 }),
  ),
  partitionKey: optional(text),
})

const seed = Number(process.env.SEED ?? Date.now() % 2 ** 31)

test(`writes what rhea writes, byte for byte, or leaves it to rhea (SEED=${seed})`, () => {
  let own = 0
  fc.assert(
    fc.property(event, (each) => {
      const encoded = encodeCommonEvent(each)
      if (!encoded) return
      own++
      expect(encoded.bytes.equals(throughRhea(each))).toBe(true)
      if (each.partitionKey === undefined) expect(encoded.annotations).toBeUndefined()
      else expect(encoded.bytes.includes(encoded.annotations as Buffer)).toBe(true)
    }),
    { numRuns: 3000, seed },
  )
  // It is no use if it gives everything away.
  expect(own).toBeGreaterThan(2000)
})

test('the annotations it hands out are the section itself', () => {
  const encoded = encodeCommonEvent({
    body: 'b',
    contentType: undefined,
    messageId: undefined,
    correlationId: undefined,
    properties: undefined,
    partitionKey: 'key',
  })
  expect(message.decode(encoded?.annotations as Buffer)).toMatchObject({
    message_annotations: { 'x-opt-partition-key': 'key' },
  })
})

test(`events that lie side by side do not touch each other (SEED=${seed})`, () => {
  fc.assert(
    fc.property(fc.array(event, { minLength: 2, maxLength: 40 }), (events) => {
      const encoded = events.map((each) => ({ each, own: encodeCommonEvent(each) }))
      for (const { each, own } of encoded) {
        if (own) expect(own.bytes.equals(throughRhea(each))).toBe(true)
      }
    }),
    { numRuns: 200, seed },
  )
})

test('an event is whole wherever the end of its slab falls, at each of its bytes', () => {
  const none = {
    contentType: undefined,
    messageId: undefined,
    correlationId: undefined,
    properties: undefined,
    partitionKey: undefined,
  }
  const shapes: readonly CommonEvent[] = [
    { ...none, body: 'body' },
    { ...none, body: 'body', contentType: 'application/json' },
    { ...none, body: 'body', contentType: 'application/json', partitionKey: 'customer-7' },
    { ...none, body: 'body', correlationId: 'c', partitionKey: 'customer-7' },
    { ...none, body: 'body', messageId: 'm', contentType: 'a/b', properties: { a: 'b', c: 1, d: 1.5, e: null } },
    { ...none, body: 'x'.repeat(300), partitionKey: 'customer-7', properties: { a: true, b: -1, c: 2 ** 31 } },
  ]
  for (const shape of shapes) {
    const expected = throughRhea(shape)
    for (let left = 0; left <= expected.length + 80; left++) {
      const { slab } = laneOf('at-the-end')
      // What lay there before must not show.
      slab.bytes.fill(0xee)
      slab.end = slabSizeInBytes - left
      expect([left, encodeCommonEvent(shape, 'at-the-end')?.bytes.toString('hex')]).toEqual([
        left,
        expected.toString('hex'),
      ])
    }
  }
})

test(`any event is whole wherever the end of its slab falls (SEED=${seed})`, () => {
  fc.assert(
    fc.property(event, fc.double({ min: 0, max: 1, noNaN: true }), (each, share) => {
      if (!encodeCommonEvent(each)) return
      const expected = throughRhea(each)
      const { slab } = laneOf('at-the-end')
      slab.bytes.fill(0xee)
      slab.end = slabSizeInBytes - Math.floor(share * Math.min(slabSizeInBytes, expected.length + 20))
      expect(encodeCommonEvent(each, 'at-the-end')?.bytes.equals(expected)).toBe(true)
    }),
    { numRuns: Number(process.env.RUNS ?? 2000), seed },
  )
})

test('an event larger than what events share has a buffer of its own, and the next one shares again', () => {
  const plain = {
    contentType: undefined,
    messageId: undefined,
    correlationId: undefined,
    properties: undefined,
    partitionKey: undefined,
  }
  const small = encodeCommonEvent({ ...plain, body: 'a' })
  const large = encodeCommonEvent({ ...plain, body: 'b'.repeat(100_000) })
  const next = encodeCommonEvent({ ...plain, body: 'c' })
  expect(large?.slab.bytes.length).toBeLessThan(110_000)
  expect(large?.bytes.equals(throughRhea({ ...plain, body: 'b'.repeat(100_000) }))).toBe(true)
  expect([next?.slab === small?.slab, next?.start]).toEqual(
    // Unless the slab was just full.
    next?.start === 0 ? [false, 0] : [true, (small?.start ?? 0) + (small?.sizeInBytes ?? 0)],
  )
})

test('an event whose property sends another while it is read spoils neither', () => {
  const plain = { contentType: undefined, messageId: undefined, correlationId: undefined, partitionKey: undefined }
  let inner: ReturnType<typeof encodeCommonEvent>
  let wasCalled = false
  const properties = {
    first: 'x',
    get sly() {
      wasCalled = true
      inner = encodeCommonEvent({ ...plain, body: 'inner', properties: undefined })
      return 'y'
    },
  }
  const outer = encodeCommonEvent({ ...plain, body: 'outer', properties })
  expect(wasCalled).toBe(true)
  // Left to rhea, which has no such trouble.
  expect(inner).toBeUndefined()
  expect(outer?.bytes.equals(throughRhea({ ...plain, body: 'outer', properties: { first: 'x', sly: 'y' } }))).toBe(true)
})

test('one event leaves no trace in the next', () => {
  const plain = {
    contentType: undefined,
    messageId: undefined,
    correlationId: undefined,
    properties: undefined,
    partitionKey: undefined,
  }
  const first = encodeCommonEvent({ ...plain, body: 'x', properties: { a: 'y'.repeat(5000) }, partitionKey: 'k' })
  const kept = Buffer.from(first?.bytes as Buffer)
  const second = encodeCommonEvent({ ...plain, body: 'x' })
  expect(second?.bytes.equals(throughRhea({ ...plain, body: 'x' }))).toBe(true)
  expect(first?.bytes.equals(kept)).toBe(true)
})

test.each([
  ['a property that rhea encodes in a way of its own', { properties: { when: new Date(0) } }],
  ['a number beyond 32 bits', { properties: { big: 2 ** 40 } }],
  ['a media type that is not ASCII', { contentType: 'text/é' }],
])('leaves to rhea %s', (_what, part) => {
  const plain = {
    body: 'x',
    contentType: undefined,
    messageId: undefined,
    correlationId: undefined,
    properties: undefined,
    partitionKey: undefined,
  }
  expect(encodeCommonEvent({ ...plain, ...part })).toBeUndefined()
})
