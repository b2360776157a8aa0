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

describe('an AmqpAnnotatedMessage, encoded and decoded again,', () => {
  const full: AmqpAnnotatedMessage = {
    body: 'b',
    header: { durable: true, priority: 9, timeToLive: 60_000, firstAcquirer: true, deliveryCount: 3 },
    properties: {
      messageId: 'm',
      userId: 'u',
      to: 't',
      subject: 's',
      replyTo: 'r',
      correlationId: 17,
      contentType: 'text/plain',
      contentEncoding: 'gzip',
      absoluteExpiryTime: 1_800_000_000_123,
      creationTime: 1_700_000_000_456,
      groupId: 'g',
      groupSequence: 5,
      replyToGroupId: 'rg',
    },
    applicationProperties: { when: new Date(5), big: 2n ** 40n },
    messageAnnotations: { 'x-opt-mine': 'a' },
    deliveryAnnotations: { 'x-opt-delivery': 1.5 },
    footer: { sum: new Uint8Array([1]) },
  }

  test('has every field of every section, in the order of the specification', () => {
    const bytes = bytesOf(full)
    expect(sectionsOf(bytes).map(({ code }) => code)).toEqual([0x70, 0x71, 0x72, 0x73, 0x74, 0x75, 0x78])
    expect(typedList(bytes, sectionCode.header)).toEqual([
      ['True', true],
      ['Ubyte', 9],
      ['Uint', 60_000],
      ['True', true],
      ['SmallUint', 3],
    ])
    expect(typedList(bytes, sectionCode.properties)).toEqual([
      ['Str8', 'm'],
      ['Vbin8', Buffer.from('u')],
      ['Str8', 't'],
      ['Str8', 's'],
      ['Str8', 'r'],
      ['SmallUlong', 17],
      ['Sym8', 'text/plain'],
      ['Sym8', 'gzip'],
      ['Timestamp', new Date(1_800_000_000_123)],
      ['Timestamp', new Date(1_700_000_000_456)],
      ['Str8', 'g'],
      ['SmallUint', 5],
      ['Str8', 'rg'],
    ])
    expect(typedMap(bytes, sectionCode.applicationProperties)).toEqual({
      'Str8 when': ['Timestamp', new Date(5)],
      'Str8 big': ['Long', 2 ** 40],
    })
    expect(typedMap(bytes, sectionCode.messageAnnotations)).toEqual({ 'Sym8 x-opt-mine': ['Str8', 'a'] })
    expect(typedMap(bytes, sectionCode.deliveryAnnotations)).toEqual({ 'Sym8 x-opt-delivery': ['Double', 1.5] })
    expect(typedMap(bytes, sectionCode.footer)).toEqual({ 'Str8 sum': ['Vbin8', Buffer.from([1])] })
  })

  test('has nothing that was not given', () => {
    const bytes = bytesOf({ body: 'b', bodyType: 'data', header: {}, properties: {}, footer: undefined })
    expect(typedList(bytes, sectionCode.header)).toEqual([])
    expect(typedList(bytes, sectionCode.properties)).toEqual([])
    expect(sectionsOf(bytes).map(({ code }) => code)).toEqual([0x70, 0x73, 0x75])
  })

  test('keeps false, zero and the empty string apart from nothing', () => {
    const bytes = bytesOf({
      body: 'b',
      header: { durable: false, priority: 0, timeToLive: 0, deliveryCount: 0 },
      properties: { messageId: '', userId: new Uint8Array(), to: '', groupSequence: 0, creationTime: 0 },
    })
    expect(typedList(bytes, sectionCode.header).map(([, value]) => value)).toEqual([false, 0, 0, null, 0])
    const fields = typedList(bytes, sectionCode.properties).map(([, value]) => value)
    expect([fields[0], fields[1], fields[2], fields[9], fields[11]]).toEqual(['', Buffer.alloc(0), '', new Date(0), 0])
  })

  test.each([
    ['bytes', new Uint8Array([1]), [Buffer.from([1])]],
    ['a list of bytes, section by section', [Buffer.from('a'), new Uint8Array(), Buffer.from('c')], ['a', '', 'c']],
    ['one list of bytes', [new Uint8Array([1, 2])], [Buffer.from([1, 2])]],
    ['a string as UTF-8', 'é', ['é']],
    ['an empty list as JSON', [], ['[]']],
    ['a list of other things as JSON', [new Uint8Array([1]), 2], ['[{"0":1},2]']],
  ])('carries data of %s', (_, body, sections) => {
    const expected = sections.map((section) => Buffer.from(section as string))
    expect(dataOf(bytesOf({ body, bodyType: 'data' }))).toEqual(expected)
    expect(dataOf(bytesOf({ body, messageAnnotations: { a: 1 } }))).toEqual(expected)
  })

  test('carries a sequence, or several', () => {
    const one = decode({ body: [1, 'two', null, 3n], bodyType: 'sequence' })
    expect(one.body).toMatchObject({ typecode: sectionCode.sequence, content: [1, 'two', null, 3] })
    const several = decode({ body: [[1], [], ['a', [2]]], bodyType: 'sequence' })
    expect(several.body).toMatchObject({ multiple: true, content: [[1], [], ['a', [2]]] })
    expect(decode({ body: [], bodyType: 'sequence' }).body).toMatchObject({
      typecode: sectionCode.sequence,
      content: [],
    })
    // A list among other items is an item.
    expect(decode({ body: [[1], 2], bodyType: 'sequence' }).body).toMatchObject({ content: [[1], 2] })
  })

  test.each([
    ['a string', 'text'],
    ['an empty string', ''],
    ['zero', 0],
    ['a fraction', 1.5],
    ['false', false],
    ['null', null],
    ['a date', new Date(7)],
    ['bytes', Buffer.from([1, 2])],
    ['a list', [1, [2, 'three']]],
    ['an object', { a: 1, b: { c: [true, null] } }],
  ])('carries a value: %s', (_, body) => {
    const bytes = bytesOf({ body, bodyType: 'value' })
    expect(sectionsOf(bytes).at(-1)?.code).toBe(sectionCode.value)
    expect(decode({ body, bodyType: 'value' }).body).toEqual(body)
  })

  test('keeps what lies deep inside a value as exactly as what lies on top', () => {
    const inside = { big: 2n ** 40n, nan: Number.NaN, huge: 1e300, when: new Date(3), bytes: new Uint8Array([5]) }
    const outside = { big: 2 ** 40, nan: Number.NaN, huge: 1e300, when: new Date(3), bytes: Buffer.from([5]) }
    expect(decode({ body: { list: [{ inside }] }, bodyType: 'value' }).body).toEqual({ list: [{ inside: outside }] })
    expect(decode({ body: [[inside]], bodyType: 'sequence' }).body.content).toEqual([outside])
    expect(decode({ body: '', messageAnnotations: { inside } }).message_annotations).toEqual({ inside: outside })
    const map = new Map<unknown, unknown>([['inside', new Map([['big', 1n]])]])
    expect(decode({ body: map, bodyType: 'value' }).body).toEqual({ inside: { big: 1 } })
    expect(decode({ body: new Set([1n, 'a']), bodyType: 'value' }).body).toEqual([1, 'a'])
    expect(decode({ body: new Float64Array(1), bodyType: 'value' }).body).toEqual(Buffer.alloc(8))
    expect(decode({ body: new ArrayBuffer(2), bodyType: 'value' }).body).toEqual(Buffer.alloc(2))
  })

  test('keeps typed values anywhere', () => {
    const array = types.wrap_array([1, 2], 0x71, undefined as never)
    expect(decode({ body: array, bodyType: 'value' }).body).toEqual([1, 2])
    const { message_annotations } = decode({ body: '', messageAnnotations: { epoch: types.wrap_short(4) } })
    expect(message_annotations).toEqual({ epoch: 4 })
  })
})
