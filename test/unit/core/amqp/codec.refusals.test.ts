import { types } from 'rhea-promise'
import { describe, expect, test } from 'vitest'
import { amqpCodec } from '../../../../core/amqp/codec.js'
import { everythingShownBy, thrownBy } from '../../../support/thrown.js'

const secret = 'nobody-may-see-this'
const secretNumber = 918_273_645

/** What refusing this event shows; fails unless that is a TypeError naming `field` and nothing of the secrets. */
function refusal(event: unknown, field: string): string {
  const error = thrownBy(() => amqpCodec.encode(event as never, undefined))
  expect(error).toBeInstanceOf(TypeError)
  expect(error.message).toContain(field)
  expect(everythingShownBy(error)).not.toContain(secret)
  expect(everythingShownBy(error).replace(/[_,]/g, '')).not.toContain(String(secretNumber))
  return error.message
}

const circle: Record<string, unknown> = { secret }
circle.again = { circle }

describe('what is no event', () => {
  test.each([
    ['a string', secret, 'sendEvent({ body: value })'],
    ['nothing', undefined, 'sendEvent({ body: value })'],
    ['an array', [{ body: secret }], 'sendEvent({ body: value })'],
    ['an object without a body', { data: secret }, 'body'],
    ['a body without a JSON form', { body: () => secret }, 'body'],
    ['a body that holds itself', { body: circle }, 'body'],
  ])('is refused, saying what to pass: %s', (_, event, hint) => {
    refusal(event, hint)
  })
})

describe('a malformed field of EventData', () => {
  test.each([
    ['contentType', secretNumber],
    ['contentType', { secret }],
    ['contentType', `text/plain; name=${secret}-é`],
    ['messageId', -secretNumber],
    ['messageId', secretNumber + 0.5],
    ['messageId', { secret }],
    ['messageId', BigInt(secretNumber)],
    ['correlationId', true],
    ['correlationId', [secret]],
    ['properties', secret],
    ['properties', [secret]],
    ['properties', new Map([['secret', secret]])],
    ['properties', () => secret],
  ])('is a TypeError that names it and shows nothing: %s (%#)', (field, value) => {
    refusal({ body: secret, [field]: value }, field)
  })

  test.each([
    ['an object', { secret }],
    ['an array', [secret]],
    ['a function', () => secret],
    ['a symbol', Symbol(secret)],
    ['a map', new Map([[secret, 1]])],
    ['an invalid date', new Date(Number.NaN)],
    ['a bigint beyond 64 bits', BigInt(secretNumber) * 2n ** 64n],
    ['a bigint below 64 bits', -BigInt(secretNumber) * 2n ** 63n],
    ['a typed value that its type cannot hold', types.wrap_ubyte(secretNumber)],
  ])('that is a property with %s names the property', (_, value) => {
    refusal({ body: secret, properties: { fine: 1, 'the property': value } }, "'the property'")
  })

  test('is found among good ones, and good ones alone are taken', () => {
    const properties = { a: 1, b: { secret }, c: 2 }
    refusal({ body: secret, properties }, "'b'")
    expect(() => amqpCodec.encode({ body: secret, properties: { a: 1, c: 2 } }, undefined)).not.toThrow()
  })
})

describe('a malformed field of an AmqpAnnotatedMessage', () => {
  const beyond32 = secretNumber * 100
  test.each([
    ['header', 'durable', secret],
    ['header', 'priority', 256],
    ['header', 'priority', -1],
    ['header', 'priority', 1.5],
    ['header', 'priority', secret],
    ['header', 'timeToLive', beyond32],
    ['header', 'timeToLive', -secretNumber],
    ['header', 'timeToLive', Number.NaN],
    ['header', 'firstAcquirer', 1],
    ['header', 'deliveryCount', beyond32],
    ['properties', 'messageId', -secretNumber],
    ['properties', 'userId', secretNumber],
    ['properties', 'to', secretNumber],
    ['properties', 'subject', { secret }],
    ['properties', 'replyTo', [secret]],
    ['properties', 'correlationId', { secret }],
    ['properties', 'contentType', `${secret}é`],
    ['properties', 'contentEncoding', secretNumber],
    ['properties', 'absoluteExpiryTime', secret],
    ['properties', 'absoluteExpiryTime', Number.NaN],
    ['properties', 'creationTime', Number.POSITIVE_INFINITY],
    ['properties', 'creationTime', new Date(Number.NaN)],
    ['properties', 'groupId', secretNumber],
    ['properties', 'groupSequence', -secretNumber],
    ['properties', 'replyToGroupId', true],
  ])('is a TypeError that names it and shows nothing: %s.%s (%#)', (section, field, value) => {
    refusal({ body: secret, bodyType: 'data', [section]: { [field]: value } }, `${section}.${field}`)
  })

  test.each(['messageAnnotations', 'deliveryAnnotations', 'footer', 'applicationProperties'])(
    '%s must be an object of names and values that AMQP knows',
    (section) => {
      for (const wrong of [secret, secretNumber, [secret], new Map([[secret, secret]])]) {
        refusal({ body: secret, bodyType: 'data', [section]: wrong }, section)
      }
      for (const value of [() => secret, Symbol(secret), new Date(Number.NaN), BigInt(secretNumber) * 2n ** 64n]) {
        refusal({ body: secret, bodyType: 'data', [section]: { 'its-name': value } }, 'its-name')
      }
    },
  )

  test.each(['messageAnnotations', 'deliveryAnnotations', 'footer'])('%s have names in ASCII', (section) => {
    refusal({ body: secret, [section]: { имя: secret } }, section)
  })

  test.each([
    ['a function deep inside', { list: [{ deep: () => secret }] }],
    ['an invalid date deep inside', [[new Date(Number.NaN)]]],
    ['itself', circle],
    ['a typed value that its type cannot hold', [types.wrap_short(secretNumber)]],
  ])('is a body that holds %s', (_, body) => {
    refusal({ body, bodyType: 'value' }, 'body')
    refusal({ body: [body], bodyType: 'sequence' }, 'body')
    refusal({ body: '', messageAnnotations: { 'its-name': body } }, 'its-name')
  })

  test('is a sequence that is no list, and a body type that does not exist', () => {
    refusal({ body: secret, bodyType: 'sequence' }, "'sequence'")
    refusal({ body: 'b', bodyType: secret }, "'data', 'sequence' or 'value'")
  })

  test('is a field of EventData where it does not belong', () => {
    refusal({ body: 'b', bodyType: 'data', contentType: secret }, 'properties.contentType')
  })
})
