import fc from 'fast-check'
import rhea from 'rhea'
import { describe, expect, test } from 'vitest'
import { Described, decodeValue, skipValue } from '../../../../infra/local-hub/amqp/decoder.js'
import * as encode from '../../../../infra/local-hub/amqp/encoder.js'
import { AmqpError } from '../../../../infra/local-hub/amqp/errors.js'
import { Reader } from '../../../../infra/local-hub/amqp/reader.js'

const { types } = rhea

interface RheaCodec {
  Writer: new () => { write(value: unknown): void; toBuffer(): Buffer }
  Reader: new (bytes: Buffer) => { read(): { value: unknown; type: { name: string } }; remaining(): number }
}
const { Writer, Reader: RheaReader } = types as unknown as RheaCodec

function written(value: unknown): Buffer {
  const writer = new Writer()
  writer.write(value)
  return Buffer.from(writer.toBuffer())
}

describe('decoding', () => {
  test.each([
    ['null', types.wrap(null), null],
    ['booleans', types.wrap_list([true, false]), [true, false]],
    ['ubyte', types.wrap_ubyte(200), 200],
    ['byte', types.wrap_byte(-3), -3],
    ['ushort', types.wrap_ushort(60000), 60000],
    ['short', types.wrap_short(-300), -300],
    ['uint', types.wrap_uint(4000000000), 4000000000],
    ['small uint', types.wrap_uint(7), 7],
    ['int', types.wrap_int(-70000), -70000],
    ['ulong', types.wrap_ulong(2 ** 40), 2 ** 40],
    ['a ulong beyond exact numbers', types.wrap_ulong(Buffer.alloc(8, 0xff)), 2n ** 64n - 1n],
    ['long', types.wrap_long(-(2 ** 40)), -(2 ** 40)],
    ['small long', types.wrap_long(-5), -5],
    ['float', types.wrap_float(0.5), 0.5],
    ['double', types.wrap_double(0.1), 0.1],
    ['char', types.wrap_char(0x1f600), '😀'],
    ['timestamp', types.wrap_timestamp(1234567890123), new Date(1234567890123)],
    [
      'uuid',
      types.wrap_uuid(Buffer.from('00112233445566778899aabbccddeeff', 'hex')),
      '00112233-4455-6677-8899-aabbccddeeff',
    ],
    ['string', types.wrap_string('ä'.repeat(200)), 'ä'.repeat(200)],
    ['symbol', types.wrap_symbol('sym'), 'sym'],
    ['binary', types.wrap_binary(Buffer.from([1, 2])), Buffer.from([1, 2])],
    ['an empty list', types.wrap_list([]), []],
    [
      'map',
      types.wrap_map({ a: 1, b: [true] }),
      new Map<unknown, unknown>([
        ['a', 1],
        ['b', [true]],
      ]),
    ],
    ['array', types.wrap_array(['a', 'b'], 0xa3, undefined), ['a', 'b']],
    ['described', types.wrap_described('x', 0x468c00000004), new Described(0x468c00000004, 'x')],
  ])('reads %s as rhea writes it, and steps over it', (_, value, expected) => {
    const bytes = written(value)
    expect(decodeValue(bytes)).toEqual(expected)
    const reader = new Reader(Buffer.concat([bytes, Buffer.from([0x40])]))
    skipValue(reader)
    expect(reader.position).toBe(bytes.length)
  })

  test('whatever the bytes: a value or an AmqpError, and stepping over agrees with reading', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        const bytes = Buffer.from(noise)
        const outcome = (read: () => unknown): string => {
          try {
            read()
            return 'read'
          } catch (error) {
            expect(error).toBeInstanceOf(AmqpError)
            return 'refused'
          }
        }
        const skipped = outcome(() => {
          const reader = new Reader(bytes)
          skipValue(reader)
          if (reader.remaining > 0) throw new AmqpError('', 'more')
        })
        // A char beyond Unicode is the one thing that only reading looks at.
        if (!bytes.includes(0x73)) expect(outcome(() => decodeValue(bytes))).toBe(skipped)
      }),
      { numRuns: 3000 },
    )
  })

  test('values may be nested thirty deep, and not so deep that the stack would end', () => {
    const nested = (depth: number): Buffer => {
      let bytes = encode.nothing
      for (let i = 0; i < depth; i++) bytes = encode.list([bytes])
      return bytes
    }
    expect(JSON.stringify(decodeValue(nested(30)))).toBe(`${'['.repeat(30)}null${']'.repeat(30)}`)
    for (const depth of [40, 3000]) {
      expect(() => decodeValue(nested(depth))).toThrow('nested')
      expect(() => skipValue(new Reader(nested(depth)))).toThrow('nested')
    }
  })

  test.each([
    ['an unknown type', [0x3f]],
    ['a value that is cut off', [0xa1, 5, 0x61]],
    ['a list longer than the data', [0xc0, 200, 1, 0x40]],
    ['a list that ends early', [0xc0, 3, 1, 0x40, 0x40]],
    ['more items than bytes', [0xd0, 0, 0, 0, 4, 255, 255, 255, 255]],
    ['a map with half a pair', [0xc1, 2, 1, 0x40]],
    ['an array of nulls without end', [0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x40]],
    ['an array of empty lists without end', [0xf0, 0, 0, 0, 5, 255, 255, 255, 255, 0x45]],
    ['descriptors without end', Array.from({ length: 5000 }, () => 0)],
    ['arrays of arrays without end', Array.from({ length: 900 }, (_, i) => [0xe0, 255 - (i % 200), 1]).flat()],
  ])('%s is refused at once', (_, bytes) => {
    expect(() => decodeValue(Buffer.from(bytes))).toThrow(AmqpError)
    expect(() => skipValue(new Reader(Buffer.from(bytes)))).toThrow(AmqpError)
  })
})

describe('encoding', () => {
  test.each([
    ['null', encode.nothing, 'Null', null],
    ['true', encode.boolean(true), 'True', true],
    ['ubyte', encode.ubyte(7), 'Ubyte', 7],
    ['ushort', encode.ushort(700), 'Ushort', 700],
    ['short', encode.short(-7), 'Short', -7],
    ['zero', encode.uint(0), 'Uint0', 0],
    ['a small uint', encode.uint(255), 'SmallUint', 255],
    ['uint', encode.uint(256), 'Uint', 256],
    ['int', encode.int(-1), 'Int', -1],
    ['ulong zero', encode.ulong(0), 'Ulong0', 0],
    ['a small ulong', encode.ulong(255), 'SmallUlong', 255],
    ['ulong', encode.ulong(2 ** 40), 'Ulong', 2 ** 40],
    ['long', encode.long(0), 'Long', 0],
    ['double', encode.double(0.1), 'Double', 0.1],
    ['timestamp', encode.timestamp(5.9), 'Timestamp', new Date(5)],
    ['a short string', encode.string('é'), 'Str8', 'é'],
    ['a long string', encode.string('é'.repeat(200)), 'Str32', 'é'.repeat(200)],
    ['symbol', encode.symbol('s'), 'Sym8', 's'],
    ['a long binary', encode.binary(Buffer.alloc(256)), 'Vbin32', Buffer.alloc(256)],
  ])('writes %s as rhea reads it', (_, bytes, name, value) => {
    const reader = new RheaReader(bytes)
    const read = reader.read()
    expect([read.type.name, read.value, reader.remaining()]).toEqual([name, value, 0])
  })

  test('writes lists, maps and arrays of every size', () => {
    for (const size of [0, 1, 100, 300, 70_000]) {
      const text = 'x'.repeat(size)
      expect(decodeValue(encode.list([encode.string(text), encode.nothing]))).toEqual([text, null])
      expect(decodeValue(encode.stringMap({ [text]: encode.int(1) }))).toEqual(new Map([[text, 1]]))
      expect(decodeValue(encode.symbolArray([text, text]))).toEqual([text, text])
    }
    expect(decodeValue(encode.stringArray(Array.from({ length: 300 }, String)))).toHaveLength(300)
    expect(types.unwrap(new RheaReader(encode.stringArray(['0', '1'])).read())).toEqual(['0', '1'])
  })
})
