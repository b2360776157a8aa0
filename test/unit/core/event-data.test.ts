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
    [{ toJSON: () => null }, 'null'],
  ])('of any other kind is JSON (%#)', (body, json) => {
    expect(text(bodyToBytes(body))).toBe(json)
  })

  test.each([
    ['a Promise', Promise.resolve({ secret })],
    ['a Map', new Map([[secret, 1]])],
    ['a Set', new Set([secret])],
    ['an Error', new Error(secret)],
    ['a ReadableStream', new ReadableStream()],
    ['a Response', new Response(secret)],
    ['a Blob', new Blob([secret])],
    ['a SharedArrayBuffer', new SharedArrayBuffer(1)],
  ])('that JSON would make {} of is a TypeError, and not an event without its content: %s', (kind, body) => {
    const error = thrownBy(() => bodyToBytes(body))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(`An event body that is ${kind} has no JSON form`)
    expect(error.message).not.toContain(secret)
  })

  test.each([Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, new Date(Number.NaN)])(
    'that JSON would make null of is a TypeError, and not an event of null: %s',
    (body) => {
      const error = thrownBy(() => bodyToBytes(body))
      expect(error).toBeInstanceOf(TypeError)
      expect(error.message).toContain('NaN, an infinity or an invalid date has no JSON form')
      expect(text(bodyToBytes(null))).toBe('null')
    },
  )

  test('that is an empty object, or all of whose fields are undefined, is {}', () => {
    for (const body of [{}, { a: undefined }, Object.create(null), new (class Own {})()]) {
      expect(text(bodyToBytes(body))).toBe('{}')
    }
    expect(text(bodyToBytes({ toJSON: () => ({}) }))).toBe('{}')
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
    ['undefined', undefined, /received undefined/],
    ['an array', [{ body: secret }], /received an array/],
    ['bytes', new Uint8Array([1]), /received a Uint8Array/],
    ['a Buffer', Buffer.from(secret), /received a Uint8Array/],
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

describe('a field that no event has', () => {
  const refusal = (event: object) => {
    const error = thrownBy(() => assertIsEvent(event))
    expect(error).toBeInstanceOf(TypeError)
    expect(everythingShownBy(error)).not.toContain(secret)
    return error.message
  }

  test.each(['partitionKey', 'partitionId', 'timeoutInMs', 'abortSignal'])(
    'is refused where it is an option: %s belongs in the second argument',
    (name) => {
      expect(refusal({ body: 'x', [name]: secret })).toContain(
        `An event has no field "${name}". It belongs in the second argument, sendEvent(event, { ${name} })`,
      )
    },
  )

  test.each(['subject', 'to', 'replyTo', 'userId', 'contentEncoding', 'groupId', 'absoluteExpiryTime'])(
    'is refused where it is one of AMQP’s properties: %s belongs in those of an AmqpAnnotatedMessage',
    (name) => {
      expect(refusal({ body: 'x', [name]: secret })).toContain(`properties: { ${name} }`)
      const event = { body: 'x', bodyType: 'data', properties: { [name]: 'y' } }
      expect(() => assertIsEvent(event)).not.toThrow()
    },
  )

  test.each([
    ['content_type', 'contentType'],
    ['contenttype', 'contentType'],
    ['message_id', 'messageId'],
    ['messageID', 'messageId'],
    ['propertise', 'properties'],
    ['application_properties', 'applicationProperties'],
    ['partition_key', 'partitionKey'],
    ['partitonKey', 'partitionKey'],
  ])('is refused with what was meant: %s is %s', (name, meant) => {
    expect(refusal({ body: 'x', [name]: secret })).toBe(`An event has no field "${name}". Did you mean ${meant}?`)
  })

  test('is refused with what to do where nothing is near: an object with a body that was to be the body', () => {
    expect(refusal({ id: 7, body: secret, title: secret })).toMatch(
      /^An event has no field "id"\. .*sendEvent\(\{ body: object \}\)/,
    )
    expect(refusal({ body: 'x', annotations: {} })).toContain('"annotations"')
    expect(refusal({ body: 'x', systemProperties: { 'x-opt-a': secret } })).toContain('"systemProperties"')
    expect(refusal({ body: 'x', offset: '7', sequenceNumber: 7 })).toContain('"offset"')
  })

  test('is refused where it is inherited, and where its value is null', () => {
    expect(refusal(Object.assign(Object.create({ partitionKey: secret }), { body: 'x' }))).toContain('partitionKey')
    expect(refusal({ body: 'x', partitionKey: null })).toContain('partitionKey')
  })

  test('is none where its value is undefined, as when an option was left out', () => {
    const event = { body: 'x', partitionKey: undefined, subject: undefined, nonsense: undefined }
    expect(() => assertIsEvent(event)).not.toThrow()
  })

  test('is none where it is a method of a class, or its name a symbol', () => {
    const mark = Symbol('mark')
    class OrderEvent {
      readonly body = 'x'
      readonly [mark] = 1
      describe(): string {
        return 'an order'
      }
    }
    expect(() => assertIsEvent(new OrderEvent())).not.toThrow()
  })

  test('may be the business of whoever asks, and no one else’s', () => {
    const event = { body: 'x', partitionKey: 'k' }
    expect(() => assertIsEvent(event, new Set(['partitionKey']))).not.toThrow()
    expect(() => assertIsEvent({ ...event, partitionId: '0' }, new Set(['partitionKey']))).toThrow('partitionId')
  })

  describe('in a section of an AmqpAnnotatedMessage', () => {
    test('is refused: properties are AMQP’s own there, and the application’s would be lost', () => {
      const event = { body: 'x', messageAnnotations: {}, properties: { tenant: secret } }
      expect(refusal(event)).toBe(
        'The properties of an AmqpAnnotatedMessage are AMQP\'s own, which have no "tenant". Pass your own as applicationProperties.',
      )
      const { messageAnnotations: _, ...plain } = event
      expect(() => assertIsEvent(plain)).not.toThrow()
    })

    test('is refused with what was meant', () => {
      const properties = { message_id: secret }
      expect(refusal({ body: 'x', header: {}, properties })).toContain('Did you mean messageId?')
      expect(refusal({ body: 'x', header: { ttl: 5 } })).toContain('Known: durable, priority, timeToLive')
      expect(refusal({ body: 'x', header: { time_to_live: 5 } })).toContain('Did you mean timeToLive?')
    })

    test('is none where its value is undefined', () => {
      const event = { body: 'x', header: { ttl: undefined }, properties: { tenant: undefined } }
      expect(() => assertIsEvent(event)).not.toThrow()
    })
  })
})

describe('an event that another client received', () => {
  const received = {
    body: 'x',
    contentType: 'text/plain',
    messageId: 'm',
    correlationId: undefined,
    properties: { a: 1 },
    enqueuedTimeUtc: new Date(0),
    sequenceNumber: 7,
    offset: '4096',
    partitionKey: 'k',
    systemProperties: { 'x-opt-custom': 'y' },
    getRawAmqpMessage: () => ({ body: 'x' }),
  }

  test('is one as it is: what the service told of it is left out', () => {
    expect(() => assertIsEvent(received)).not.toThrow()
    expect(() => assertIsEvent({ ...received, partitionKey: null })).not.toThrow()
    expect(isAmqpAnnotatedMessage(received as never)).toBe(false)
  })

  test('has no other field of no event', () => {
    expect(() => assertIsEvent({ ...received, subject: 's' })).toThrow('"subject"')
    expect(() => assertIsEvent({ ...received, partitionId: '0' })).toThrow('"partitionId"')
  })

  test('is told by what the service alone knows: without it, the same fields are refused', () => {
    for (const told of ['enqueuedTimeUtc', 'sequenceNumber']) {
      const fresh = { ...received, [told]: undefined }
      expect(() => assertIsEvent(fresh)).toThrow(TypeError)
    }
  })
})
