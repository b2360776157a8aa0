import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventHubError } from '../../../../core/errors.js'
import type { EventInput } from '../../../../core/event-data.js'
import { encodeJsonBatch, httpsCodec } from '../../../../core/https/codec.js'
import { seed } from '../../../support/seed.js'
import { everythingShownBy, thrownBy } from '../../../support/thrown.js'

const encode = (event: EventInput, key?: string) => httpsCodec.encode(event, key)
const batchOf = (...events: EventInput[]) =>
  JSON.parse(encodeJsonBatch(events.map((event) => encode(event)))) as unknown
const secret = 'nobody-may-see-this'

describe('an event in a JSON batch', () => {
  test('has its body, its properties and what the broker needs', () => {
    const event = encode(
      {
        body: 'é😀',
        messageId: 'm',
        correlationId: 7,
        properties: { text: 'x', number: 1.5, flag: false, when: new Date(0), none: null, left: undefined as never },
      },
      'the key',
    )
    expect(event).toMatchObject({ solo: false, single: undefined, partitionKey: 'the key' })
    expect(JSON.parse(encodeJsonBatch([event]))).toEqual([
      {
        Body: 'é😀',
        UserProperties: { text: 'x', number: 1.5, flag: false, when: '1970-01-01T00:00:00.000Z' },
        BrokerProperties: { PartitionKey: 'the key', MessageId: 'm', CorrelationId: '7' },
      },
    ])
  })

  test('has nothing that was not given', () => {
    expect(batchOf({ body: 'b' }, { body: '', properties: {} }, { body: 'c', properties: { none: null } })).toEqual([
      { Body: 'b' },
      { Body: '' },
      { Body: 'c' },
    ])
  })

  test('has an empty key, which is a key', () => {
    expect(JSON.parse(encodeJsonBatch([encode({ body: '' }, '')]))).toEqual([
      { Body: '', BrokerProperties: { PartitionKey: '' } },
    ])
  })

  test.each([
    ['a string', 'text', 'text'],
    ['an object', { a: [1, null] }, '{"a":[1,null]}'],
    ['null', null, 'null'],
    ['bytes that are UTF-8', new TextEncoder().encode('ключ'), 'ключ'],
    ['a byte order mark, which stays', new Uint8Array([0xef, 0xbb, 0xbf, 0x61]), '\ufeffa'],
    ['a lone surrogate, which no UTF-8 has', 'a\ud800', 'a\ufffd'],
    ['quotes, line breaks and control characters', '"\\\n\u0000\u2028', '"\\\n\u0000\u2028'],
  ])('carries %s as text', (_, body, text) => {
    expect(batchOf({ body })).toEqual([{ Body: text }])
  })

  test('keeps property names that JavaScript treats specially', () => {
    const properties = JSON.parse('{"__proto__": "kept", "constructor": 1}')
    expect(encodeJsonBatch([encode({ body: '', properties })])).toBe(
      '[{"Body":"","UserProperties":{"__proto__":"kept","constructor":1}}]',
    )
  })

  test('is not changed by what the caller does to it afterwards', () => {
    const body = new Uint8Array([0x61])
    const properties = { name: 'before' }
    const event = encode({ body, properties })
    body.fill(0x7a)
    properties.name = 'after'
    expect(JSON.parse(encodeJsonBatch([event]))).toEqual([{ Body: 'a', UserProperties: { name: 'before' } }])
  })
})

describe('a batch', () => {
  const utf8Length = (text: string) => new TextEncoder().encode(text).length
  const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 200 }), fc.constant('\ud800"\\'))
  const event = fc.record({
    body: fc.oneof(text, fc.jsonValue()),
    messageId: fc.option(text, { nil: undefined }),
    properties: fc.option(fc.dictionary(text, fc.oneof(text, fc.integer(), fc.boolean())), { nil: undefined }),
  })

  test(`is exactly as large as it says, and holds its events in order (SEED=${seed})`, () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(event, fc.option(text, { nil: undefined })), { minLength: 1, maxLength: 8 }),
        (pairs) => {
          const encoded = pairs.map(([each, key]) => encode(each, key))
          const batch = encodeJsonBatch(encoded)
          const sizes = encoded.map(({ sizeInBytes }) => sizeInBytes)
          const envelope = httpsCodec.envelopeSizeInBytes(encoded[0]!)
          expect(utf8Length(batch)).toBe(sizes.reduce((sum, size) => sum + size, envelope))
          const bodies = (JSON.parse(batch) as { Body: string }[]).map(({ Body }) => Body)
          const utf8 = (body: string) => Buffer.from(body).toString()
          expect(bodies).toEqual(
            pairs.map(([{ body }]) => utf8(typeof body === 'string' ? body : JSON.stringify(body))),
          )
        },
      ),
      { numRuns: 300, seed },
    )
  })
})

describe('an event that must travel alone', () => {
  test('has a content type: its raw body goes under it', () => {
    const event = encode({ body: { a: 1 }, contentType: 'application/json' })
    expect(event.solo).toBe(true)
    expect(event.single?.headers).toEqual({ 'content-type': 'application/json' })
    expect(Buffer.from(event.single!.body).toString()).toBe('{"a":1}')
    expect(event.json).toBeUndefined()
  })

  test('has a body that is not UTF-8', () => {
    const bytes = new Uint8Array([0xff, 0x00, 0xc3])
    const event = encode({ body: bytes })
    expect(event.solo).toBe(true)
    expect(event.single?.headers).toEqual({ 'content-type': 'application/octet-stream' })
    expect(event.single?.body).toEqual(bytes)
  })

  test('keeps what the broker needs in one header of ASCII', () => {
    const { single } = encode(
      { body: 'b', contentType: 'text/plain', messageId: 'm\n\u007f', correlationId: 'é' },
      'ключ😀',
    )
    const header = single!.headers.brokerproperties!
    expect(header).toMatch(/^[ -~]+$/)
    expect(JSON.parse(header)).toEqual({ PartitionKey: 'ключ😀', MessageId: 'm\n\u007f', CorrelationId: 'é' })
  })

  test('has its properties as headers', () => {
    const properties = {
      'my-name': 'a value; q=1',
      day: '2026-03-04',
      json: '{"a":1}',
      words: '"a" or "b"',
      minus: '-',
    }
    const { single } = encode({ body: 'b', contentType: 'text/plain', properties })
    expect(single?.headers).toEqual({ 'content-type': 'text/plain', ...properties })
  })

  test('counts its body and its headers', () => {
    const plain = encode({ body: 'four', contentType: 'text/plain' })
    expect(plain.sizeInBytes).toBe(4 + 'content-type: text/plain\r\n'.length)
    const more = encode({ body: 'four', contentType: 'text/plain', properties: { a: 'b' } })
    expect(more.sizeInBytes - plain.sizeInBytes).toBe('a: b\r\n'.length)
  })

  test('is not changed by what the caller does to it afterwards', () => {
    const body = new Uint8Array([0xff, 1, 2])
    const { single } = encode({ body })
    const text = new Uint8Array([0x61])
    const { single: typed } = encode({ body: text, contentType: 'text/plain' })
    body.fill(0)
    text.fill(0)
    expect([single?.body, typed?.body]).toEqual([new Uint8Array([0xff, 1, 2]), new Uint8Array([0x61])])
  })
})

describe('what cannot be carried is refused by name, not dropped:', () => {
  function refusal(event: unknown, ...words: string[]) {
    const error = thrownBy(() => encode(event as EventInput))
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'not-supported', outcome: 'refused', retryable: false })
    for (const word of [...words, 'AMQP']) expect(error.message).toContain(word)
    expect(everythingShownBy(error)).not.toContain(secret)
  }

  test('the sections of an AmqpAnnotatedMessage', () => {
    for (const section of ['footer', 'messageAnnotations', 'applicationProperties']) {
      refusal({ body: secret, [section]: { a: secret } }, 'EventData')
    }
    refusal({ body: secret, header: { durable: true } }, 'EventData')
    refusal({ body: secret, bodyType: 'value' }, 'EventData')
  })

  test.each([
    ['a bigint', 5n],
    ['bytes', new TextEncoder().encode(secret)],
    ['an object', { secret }],
    ['an array', [secret]],
    ['a function', () => secret],
    ['NaN', Number.NaN],
    ['an infinite number', Number.POSITIVE_INFINITY],
    ['an invalid date', new Date(Number.NaN)],
  ])('a property of %s', (_, value) => {
    refusal({ body: secret, properties: { fine: 1, 'its-name': value } }, "'its-name'")
  })

  test.each([
    ['bytes', new TextEncoder().encode(secret)],
    ['an object', { secret }],
    ['a fraction', 1.5],
    ['a negative number', -1],
    ['NaN', Number.NaN],
  ])('an id of %s', (_, id) => {
    refusal({ body: secret, messageId: id }, 'MessageId')
    refusal({ body: secret, correlationId: id }, 'CorrelationId')
  })

  test.each([
    ['a name in upper case', 'My-Name', 'v'],
    ['a name that is no token', 'my name', 'v'],
    ['a name of other letters', 'имя', 'v'],
    ['a name that HTTP needs', 'host', 'v'],
    ['a name that HTTP needs', 'content-length', 'v'],
    ['a name that the request needs', 'authorization', 'v'],
    ['a name that the service keeps for itself', 'x-ms-retrypolicy', 'v'],
    ['a name that JavaScript treats specially', '__proto__', 'v'],
    ['an empty name', '', 'v'],
    ['a number, which headers have not', 'n', 5],
    ['text beyond ASCII', 'n', 'é'],
    ['text with a line break', 'n', 'a\r\nx-evil: 1'],
    ['text with spaces around it', 'n', ' a '],
    ['an empty text', 'n', ''],
    // A header's text that looks like one is read as one.
    ['text that is a number', 'n', '7'],
    ['text that is a boolean', 'n', 'true'],
    ['text that is null', 'n', 'null'],
    ['text in quotes', 'n', '"a"'],
  ])('a property as a header: %s', (_, name, value) => {
    const properties = Object.fromEntries([[name, value]])
    refusal({ body: secret, contentType: 'text/plain', properties }, `'${name}'`)
    // In a batch it has its place.
    expect(() => encode({ body: 'b', properties })).not.toThrow()
  })

  test.each([
    ['a line break', 'text/plain\r\nx-evil: 1'],
    ['other letters', 'text/плайн'],
    ['nothing', ''],
    ['the batch’s own type', 'application/vnd.microsoft.servicebus.json'],
    ['the batch’s own type, disguised', 'Application/VND.microsoft.servicebus.json ; charset=utf-8'],
  ])('a content type with %s', (_, contentType) => {
    refusal({ body: '[]', contentType }, 'contentType')
  })
})

describe('what is no event is a TypeError that shows nothing:', () => {
  test.each([
    ['a string', secret, 'sendEvent({ body: value })'],
    ['no body', { data: secret }, 'body'],
    ['a body without a JSON form', { body: () => secret }, 'body'],
    ['properties that are text', { body: 'b', properties: secret }, 'properties'],
    ['properties that are a list', { body: 'b', properties: [secret] }, 'properties'],
    ['properties that are a Map', { body: 'b', properties: new Map([[secret, 1]]) }, 'properties'],
    ['a content type that is no text', { body: 'b', contentType: { secret } }, 'contentType'],
  ])('%s', (_, event, word) => {
    const error = thrownBy(() => encode(event as never))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(word)
    expect(everythingShownBy(error)).not.toContain(secret)
  })
})
