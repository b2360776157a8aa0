import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { amqpCodec, encodeBatch } from '../../../../core/amqp/codec.js'
import type { EventData } from '../../../../core/event-data.js'
import { dataOf, sectionBytes, sectionCode, sectionsOf, typedList } from '../../../support/amqp-sections.js'

interface OfficialBatch {
  tryAdd(event: EventData): boolean
  readonly sizeInBytes: number
  _generateMessage(): Buffer
}

// By its file path: the package's exports map hides it.
const { EventDataBatchImpl } = createRequire(import.meta.url)(
  '../../../../node_modules/@azure/event-hubs/dist/commonjs/eventDataBatch.js',
) as {
  EventDataBatchImpl: new (
    context: object,
    maxSizeInBytes: number,
    isIdempotent: boolean,
    key?: string,
  ) => OfficialBatch
}

/** The same events as the official client would send them, and as we do. */
function both(events: readonly EventData[], key?: string) {
  const context = { connectionId: 'c', config: { entityPath: 'events', host: 'ns.example.net' } }
  const batch = new EventDataBatchImpl(context, 1024 * 1024, false, key)
  for (const event of events) expect(batch.tryAdd(event)).toBe(true)
  const encoded = events.map((event) => amqpCodec.encode(event, key))
  const ours = encodeBatch(encoded)
  expect(ours).toHaveLength(
    encoded.reduce((sum, event) => sum + event.sizeInBytes, amqpCodec.envelopeSizeInBytes(encoded[0]!)),
  )
  return { ours, theirs: batch._generateMessage(), theirSize: batch.sizeInBytes }
}

const full: EventData = {
  body: { json: [1, null, 'two'] },
  contentType: 'application/json',
  messageId: 'the id',
  correlationId: 17,
  properties: {
    text: 'é',
    number: 5,
    negative: -70_000,
    big: 2 ** 40,
    fraction: 0.5,
    flag: true,
    none: null,
    when: new Date(9),
  },
}

describe('a keyed event is, byte for byte, the official client’s', () => {
  test.each([
    ['with every field and a JSON body', full],
    ['with nothing but a body of bytes', { body: Buffer.from([0, 255, 128]) }],
    ['with a body of 300 bytes', { ...full, body: Buffer.alloc(300, 7) }],
  ])('%s', (_, event) => {
    for (const key of ['k', 'ключ😀', 'x'.repeat(300)]) {
      const { ours, theirs } = both([event], key)
      const [our, their] = [dataOf(ours)[0]!, dataOf(theirs)[0]!]
      // Section by section first, so that a difference tells where it lies.
      for (const [name, code] of Object.entries(sectionCode)) {
        expect([name, sectionBytes(our, code)]).toEqual([name, sectionBytes(their, code)])
      }
      expect(our).toEqual(their)
    }
  })
})

describe('a keyed batch differs from the official client’s in its envelope alone', () => {
  test('which leaves out the empty header and the empty properties that rhea writes there: 8 bytes', () => {
    const events = [full, { body: Buffer.alloc(300) }, { body: Buffer.alloc(1), messageId: 'm' }]
    const { ours, theirs, theirSize } = both(events, 'the key')
    expect(dataOf(ours)).toEqual(dataOf(theirs))
    const carried = sectionsOf(theirs).filter(
      ({ code }) => code !== sectionCode.header && code !== sectionCode.properties,
    )
    expect(sectionsOf(ours).map(({ code, bytes }) => [code, bytes])).toEqual(
      carried.map(({ code, bytes }) => [code, bytes]),
    )
    expect(typedList(theirs, sectionCode.header)).toEqual([])
    expect(typedList(theirs, sectionCode.properties)).toEqual([])
    expect(theirs.length - ours.length).toBe(8)
    // The official count of empty sections and bodies is exact as well.
    expect(theirSize).toBe(theirs.length)
  })
})

describe('what is different on purpose:', () => {
  test('a string body is its UTF-8 here, as in the Python and .NET clients; there it is JSON, with quotes', () => {
    const { ours, theirs } = both([{ body: 'text' }], 'k')
    expect(dataOf(dataOf(ours)[0]!)).toEqual([Buffer.from('text')])
    expect(dataOf(dataOf(theirs)[0]!)).toEqual([Buffer.from('"text"')])
  })

  test('an event without a key has no annotations here; there it has an empty map of them', () => {
    const { ours, theirs } = both([{ body: Buffer.from('b') }])
    expect(sectionBytes(ours, sectionCode.messageAnnotations)).toBeUndefined()
    expect(sectionBytes(dataOf(ours)[0]!, sectionCode.messageAnnotations)).toBeUndefined()
    expect(sectionBytes(dataOf(theirs)[0]!, sectionCode.messageAnnotations)).toBeDefined()
    // All the rest is the same.
    for (const code of [sectionCode.header, sectionCode.properties, sectionCode.data]) {
      expect(sectionBytes(dataOf(ours)[0]!, code)).toEqual(sectionBytes(dataOf(theirs)[0]!, code))
    }
  })

  test('an id of bytes is binary here, of any length; there it is taken for a UUID', () => {
    const { ours, theirs } = both([{ body: 'b', messageId: Buffer.alloc(16, 1) }], 'k')
    expect(typedList(dataOf(ours)[0]!, sectionCode.properties)[0]).toEqual(['Vbin8', Buffer.alloc(16, 1)])
    expect(typedList(dataOf(theirs)[0]!, sectionCode.properties)[0]).toEqual(['Uuid', Buffer.alloc(16, 1)])
  })

  test('null is JSON null here; there its data section holds no bytes but an AMQP null', () => {
    const { ours, theirs } = both([{ body: null }])
    expect(dataOf(dataOf(ours)[0]!)).toEqual([Buffer.from('null')])
    expect(dataOf(dataOf(theirs)[0]!)).toEqual([null])
  })
})
