import { describe, expect, test } from 'vitest'
import { assertIsEvent, bodyToBytes, isAmqpAnnotatedMessage } from '../../../core/event-data.js'
import { everythingShownBy, thrownBy } from '../../support/thrown.js'

const text = (bytes: Uint8Array) => new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
const secret = 'the-body-nobody-may-see'

describe('a body', () => {
  test('of bytes is those bytes, whatever view they are seen through', () => {
    const bytes = new Uint8Array([1, 2, 3, 4, 5])
    expect(bodyToBytes(bytes)).toBe(bytes)
    expect([...bodyToBytes(bytes.subarray(1, 3))]).toEqual([2, 3])
    expect([...bodyToBytes(bytes.buffer)]).toEqual([1, 2, 3, 4, 5])
    expect([...bodyToBytes(new DataView(bytes.buffer, 2, 2))]).toEqual([3, 4])
    expect([...bodyToBytes(Buffer.from('hi'))]).toEqual([104, 105])
    expect(bodyToBytes(new Uint8Array())).toHaveLength(0)
  })

  test('that is a string is its UTF-8, without quotes', () => {
    expect([...bodyToBytes('é😀')]).toEqual([0xc3, 0xa9, 0xf0, 0x9f, 0x98, 0x80])
    expect(bodyToBytes('')).toHaveLength(0)
    // A lone surrogate has no UTF-8; it becomes the replacement character, as everywhere.
    expect(text(bodyToBytes('a\ud800'))).toBe('a\ufffd')
  })

  test.each([
    [{ a: 1, nested: { b: [null, true] } }, '{"a":1,"nested":{"b":[null,true]}}'],
    [[1, 'two'], '[1,"two"]'],
    [42, '42'],
    [true, 'true'],
    [null, 'null'],
    [new Date(0), '"1970-01-01T00:00:00.000Z"'],
    [{ toJSON: () => 'as it says' }, '"as it says"'],
  ])('of any other kind is JSON (%#)', (body, json) => {
    expect(text(bodyToBytes(body))).toBe(json)
  })

  const circular: Record<string, unknown> = { [secret]: secret }
  circular[secret] = circular
  test.each([
    ['a function', () => secret, 'function'],
    ['a symbol', Symbol(secret), 'symbol'],
    ['undefined from toJSON', { toJSON: () => undefined }, 'object'],
    ['a circle', circular, 'object'],
    ['a bigint', { [secret]: 1n }, 'object'],
    [
      'a toJSON that throws',
      {
        toJSON() {
          throw new Error(secret)
        },
      },
      'object',
    ],
  ])('without a JSON form is a TypeError that says what to pass and shows nothing of it: %s', (_, body, kind) => {
    const error = thrownBy(() => bodyToBytes(body))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(kind)
    expect(error.message).toContain('JSON')
    expect(error.message).toContain('string')
    expect(error.message).not.toContain(secret)
  })
})

describe('an event', () => {
  test.each([
    { body: 'x' },
    { body: null },
    { body: '' },
    { body: 0, properties: {} },
    Object.create({ body: 'inherited' }),
  ])('needs a body and nothing else (%#)', (event) => {
    expect(() => assertIsEvent(event)).not.toThrow()
  })

  test.each([
    ['a string', secret, /received a string.*sendEvent\(\{ body: value \}\)/],
    ['a number', 5, /received a number/],
    ['null', null, /received null/],
    ['undefined', undefined, /received a?n? ?undefined/],
    ['an array', [{ body: secret }], /received an array/],
    ['bytes', new Uint8Array([1]), /received Uint8Array/],
    ['a Buffer', Buffer.from(secret), /received Buffer/],
    ['no body', { boddy: secret }, /needs a body/],
    ['a body of undefined', { body: undefined, messageId: secret }, /needs a body.*null for JSON null/],
  ])('that is %s is a TypeError that says what to pass and shows nothing of it', (_, event, message) => {
    const error = thrownBy(() => assertIsEvent(event))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toMatch(message)
    expect(everythingShownBy(error)).not.toContain(secret)
  })

  test('is an AmqpAnnotatedMessage when it has a field that EventData lacks', () => {
    for (const field of [
      { bodyType: 'data' },
      { header: {} },
      { applicationProperties: {} },
      { messageAnnotations: {} },
      { deliveryAnnotations: {} },
      { footer: {} },
    ]) {
      expect(isAmqpAnnotatedMessage({ body: 'x', ...field } as never)).toBe(true)
    }
    expect(isAmqpAnnotatedMessage({ body: 'x' })).toBe(false)
    expect(isAmqpAnnotatedMessage({ body: 'x', properties: { subject: 's' } })).toBe(false)
    expect(isAmqpAnnotatedMessage({ body: 'x', contentType: 'c', messageId: 1, correlationId: 'd' })).toBe(false)
    expect(isAmqpAnnotatedMessage({ body: 'x', bodyType: undefined, footer: undefined } as never)).toBe(false)
  })

  test.each(['contentType', 'messageId', 'correlationId'])(
    'that mixes %s with the fields of an AmqpAnnotatedMessage is refused, saying where it belongs',
    (name) => {
      const error = thrownBy(() => assertIsEvent({ body: 'x', applicationProperties: {}, [name]: secret }))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain(`properties.${name}`)
      expect(error.message).not.toContain(secret)
      expect(() => assertIsEvent({ body: 'x', applicationProperties: {}, [name]: undefined })).not.toThrow()
    },
  )
})
