import fc from 'fast-check'
import type { AmqpAnnotatedMessage, EventData } from '../../core/event-data.js'

export const text = fc.oneof(fc.string(), fc.string({ unit: 'binary', maxLength: 300 }), fc.constant('\ud800 alone'))
const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 40 })
// Between 2^53 and 2^54 rhea's reader, not ours to test, is off by one.
const bigint = fc.oneof(
  fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
  fc.bigInt({ min: 2n ** 54n, max: 2n ** 64n - 1n }),
  fc.bigInt({ min: -(2n ** 63n), max: -(2n ** 54n) }),
)
const number = fc.oneof(
  fc.integer(),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(2 ** 40, 2 ** 60, 1e300, -1e300),
)
const date = fc.date({ noInvalidDate: true })
const bytes = fc.uint8Array({ maxLength: 300 })
const simple = fc.oneof(text, number, bigint, fc.boolean(), fc.constant(null), date, bytes)
// rhea's reader, not ours to test, loses this one name.
const name = text.filter((each) => each !== '__proto__')
const names = <T>(value: fc.Arbitrary<T>, key = name) =>
  fc.dictionary(key, value, { maxKeys: 5, noNullPrototype: true })
const { tree } = fc.letrec((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    simple,
    fc.array(tie('tree'), { maxLength: 4 }),
    names(tie('tree')),
  ),
}))
export const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const id = fc.oneof(text, fc.nat(), fc.maxSafeInteger().map(Math.abs), bytes)
const uint = fc.oneof(fc.nat(), fc.constantFrom(255, 256, 2 ** 32 - 1))
const time = fc.integer({ min: -(2 ** 50), max: 2 ** 50 })

/** `EventData` of any shape that AMQP can carry. */
export const eventData: fc.Arbitrary<EventData> = fc.record({
  body: fc.oneof(text, bytes, fc.jsonValue()),
  contentType: maybe(ascii),
  messageId: maybe(id),
  correlationId: maybe(id),
  properties: maybe(names(simple)),
})

/** `AmqpAnnotatedMessage` of any shape that AMQP can carry. */
export const annotated: fc.Arbitrary<AmqpAnnotatedMessage> = fc
  .record({
    header: maybe(
      fc.record({
        durable: maybe(fc.boolean()),
        priority: maybe(fc.nat(255)),
        timeToLive: maybe(uint),
        firstAcquirer: maybe(fc.boolean()),
        deliveryCount: maybe(uint),
      }),
    ),
    properties: maybe(
      fc.record({
        messageId: maybe(id),
        userId: maybe(fc.oneof(text, bytes)),
        to: maybe(text),
        subject: maybe(text),
        replyTo: maybe(text),
        correlationId: maybe(id),
        contentType: maybe(ascii),
        contentEncoding: maybe(ascii),
        absoluteExpiryTime: maybe(time),
        creationTime: maybe(time),
        groupId: maybe(text),
        groupSequence: maybe(uint),
        replyToGroupId: maybe(text),
      }),
    ),
    applicationProperties: maybe(names(simple)),
    messageAnnotations: maybe(
      names(
        tree,
        ascii.filter((each) => each !== '__proto__'),
      ),
    ),
    deliveryAnnotations: maybe(
      names(
        tree,
        ascii.filter((each) => each !== '__proto__'),
      ),
    ),
    footer: maybe(
      names(
        tree,
        ascii.filter((each) => each !== '__proto__'),
      ),
    ),
  })
  .chain((rest) =>
    fc.oneof(
      fc
        .oneof(text, fc.array(bytes, { minLength: 1, maxLength: 3 }))
        .map((body) => ({ ...rest, bodyType: 'data', body })),
      fc.array(tree, { maxLength: 4 }).map((body) => ({ ...rest, bodyType: 'sequence', body })),
      tree.map((body) => ({ ...rest, bodyType: 'value', body })),
    ),
  ) as fc.Arbitrary<AmqpAnnotatedMessage>
