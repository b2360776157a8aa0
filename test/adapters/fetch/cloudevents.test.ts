import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBase64 } from '../../../adapters/fetch/cloudevents/base64.js'
import { decodeHeaderValue, parseHttpCloudEvent } from '../../../adapters/fetch/cloudevents/http-binary.js'
import { parseJsonCloudEvent } from '../../../adapters/fetch/cloudevents/json-format.js'
import { topLevelParts } from '../../../adapters/fetch/cloudevents/json-text.js'
import { isUtf8, parseMediaType } from '../../../adapters/fetch/cloudevents/media-type.js'
import { isTimestamp } from '../../../adapters/fetch/cloudevents/timestamp.js'
import { isUri, isUriReference } from '../../../adapters/fetch/cloudevents/uri.js'

describe('timestamps (RFC 3339)', () => {
  test.each([
    '2018-04-05T17:31:00Z',
    '2018-04-05t17:31:00z',
    '2018-04-05T17:31:00.123456789+23:59',
    '2024-02-29T00:00:00-00:00',
    '2000-02-29T00:00:00Z',
    '1990-12-31T23:59:60Z',
    '1990-12-31T15:59:60-08:00',
    '1991-01-01T01:29:60.5+01:30',
  ])('%s is one', (text) => {
    expect(isTimestamp(text)).toBe(true)
  })

  test.each([
    '',
    '2018-04-05',
    '2018-04-05T17:31Z',
    '2018-04-05T17:31:00',
    '2018-04-05 17:31:00Z',
    '2018-04-05T17:31:00.Z',
    '2018-04-05T17:31:00+0100',
    '2018-13-05T17:31:00Z',
    '2018-00-05T17:31:00Z',
    '2018-04-31T17:31:00Z',
    '2018-04-00T17:31:00Z',
    '2023-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2018-04-05T24:00:00Z',
    '2018-04-05T17:60:00Z',
    '2018-04-05T17:31:61Z',
    '2018-04-05T17:31:60Z',
    '2018-04-05T17:31:00+24:00',
    '2018-04-05T17:31:00+01:60',
    ' 2018-04-05T17:31:00Z',
    '2018-04-05T17:31:00Z\n',
    '٢٠١٨-04-05T17:31:00Z',
  ])('%j is none', (text) => {
    expect(isTimestamp(text)).toBe(false)
  })
})

describe('URIs (RFC 3986)', () => {
  test.each([
    'https://github.com/cloudevents',
    'mailto:cncf-wg-serverless@lists.cncf.io',
    'urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66',
    'http://user:pw@[2001:db8::1]:8080/a?b=c#d',
    'file:///etc/hosts',
    'x:',
  ])('%s is a URI and a reference', (text) => {
    expect([isUri(text), isUriReference(text)]).toEqual([true, true])
  })

  test.each([
    'cloudevents/spec/pull/123',
    '/sensors/tn-1234567/alerts',
    '1-555-123-4567',
    '//host/p',
    '?q',
    '#f',
    './a:b',
    '',
  ])('%j is a reference alone', (text) => {
    expect([isUri(text), isUriReference(text)]).toEqual([false, true])
  })

  test.each([
    'a b',
    'a:b c',
    '%zz',
    'a%2',
    '1a:b',
    ':x',
    'http://a b/',
    'a#b#c',
    'a[b]',
    '\u00e9',
    '<x>',
    'a\n',
    'http://h:8x/',
    'a\\b',
  ])('%j is neither', (text) => {
    expect([isUri(text), isUriReference(text)]).toEqual([false, false])
  })
})

test('base64 is decoded when it is the one padded form, whatever the bytes', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 50 }), (bytes) => {
      expect(decodeBase64(Buffer.from(bytes).toString('base64'))).toEqual(bytes)
    }),
  )
  for (const text of ['A', 'AA', 'AAA', '====', '=AAA', 'AA=A', 'AAAA\n', 'AA A', 'AA-_', 'AAAA=']) {
    expect(decodeBase64(text), text).toBeUndefined()
  }
})

describe('header values', () => {
  test('what the specification says to encode comes back, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const encoded = [...text].map((character) =>
          /[!#-$&-~]/.test(character) ? character : encodeURIComponent(character),
        )
        expect(decodeHeaderValue(encoded.join(''))).toBe(text)
      }),
    )
  })

  test.each([
    ['"quoted \\"text\\" \\\\"', 'quoted "text" \\'],
    ['%e2%82%AC', '€'],
    ['%41', 'A'],
    ['100% sure', '100% sure'],
    ['"%22"', '"'],
    ['"open', '"open'],
    ['', ''],
  ])('%s means %s', (raw, value) => {
    expect(decodeHeaderValue(raw)).toBe(value)
  })

  test.each(['%C0%A0', '%ED%A0%80', '%F4%90%80%80', '%80', '%E2%82', 'caf\xe9', 'a\tb'])('%s is refused', (raw) => {
    expect(decodeHeaderValue(raw)).toBeUndefined()
  })
})

test.each([
  ['/a%2520b', '/a%20b', 'as the binding encodes it'],
  ['/a%20b', '/a%20b', 'as a sender writes it that does not encode'],
  ['https://x/caf%C3%A9', 'https://x/caf%C3%A9', 'as a sender writes it that does not encode'],
  ['/plain', '/plain', 'without an escape'],
])('the source %s in a header is %s: %s', (header, source) => {
  const headers = new Headers({ 'ce-id': '1', 'ce-type': 't', 'ce-specversion': '1.0', 'ce-source': header })
  expect(parseHttpCloudEvent(headers, new Uint8Array(0))).toMatchObject({ attributes: { source } })
})

describe('the parts of a JSON text', () => {
  test('mean what the elements mean, and are the very text, whatever the spacing', () => {
    const spacing = fc.constantFrom(undefined, 1, '\t', '\n \r')
    fc.assert(
      fc.property(fc.array(fc.jsonValue({ maxDepth: 5 })), spacing, (values, indent) => {
        const text = JSON.stringify(values, null, typeof indent === 'string' && indent.includes('\n') ? 0 : indent)
        const parts = topLevelParts(text)
        expect(parts.map((part) => JSON.parse(part))).toEqual(JSON.parse(text))
        expect(parts.every((part) => text.includes(part) && part === part.trim())).toBe(true)
      }),
    )
  })

  test('of an object are its names and values in turn', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (object) => {
        const parts = topLevelParts(JSON.stringify(object, null, 2)).map((part) => JSON.parse(part))
        const expected: unknown[] = Object.entries(JSON.parse(JSON.stringify(object))).flat(1)
        expect(parts).toEqual(expected)
      }),
    )
  })

  test('strings of backslashes and quotes do not mislead, and cost no more than their length', () => {
    const values = ['\\', '\\\\', '"', '\\"', '[', '],[', '{"a":', '\\'.repeat(200_000), '"'.repeat(200_000)]
    expect(topLevelParts(JSON.stringify(values)).map((part) => JSON.parse(part))).toEqual(values)
  })
})

test('media types are read with their parameters, quoted or not', () => {
  expect(parseMediaType('Application/JSON ; a="x;charset=no" ; Charset="UTF-8"')).toEqual({
    essence: 'application/json',
    charset: 'utf-8',
  })
  expect(parseMediaType('text/plain')).toEqual({ essence: 'text/plain', charset: undefined })
  for (const text of ['', 'json', 'a/b c', 'a/b/c', '/b', 'a/', 'ä/b'])
    expect(parseMediaType(text), text).toBeUndefined()
  expect(['utf-8', 'utf8', 'us-ascii', undefined].every(isUtf8)).toBe(true)
  expect(['utf-16', 'iso-8859-1', ''].some(isUtf8)).toBe(false)
})

describe('the JSON format', () => {
  const required = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const parse = (text: string) => parseJsonCloudEvent(JSON.parse(text), text)
  const invalid = (event: object) => {
    const parsed = parse(JSON.stringify({ ...required, ...event }))
    return 'invalid' in parsed ? parsed.invalid : undefined
  }

  test('null is unset', () => {
    expect(parse(JSON.stringify({ ...required, subject: null, time: null, ext: null, data_base64: null }))).toEqual({
      attributes: required,
      data: undefined,
      dataContentType: undefined,
    })
  })

  test.each([
    ['data beside data_base64', { data: 1, data_base64: 'AA==' }, /not both/],
    ['data: null beside data_base64', { data: null, data_base64: 'AA==' }, /not both/],
    ['data_base64 that is no string', { data_base64: 5 }, /base64/],
    ['data_base64 of another alphabet', { data_base64: '_-==' }, /base64/],
    ['an object that is said to be text', { datacontenttype: 'text/plain', data: {} }, /must be a string/],
    ['text in another charset', { datacontenttype: 'text/plain; charset=latin1', data: 'é' }, /UTF-8/],
    ['text with half a surrogate pair', { datacontenttype: 'text/plain', data: '\ud800' }, /surrogate/],
    ['an attribute that is an object', { ext: {} }, /string, a whole number, a boolean/],
    ['an attribute that is an array', { ext: ['x'] }, /string, a whole number, a boolean/],
    ['an integer of more than 32 bits', { ext: 2 ** 31 }, /32 bits/],
    ['a fraction', { ext: 1.5 }, /whole number/],
    ['a NUL character', { ext: 'a\u0000b' }, /bars/],
    ['half a surrogate pair', { id: 'a\udead' }, /bars/],
    ['a noncharacter', { ext: '\ufdd0' }, /bars/],
    ['a number as id', { id: 5 }, /id is required/],
    ['a number as subject', { subject: 5 }, /subject/],
    ['an empty subject', { subject: '' }, /subject/],
    ['a relative dataschema', { dataschema: '/x' }, /dataschema/],
    ['a time that is none', { time: 'yesterday' }, /time/],
    ['a content type that is none', { datacontenttype: 'json' }, /datacontenttype/],
    ['a content type that AMQP cannot carry', { datacontenttype: 'text/plain; a="é"' }, /datacontenttype/],
    ['version 0.3', { specversion: '0.3' }, /specversion/],
    ['an upper-case name', { Ext: 'x' }, /lower-case/],
    ['a name with an underscore', { my_ext: 'x' }, /lower-case/],
    ['an empty name', { '': 'x' }, /lower-case/],
  ])('%s is refused', (_, event, message) => {
    expect(invalid(event)).toMatch(message)
  })

  test('a member that is given twice is refused, however its name is written', () => {
    const twice = '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1,"d\\u0061ta":2}'
    expect(parse(twice)).toEqual({ invalid: 'A member of the event is given twice.', id: '1' })
  })

  test('names of JavaScript objects are no trap: __proto__ is refused, constructor is an extension', () => {
    const text = (name: string) => `{"specversion":"1.0","id":"1","source":"/s","type":"t","${name}":"x"}`
    expect(parse(text('__proto__'))).toHaveProperty('invalid')
    const parsed = parse(text('constructor'))
    expect('attributes' in parsed && Object.entries(parsed.attributes)).toContainEqual(['constructor', 'x'])
  })
})
