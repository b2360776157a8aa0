import rhea, { type Message } from 'rhea'
import { describe, expect, test } from 'vitest'
import * as encode from '../../../../infra/local-hub/amqp/encoder.js'
import { scanMessage, scanSections, section, withAnnotations } from '../../../../infra/local-hub/message-bytes.js'

const message = (fields: Partial<Message>): Buffer =>
  rhea.message.encode({ body: rhea.message.data_section(Buffer.from('x')), ...fields })
const additions = { message: { 'x-opt-offset': encode.string('7') } }

describe('adding annotations to an encoded message', () => {
  test.each([
    ['without any', {}],
    ['with others', { message_annotations: { mine: 1 } }],
    ['with names that every object knows', { message_annotations: { constructor: 1, toString: 2 } }],
    ['with one of the same name', { message_annotations: { 'x-opt-offset': 'forged', mine: 1 } }],
    [
      'with every other section',
      {
        durable: true,
        delivery_annotations: { hop: 1 },
        message_id: 'm',
        application_properties: { a: 1 },
        footer: { f: 1 },
      },
    ],
  ])('to one %s', (_, fields: Partial<Message>) => {
    const bytes = message(fields)
    const result = withAnnotations(bytes, additions)
    scanMessage(result)
    const decoded = rhea.message.decode(result)
    expect(decoded.message_annotations).toEqual({ ...fields.message_annotations, 'x-opt-offset': '7' })
    const { message_annotations: _added, ...rest } = { ...decoded }
    const { message_annotations: _before, ...original } = { ...rhea.message.decode(bytes) }
    expect(rest).toEqual(original)
  })

  test('delivery annotations come second, before the message annotations', () => {
    const bytes = message({ durable: true })
    const result = withAnnotations(bytes, { ...additions, delivery: { last: encode.long(1) } })
    expect(
      scanMessage(result)
        .map(({ code }) => code)
        .slice(0, 3),
    ).toEqual([section.header, section.deliveryAnnotations, section.messageAnnotations])
  })
})

describe('scanning', () => {
  const part = (code: number, value: Buffer): Buffer => encode.described(code, value)
  const data = part(section.data, encode.binary(Buffer.from('x')))
  const header = part(section.header, encode.list([encode.boolean(true)]))
  const annotations = part(section.messageAnnotations, encode.map([]))

  test('knows sections by symbol as well as by number', () => {
    const symbolic = Buffer.concat([
      Buffer.from([0]),
      encode.symbol('amqp:data:binary'),
      encode.binary(Buffer.from('x')),
    ])
    expect(scanMessage(symbolic)).toMatchObject([{ code: section.data, start: 0, end: symbolic.length }])
  })

  test('allows several data sections, and nothing out of order', () => {
    expect(scanMessage(Buffer.concat([header, annotations, data, data])).map(({ code }) => code)).toEqual([
      0x70, 0x72, 0x75, 0x75,
    ])
    for (const wrong of [
      [annotations, header, data],
      [header, header, data],
      [data, annotations],
      [data, part(section.value, encode.nothing)],
      [part(section.value, encode.nothing), part(section.value, encode.nothing)],
    ]) {
      expect(() => scanSections(Buffer.concat(wrong))).toThrow('out of order')
    }
  })

  test('allows a footer before the body, where rhea writes it, and behind it, where it belongs', () => {
    const footer = part(section.footer, encode.map([]))
    const codes = (...parts: Buffer[]): number[] => scanMessage(Buffer.concat(parts)).map(({ code }) => code)
    expect(codes(footer, data, data)).toEqual([0x78, 0x75, 0x75])
    expect(codes(data, footer)).toEqual([0x75, 0x78])
    expect(() => codes(data, footer, data)).toThrow('out of order')
    expect(() => codes(footer, data, footer)).toThrow('out of order')
  })

  test('refuses unknown sections, wrong values and what is no section at all', () => {
    expect(() => scanSections(part(0x6f, encode.nothing))).toThrow('unknown section')
    expect(() => scanSections(part(section.header, encode.map([])))).toThrow('wrong type')
    expect(() => scanSections(part(section.data, encode.string('x')))).toThrow('wrong type')
    expect(() => scanSections(encode.string('x'))).toThrow('no descriptor')
    expect(() => scanMessage(header)).toThrow('no body')
  })
})
