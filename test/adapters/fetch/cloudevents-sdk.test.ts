import { CloudEvent, HTTP } from 'cloudevents'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { CloudEvent as OurCloudEvent } from '../../../adapters/fetch/cloudevents/attributes.js'
import { parseHttpCloudEvent } from '../../../adapters/fetch/cloudevents/http-binary.js'
import { parseJsonCloudEvent } from '../../../adapters/fetch/cloudevents/json-format.js'
import { writeJsonCloudEvent } from '../../../adapters/fetch/cloudevents/write-json.js'

/** The parser at the door against the CloudEvents SDK, which cannot load at the edge. */

type Members = Record<string, unknown>
type SdkEvent = CloudEvent<unknown>

function sdkParse(members: Members): SdkEvent | undefined {
  try {
    const event = new CloudEvent<unknown>(members as never, true)
    // For another specversion it says false instead of throwing.
    return event.validate() ? event : undefined
  } catch {
    return undefined
  }
}

function ourParse(members: Members): OurCloudEvent | undefined {
  const text = JSON.stringify(members)
  const parsed = parseJsonCloudEvent(JSON.parse(text), text)
  return 'invalid' in parsed ? undefined : parsed
}

/** Attributes as the SDK holds them; it keeps unset ones as undefined or null. */
function sdkAttributes(event: SdkEvent): Members {
  const entries = Object.entries(event).filter(([, value]) => value !== undefined && value !== null)
  return Object.fromEntries(entries.filter(([name]) => name !== 'data' && name !== 'data_base64'))
}

function dataOf({ data, dataContentType }: OurCloudEvent): unknown {
  if (data instanceof Uint8Array || data === undefined) return data
  return dataContentType?.includes('json') ? JSON.parse(data) : data
}

const absent = Symbol('absent')
const optional = (...arbitraries: fc.Arbitrary<unknown>[]) => fc.oneof(fc.constant(absent), ...arbitraries)
const mostly = <T>(usual: fc.Arbitrary<T>, rare: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 15, arbitrary: usual }, { weight: 1, arbitrary: rare })
/** Text that both take: the SDK does not look for what CloudEvents bars, see the deviations below. */
const text = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((value) => !/[\p{Cc}\p{Cs}\p{Noncharacter_Code_Point}]/u.test(value))
const uri = fc.oneof(
  fc.webUrl({ withFragments: true, withQueryParameters: true }),
  fc.constantFrom('urn:uuid:6e8bc430-9c3a-11d9-9669-0800200c9a66', 'mailto:a@b.c', 'https://h:8080/p?q#f'),
)
const uriReference = fc.oneof(uri, fc.constantFrom('/sensors/tn-1', 'a/b', '1-555', '?q=1', '#f', '//host/x', './a:b'))
const notUri = fc.constantFrom('a b', '%zz', '<x>', 'é', 'a#b#c', ' ')
const wrongType = fc.constantFrom<unknown>(1, true, {}, [])
const clock = fc.integer({ min: 0, max: 69 }).map((number) => String(number).padStart(2, '0'))
const time = fc
  .tuple(
    fc.integer({ min: 1990, max: 2030 }),
    fc.integer({ min: 0, max: 14 }),
    fc.integer({ min: 0, max: 32 }),
    clock,
    clock,
    clock,
  )
  .map(([year, month, day, hour, minute, second]) => {
    const date = [year, String(month).padStart(2, '0'), String(day).padStart(2, '0')].join('-')
    return `${date}T${hour}:${minute}:${second}Z`
  })
const validTime = fc
  .date({ min: new Date('1970-01-01'), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.toISOString())
const extensionValue = mostly(
  fc.oneof(text, fc.boolean(), fc.integer(), fc.constantFrom<unknown>(null, '')),
  fc.constant(1.5),
)
/** `emit` and `validate` would hide methods of the SDK's own object; it gives `schemaurl` a meaning of version 0.3. */
const takenNames = [
  'data',
  'id',
  'time',
  'type',
  'source',
  'subject',
  'emit',
  'validate',
  'schemaurl',
  'datacontentencoding',
]
const extensionName = mostly(
  fc.oneof(fc.stringMatching(/^[a-z0-9]{1,20}$/), fc.constant('constructor')),
  fc.constantFrom('Upper', 'with-hyphen', 'with_underscore', 'ümlaut'),
).filter((name) => !takenNames.includes(name))
const payload = fc.oneof(
  fc.constant<Members>({}),
  fc.record<Members>({
    data: fc.jsonValue(),
    datacontenttype: optional(fc.constantFrom('application/json', 'application/a+json', null)),
  }),
  fc.record<Members>({ data: text, datacontenttype: fc.constantFrom('text/plain', 'application/xml; charset=utf-8') }),
  fc.uint8Array({ minLength: 1 }).map((bytes) => ({ data_base64: Buffer.from(bytes).toString('base64') })),
  fc.constant<Members>({ data_base64: '!!!!' }),
  fc.constant<Members>({ datacontenttype: '' }),
)
const event: fc.Arbitrary<Members> = fc
  .tuple(
    fc.record<Members>({
      id: text,
      specversion: mostly(fc.constant('1.0'), fc.constantFrom('0.3', '2.0')),
      source: mostly(uriReference, optional(notUri, wrongType, fc.constant(''))),
      type: mostly(text, optional(wrongType, fc.constantFrom(null, ''))),
      subject: mostly(optional(text, fc.constant(null)), fc.constantFrom<unknown>('', 5)),
      time: mostly(optional(validTime, fc.constant(null)), fc.oneof(time, fc.constantFrom('yesterday', '2018-04-05'))),
      dataschema: mostly(optional(uri, fc.constant(null)), fc.constantFrom('/relative', '')),
    }),
    fc.dictionary(extensionName, extensionValue, { maxKeys: 3, noNullPrototype: true }),
    payload,
  )
  .map(([attributes, extensions, data]) => {
    const members = Object.entries({ ...extensions, ...attributes, ...data }).filter(([, value]) => value !== absent)
    // As JSON has it: it knows no -0.
    return JSON.parse(JSON.stringify(Object.fromEntries(members)))
  })

describe('an event in the JSON format', () => {
  test('is valid here when it is valid to the SDK, and means the same', () => {
    let valid = 0
    fc.assert(
      fc.property(event, (members) => {
        const theirs = sdkParse(members)
        const ours = ourParse(members)
        expect(ours !== undefined).toBe(theirs !== undefined)
        if (ours === undefined || theirs === undefined) return
        valid += 1
        // The SDK makes up a time where there is none.
        const { time: theirTime, ...attributes } = sdkAttributes(theirs)
        const { time: ourTime, ...ourAttributes } = ours.attributes
        expect(ourAttributes).toEqual(attributes)
        if (typeof members.time === 'string') expect(ourTime).toBe(theirTime)
        expect(dataOf(ours)).toEqual(theirs.data)
      }),
      { numRuns: 5_000 },
    )
    // Neither side may get away with refusing everything.
    expect(valid).toBeGreaterThan(1_000)
    expect(valid).toBeLessThan(4_500)
  })

  test('the SDK writes reads back here the same', () => {
    fc.assert(
      fc.property(event, (members) => {
        const theirs = sdkParse(members)
        fc.pre(theirs !== undefined)
        const { body } = HTTP.structured(theirs as SdkEvent)
        const ours = parseJsonCloudEvent(JSON.parse(String(body)), String(body))
        expect(ours).not.toHaveProperty('invalid')
        expect(dataOf(ours as OurCloudEvent)).toEqual((theirs as SdkEvent).data)
      }),
      { numRuns: 1_000 },
    )
  })

  test('what is written here the SDK reads the same', () => {
    fc.assert(
      fc.property(event, (members) => {
        const ours = ourParse(members)
        fc.pre(ours !== undefined)
        const written: Members = JSON.parse(writeJsonCloudEvent(ours as OurCloudEvent))
        const theirs = sdkParse(written)
        const { time: _, ...attributes } = sdkAttributes(theirs as SdkEvent)
        const { time: __, ...ourAttributes } = (ours as OurCloudEvent).attributes
        expect(attributes).toEqual(ourAttributes)
        expect(theirs?.data).toEqual(dataOf(ours as OurCloudEvent))
      }),
      { numRuns: 1_000 },
    )
  })

  /** What the specification asks for and the SDK lets through. Should the SDK catch up, the list gets shorter. */
  test.each<[string, Members]>([
    ['no id: the SDK invents one', { id: undefined }],
    ['an empty id', { id: '' }],
    ['no specversion: the SDK assumes 1.0', { specversion: undefined }],
    ['an empty time: the SDK takes the present', { time: '' }],
    ['a time with a space', { time: '2018-04-05 17:31:00Z' }],
    ['a colon that ends no scheme', { source: '1a:b' }],
    ['a port that is no number', { source: '//host:8x' }],
    ['a quotation mark in a URI-reference', { source: 'a"b' }],
    ['an integer of more than 32 bits', { ext: 2 ** 31 }],
    ['an object as an attribute', { ext: { a: 1 } }],
    ['a control character', { ext: 'a\u0000' }],
    ['half a surrogate pair', { ext: '\ud800' }],
    ['data beside data_base64', { data: 'x', data_base64: 'AA==' }],
    ['base64 without its padding', { data_base64: 'AA' }],
    ['a content type that is none', { datacontenttype: 'json' }],
    ['an object as text', { datacontenttype: 'text/plain', data: {} }],
    ['text in another charset', { datacontenttype: 'text/plain; charset=latin1', data: 'é' }],
  ])('is refused here though the SDK takes it: %s', (_, change) => {
    const members = { specversion: '1.0', id: '1', source: '/s', type: 't', ...change }
    expect(sdkParse(members)).toBeDefined()
    expect(ourParse(members)).toBeUndefined()
  })
})

/**
 * Where the SDK is looser than RFC 3986, see the deviations above: a first segment with a colon that ends no scheme
 * (section 4.2), and an authority that is none, which it takes for a path.
 */
function isLooseInTheSdk(reference: string): boolean {
  const [, scheme = '', rest = ''] = /^([a-z][a-z\d+.-]*:)?([\s\S]*)$/i.exec(reference) ?? []
  return (scheme === '' && /^[^/?#]*:/.test(rest)) || /^\/\/[^/?#]*[:@]/.test(rest)
}

test('a URI-reference is one here when it is one to the SDK', () => {
  const characters = [..."ab1:/?#@!$&'()*+,;=-._~%2F <>{}|\\^`é"]
  const candidate = fc.array(fc.constantFrom(...characters, 'http', '//', '%41'), { minLength: 1, maxLength: 8 })
  fc.assert(
    fc.property(candidate, (pieces) => {
      const source = pieces.join('')
      fc.pre(!isLooseInTheSdk(source))
      const members = { specversion: '1.0', id: '1', type: 't', source }
      expect(ourParse(members) !== undefined).toBe(sdkParse(members) !== undefined)
    }),
    { numRuns: 5_000 },
  )
})

describe('an event in HTTP binary mode', () => {
  /** The SDK neither encodes nor decodes, so the two agree on what needs no percent-encoding. */
  const plain = fc.stringMatching(/^[!#$&-~]{1,30}$/)
  const plainUri = (uris: fc.Arbitrary<string>) => uris.filter((text) => !text.includes('%'))
  const members = fc
    .tuple(
      fc.record({ id: plain, source: plainUri(uriReference), type: plain }),
      fc.record({ subject: plain, dataschema: plainUri(uri), ext: plain, partitionkey: plain }, { requiredKeys: [] }),
      fc.oneof(
        fc.record({
          datacontenttype: fc.constant('application/json'),
          data: fc.dictionary(fc.string(), fc.jsonValue()),
        }),
        fc.record({ datacontenttype: fc.constant('application/octet-stream'), data: fc.uint8Array({ minLength: 1 }) }),
      ),
    )
    .map(([required, attributes, data]) => ({ ...required, ...attributes, ...data }))

  test('the SDK writes reads back here the same, and as the SDK reads it', () => {
    fc.assert(
      fc.property(members, (wanted) => {
        const theirs = new CloudEvent<unknown>({ ...wanted, time: '2018-04-05T17:31:00.000Z' })
        const { headers, body } = HTTP.binary(theirs)
        const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : (body as Uint8Array)
        const ours = parseHttpCloudEvent(new Headers(headers as Record<string, string>), bytes) as OurCloudEvent
        expect(ours).not.toHaveProperty('invalid')
        expect({ ...ours.attributes }).toEqual(sdkAttributes(theirs))
        const readBack = HTTP.toEvent({ headers, body }) as SdkEvent
        expect({ ...ours.attributes }).toEqual(sdkAttributes(readBack))
        expect(ours.data).toEqual(bytes)
      }),
      { numRuns: 1_000 },
    )
  })

  const complete = {
    'ce-specversion': '1.0',
    'ce-id': '1',
    'ce-source': '/s',
    'ce-type': 't',
    'content-type': 'application/json',
  }
  test.each([
    ['complete', complete, true],
    ['with an extension', { ...complete, 'ce-ext': 'x' }, true],
    ['without a source', { ...complete, 'ce-source': undefined }, false],
    ['without a type', { ...complete, 'ce-type': undefined }, false],
    ['with a source that is no URI-reference', { ...complete, 'ce-source': 'a b' }, false],
    ['with a relative dataschema', { ...complete, 'ce-dataschema': '/x' }, false],
    ['with a name that is none', { ...complete, 'ce-my-ext': 'x' }, false],
    ['of version 0.3', { ...complete, 'ce-specversion': '0.3' }, false],
  ])('%s is judged as the SDK judges it', (_, candidate, isValid) => {
    const headers = Object.fromEntries(Object.entries(candidate).filter(([, value]) => value !== undefined)) as Record<
      string,
      string
    >
    const ours = parseHttpCloudEvent(new Headers(headers), new TextEncoder().encode('{}'))
    expect(!('invalid' in ours)).toBe(isValid)
    const sdkAccepts = () => {
      try {
        const theirs = HTTP.toEvent({ headers, body: '{}' }) as SdkEvent
        return theirs.specversion === '1.0' && theirs.validate()
      } catch {
        return false
      }
    }
    expect(sdkAccepts()).toBe(isValid)
  })
})
