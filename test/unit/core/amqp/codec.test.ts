import { message, types } from 'rhea-promise'
import { describe, expect, test } from 'vitest'
import { amqpCodec } from '../../../../core/amqp/codec.js'
import type { AmqpAnnotatedMessage, EventInput } from '../../../../core/event-data.js'
import { dataOf, sectionCode, sectionsOf, typedList, typedMap } from '../../../support/amqp-sections.js'

interface Decoded {
  readonly body: { readonly typecode: number; readonly content: unknown; readonly multiple?: boolean }
  readonly [field: string]: unknown
}

const encode = (event: EventInput, key?: string) => amqpCodec.encode(event, key)
const bytesOf = (event: EventInput, key?: string) => encode(event, key).bytes
const decode = (event: EventInput, key?: string) => message.decode(bytesOf(event, key)) as unknown as Decoded
const long = 'x'.repeat(300)

describe('EventData, encoded and decoded again,', () => {
  test('has every field that was given', () => {
    const decoded = decode({
      body: new Uint8Array([0, 255, 128]),
      contentType: 'application/json; charset=utf-8',
      messageId: 'the id',
      correlationId: 'the correlation',
      properties: { name: 'value' },
    })
    expect(decoded).toMatchObject({
      content_type: 'application/json; charset=utf-8',
      message_id: 'the id',
      correlation_id: 'the correlation',
      application_properties: { name: 'value' },
      body: { typecode: sectionCode.data, content: Buffer.from([0, 255, 128]) },
    })
  })

  test('has nothing that was not given: no key, no durability, no annotations, no content type', () => {
    const decoded = decode({ body: '' })
    expect({ ...decoded }).toEqual({ body: expect.objectContaining({ typecode: sectionCode.data }) })
    expect(decoded.body.content).toEqual(Buffer.alloc(0))
  })

  test.each([
    ['a string as its UTF-8', 'é😀', Buffer.from('é😀')],
    ['bytes as they are', new Uint8Array([7, 8, 9]).subarray(1), Buffer.from([8, 9])],
    ['a Buffer as it is', Buffer.from('buffer'), Buffer.from('buffer')],
    ['anything else as JSON', { a: [1, null] }, Buffer.from('{"a":[1,null]}')],
    ['null as JSON', null, Buffer.from('null')],
    ['a body of 300 bytes', long, Buffer.from(long)],
  ])('carries %s, in one data section', (_, body, content) => {
    const bytes = bytesOf({ body })
    expect(dataOf(bytes)).toEqual([content])
    expect(sectionsOf(bytes).filter(({ code }) => code > sectionCode.data)).toEqual([])
  })

  test('keeps the type of every property', () => {
    const when = new Date('2026-01-02T03:04:05.678Z')
    const bytes = bytesOf({
      body: '',
      properties: {
        text: 'x',
        empty: '',
        long,
        zero: 0,
        small: 7,
        word: 70_000,
        beyond32: 2 ** 40,
        below: -5,
        farBelow: -(2 ** 40),
        fraction: 1.5,
        infinite: Number.NEGATIVE_INFINITY,
        yes: true,
        no: false,
        none: null,
        when,
        before1970: new Date(-1),
        bytes: new Uint8Array([1, 2]),
        left: undefined as never,
      },
    })
    expect(typedMap(bytes, sectionCode.applicationProperties)).toEqual({
      'Str8 text': ['Str8', 'x'],
      'Str8 empty': ['Str8', ''],
      'Str8 long': ['Str32', long],
      'Str8 zero': ['SmallInt', 0],
      'Str8 small': ['SmallUint', 7],
      'Str8 word': ['Uint', 70_000],
      'Str8 beyond32': ['Ulong', 2 ** 40],
      'Str8 below': ['SmallInt', -5],
      'Str8 farBelow': ['Long', -(2 ** 40)],
      'Str8 fraction': ['Double', 1.5],
      'Str8 infinite': ['Double', Number.NEGATIVE_INFINITY],
      'Str8 yes': ['True', true],
      'Str8 no': ['False', false],
      'Str8 none': ['Null', null],
      'Str8 when': ['Timestamp', when],
      'Str8 before1970': ['Timestamp', new Date(-1)],
      'Str8 bytes': ['Vbin8', Buffer.from([1, 2])],
    })
  })

  test('keeps a number that no 64-bit integer holds, and one that is none', () => {
    const properties = { huge: 1e300, tiny: -1e300, edge: 2 ** 64, lowEdge: -(2 ** 63), none: Number.NaN }
    expect(typedMap(bytesOf({ body: '', properties }), sectionCode.applicationProperties)).toEqual({
      'Str8 huge': ['Double', 1e300],
      'Str8 tiny': ['Double', -1e300],
      'Str8 edge': ['Double', 2 ** 64],
      'Str8 lowEdge': ['Double', -(2 ** 63)],
      'Str8 none': ['Double', Number.NaN],
    })
    const alone = bytesOf({ body: '', properties: { none: Number.NaN } })
    expect(typedMap(alone, sectionCode.applicationProperties)).toEqual({ 'Str8 none': ['Double', Number.NaN] })
  })

  test('keeps a bigint exactly: as long where it fits, as ulong beyond', () => {
    const bytesOfLong = (hex: string) => Buffer.from(hex, 'hex')
    const properties = {
      zero: 0n,
      small: -128n,
      big: 2n ** 40n,
      exact: 2n ** 54n + 1n,
      most: 2n ** 63n - 1n,
      least: -(2n ** 63n),
      beyond: 2n ** 63n,
      mostOfAll: 2n ** 64n - 1n,
    }
    expect(typedMap(bytesOf({ body: '', properties }), sectionCode.applicationProperties)).toEqual({
      'Str8 zero': ['SmallLong', 0],
      'Str8 small': ['SmallLong', -128],
      'Str8 big': ['Long', 2 ** 40],
      'Str8 exact': ['Long', bytesOfLong('0040000000000001')],
      'Str8 most': ['Long', bytesOfLong('7fffffffffffffff')],
      'Str8 least': ['Long', bytesOfLong('8000000000000000')],
      'Str8 beyond': ['Ulong', bytesOfLong('8000000000000000')],
      'Str8 mostOfAll': ['Ulong', bytesOfLong('ffffffffffffffff')],
    })
  })

  test('keeps values that the caller typed', () => {
    const properties = {
      short: types.wrap_short(-3),
      byte: types.wrap_ubyte(200),
      float: types.wrap_float(0.5),
      symbol: types.wrap_symbol('s'),
    } as never
    expect(typedMap(bytesOf({ body: '', properties }), sectionCode.applicationProperties)).toEqual({
      'Str8 short': ['Short', -3],
      'Str8 byte': ['Ubyte', 200],
      'Str8 float': ['Float', 0.5],
      'Str8 symbol': ['Sym8', 's'],
    })
  })

  test('keeps property names of any Unicode and length, also those that JavaScript treats specially', () => {
    const properties = JSON.parse(`{"ключ😀": 1, "": 2, "__proto__": "kept", "constructor": 3, "${long}": 4}`)
    expect(Object.keys(typedMap(bytesOf({ body: '', properties }), sectionCode.applicationProperties))).toEqual([
      'Str8 ключ😀',
      'Str8 ',
      'Str8 __proto__',
      'Str8 constructor',
      `Str32 ${long}`,
    ])
  })

  test.each([
    ['a string', 'id', ['Str8', 'id']],
    ['a long string', long, ['Str32', long]],
    ['0', 0, ['Ulong0', 0]],
    ['a number', 200, ['SmallUlong', 200]],
    ['a large number', 2 ** 53 - 1, ['Ulong', 2 ** 53 - 1]],
    ['bytes', new Uint8Array([1, 2, 3]), ['Vbin8', Buffer.from([1, 2, 3])]],
  ])('keeps an id that is %s', (_, id, field) => {
    const bytes = bytesOf({ body: '', messageId: id, correlationId: id })
    const fields = typedList(bytes, sectionCode.properties)
    expect([fields[0], fields[5]]).toEqual([field, field])
  })

  test('is not changed by what the caller does to it afterwards', () => {
    const body = new Uint8Array([1, 2, 3])
    const binary = new Uint8Array([4])
    const event = { body, properties: { binary } }
    const { bytes } = encode(event)
    const before = Buffer.from(bytes)
    body.fill(9)
    binary.fill(9)
    expect(bytes).toEqual(before)
  })

  test('does not change what the caller gave', () => {
    const event = Object.freeze({
      body: 'b',
      properties: Object.freeze({ a: 1n, b: undefined as never }),
      contentType: undefined,
    })
    expect(() => encode(event, 'key')).not.toThrow()
    expect(Object.keys(event.properties)).toEqual(['a', 'b'])
  })
})

describe('a partition key', () => {
  test('is an annotation and makes the event durable, as the official SDKs do', () => {
    const event = encode({ body: 'b' }, 'the key')
    expect(event.partitionKey).toBe('the key')
    expect(typedMap(event.bytes, sectionCode.messageAnnotations)).toEqual({
      'Sym8 x-opt-partition-key': ['Str8', 'the key'],
    })
    expect(typedList(event.bytes, sectionCode.header)).toEqual([['True', true]])
  })

  test('stands beside the message’s own annotations and above its own key and header', () => {
    const own: AmqpAnnotatedMessage = {
      body: 'b',
      header: { durable: false, priority: 2 },
      messageAnnotations: { 'x-opt-partition-key': 'old', other: 1 },
    }
    const { bytes } = encode(own, 'new')
    expect(typedMap(bytes, sectionCode.messageAnnotations)).toEqual({
      'Sym8 x-opt-partition-key': ['Str8', 'new'],
      'Sym8 other': ['SmallUint', 1],
    })
    expect(typedList(bytes, sectionCode.header)[0]).toEqual(['True', true])
    expect(own.messageAnnotations).toEqual({ 'x-opt-partition-key': 'old', other: 1 })
  })

  test('may be empty, of any Unicode, and long', () => {
    for (const key of ['', 'Привет😀', long]) {
      expect(decode({ body: '' }, key).message_annotations).toEqual({ 'x-opt-partition-key': key })
    }
  })
})
