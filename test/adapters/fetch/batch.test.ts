import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EventHubError } from '../../../core/errors.js'
import { bodyText } from './fake-client.js'
import { type Answer, FrontDoor, json, statuses } from './front-door.js'

function postItems(door: FrontDoor, items: unknown, headers = {}): Promise<Answer> {
  return door.post(typeof items === 'string' ? items : JSON.stringify(items), { ...json, ...headers }, '/events:batch')
}

describe('POST /events:batch', () => {
  test('each item says its key, id, properties and type, and comes as JSON, text or bytes', async () => {
    const door = new FrontDoor()
    const properties = { site: 'north', n: 2, yes: true, none: null }
    const answer = await postItems(door, [
      { body: { a: 1 }, partitionKey: 'k', id: 'i1', properties, contentType: 'application/json' },
      { text: 'héllo', contentType: 'text/plain' },
      { base64: 'AAH/gA==' },
      { body: null },
    ])
    expect(answer.status).toBe(200)
    expect(answer.body.results).toEqual([
      { index: 0, id: 'i1', status: 'accepted', retryable: false },
      ...[1, 2, 3].map((index) => ({ index, status: 'accepted', retryable: false })),
    ])
    expect(door.client.sent).toEqual([
      {
        event: { body: '{"a":1}', messageId: 'i1', properties, contentType: 'application/json' },
        partitionKey: 'k',
      },
      { event: { body: 'héllo', properties: {}, contentType: 'text/plain' }, partitionKey: undefined },
      { event: { body: new Uint8Array([0, 1, 255, 128]), properties: {} }, partitionKey: undefined },
      { event: { body: 'null', properties: {} }, partitionKey: undefined },
    ])
  })

  test('an object with events is the same as the bare array, and %3A the same as the colon', async () => {
    const door = new FrontDoor()
    for (const path of ['/events:batch', '/events%3Abatch', '/events%3abatch']) {
      expect((await door.post('{"events": [ {"body": 1.50} ]}', json, path)).status).toBe(200)
    }
    expect(door.client.bodies).toEqual(['1.50', '1.50', '1.50'])
  })

  test('JSON keeps the text that its sender wrote', async () => {
    const door = new FrontDoor()
    await postItems(door, '[{"id":"1","body" : {"n": 12345678901234567890, "n": 1.0} }]')
    expect(door.client.bodies).toEqual(['{"n": 12345678901234567890, "n": 1.0}'])
  })

  test('an item’s key wins over the request’s; the operator’s function over both', async () => {
    const door = new FrontDoor()
    await postItems(door, [{ body: 1, partitionKey: 'own' }, { body: 2, partitionKey: '' }, { body: 3 }], {
      'x-partition-key': 'header',
    })
    expect(door.client.sent.map(({ partitionKey }) => partitionKey)).toEqual(['own', 'header', 'header'])
    const deciding = new FrontDoor({
      partitionKey: (_, event) => (event.kind === 'item' ? String(event.properties.tenant) : undefined),
    })
    await postItems(deciding, [{ body: 1, partitionKey: 'own', properties: { tenant: 't' } }])
    expect(deciding.client.sent[0]?.partitionKey).toBe('t')
  })

  test.each([
    ['no object', 7, 'An item must be a JSON object.'],
    ['an array', [], 'An item must be a JSON object.'],
    ['no body', { id: '1' }, 'An item must have exactly one of body, text and base64.'],
    ['two bodies', { body: 1, text: 'x' }, 'An item must have exactly one of body, text and base64.'],
    ['an unknown field', { body: 1, key: 'x' }, expect.stringContaining('partitionKey')],
    ['__proto__', JSON.parse('{"body":1,"__proto__":{}}'), expect.stringContaining('partitionKey')],
    ['text that is no string', { text: 5 }, 'text must be a string.'],
    ['half a surrogate pair', { text: '\ud800' }, 'text must be a string.'],
    ['no base64', { base64: 'AAH' }, 'base64 must be bytes in padded base64.'],
    ['an empty id', { body: 1, id: '' }, 'id must be a string that is not empty.'],
    ['a key that is no string', { body: 1, partitionKey: 5 }, 'partitionKey must be a string.'],
    ['a nested property', { body: 1, properties: { a: {} } }, expect.stringContaining('properties must be')],
    ['a type that is none', { body: 1, contentType: 'json' }, 'contentType must be a media type.'],
  ])('%s: invalid by itself, the others are sent', async (_, item, message) => {
    const door = new FrontDoor()
    const answer = await postItems(door, [{ body: 1 }, item, { body: 2 }])
    expect(answer.status).toBe(207)
    expect(statuses(answer)).toEqual(['accepted', 'invalid', 'accepted'])
    expect(answer.body.results?.[1]?.message).toEqual(message)
    expect(door.client.bodies).toEqual(['1', '2'])
  })

  test('an invalid item that has an id is answered by it', async () => {
    const answer = await postItems(new FrontDoor(), [{ id: 'mine' }])
    expect(answer.body.results?.[0]?.id).toBe('mine')
  })

  test('a field given twice is refused: which one was meant is anyone’s guess', async () => {
    const answer = await postItems(new FrontDoor(), '[{"body":1,"body":2}]')
    expect(answer.body.results?.[0]?.message).toBe('A field of the item is given twice.')
    expect((await postItems(new FrontDoor(), '{"events":[{"body":1}],"events":[]}')).status).toBe(400)
  })

  test('nothing but invalid items: 422 with results', async () => {
    const answer = await postItems(new FrontDoor(), [{}])
    expect(answer.status).toBe(422)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:invalid-events')
    expect(statuses(answer)).toEqual(['invalid'])
  })

  test.each([
    ['a number', '5', 'malformed-body'],
    ['an object without events', '{"items":[]}', 'malformed-body'],
    ['an object with more than events', '{"events":[],"more":1}', 'malformed-body'],
    ['no JSON', '[', 'malformed-body'],
    ['no item', '{"events":[]}', 'no-events'],
  ])('%s: 400 as a whole', async (_, body, kind) => {
    const answer = await postItems(new FrontDoor(), body)
    expect([answer.status, answer.body.type]).toEqual([400, `urn:problem:eventhub-sluice:${kind}`])
  })

  test('limits hold as for POST /events', async () => {
    const few = new FrontDoor({ maxEventsPerRequest: 1 })
    expect((await postItems(few, [{ body: 1 }, { body: 2 }])).status).toBe(413)
    const small = new FrontDoor({ maxBodySizeInBytes: 5 })
    expect((await postItems(small, [{ body: 1 }])).status).toBe(413)
  })

  test('another content type: 415 that names the one', async () => {
    const answer = await new FrontDoor().post('{}', { 'content-type': 'application/x-ndjson' }, '/events:batch')
    expect([answer.status, answer.headers.get('accept')]).toEqual([415, 'application/json'])
    const latin = await new FrontDoor().post(
      '{}',
      { 'content-type': 'application/json; charset=latin1' },
      '/events:batch',
    )
    expect(latin.status).toBe(415)
  })

  test('whatever the items are, each gets one result, and what was accepted arrived as it was written', async () => {
    const text = fc.string({ unit: 'grapheme', maxLength: 12 })
    const good = fc.oneof(
      fc.json().map((raw) => ({ raw: `{"body":${raw}}`, expected: raw })),
      text.map((value) => ({ raw: JSON.stringify({ text: value }), expected: value })),
      text.map((value) => ({
        raw: JSON.stringify({ base64: Buffer.from(value).toString('base64') }),
        expected: value,
      })),
    )
    const bad = fc.constantFrom('{}', '5', '{"text":1}', '{"body":1,"x":2}', 'null')
    const item = fc.oneof(
      good,
      bad.map((raw) => ({ raw, expected: undefined })),
    )
    await fc.assert(
      fc.asyncProperty(fc.array(item, { minLength: 1, maxLength: 20 }), async (items) => {
        const door = new FrontDoor()
        const answer = await postItems(door, `{"events":[${items.map(({ raw }) => raw).join(', ')}]}`)
        const expected = items.flatMap(({ expected }) => (expected === undefined ? [] : [expected]))
        expect(statuses(answer)).toEqual(items.map(({ expected }) => (expected === undefined ? 'invalid' : 'accepted')))
        expect(door.client.sent.map(({ event }) => bodyText(event))).toEqual(expected)
        expect(answer.status).toBe(expected.length === 0 ? 422 : expected.length === items.length ? 200 : 207)
      }),
      { numRuns: 300 },
    )
  })
})

describe('text and bytes', () => {
  test.each([
    'text/plain',
    'text/csv; charset=iso-8859-1',
    'application/octet-stream',
    'application/xml',
    'application/soap+xml',
    'application/geo+json',
    'application/x-protobuf',
    'avro/binary',
    'image/png',
  ])('%s is one event, byte for byte, with its content type', async (contentType) => {
    const door = new FrontDoor()
    const data = new Uint8Array([0x3c, 0xff, 0x00, 0x0a, 0xe9])
    const answer = await door.post(data, { 'content-type': contentType, 'x-partition-key': 'k' })
    expect(answer.body).toEqual({
      results: [{ index: 0, status: 'accepted', retryable: false }],
      accepted: 1,
      failed: 0,
    })
    expect(door.client.sent).toEqual([{ event: { body: data, contentType }, partitionKey: 'k' }])
  })

  test('an empty one is no event: 400', async () => {
    const answer = await new FrontDoor().post('', { 'content-type': 'text/plain' })
    expect([answer.status, answer.body.type]).toEqual([400, 'urn:problem:eventhub-sluice:no-events'])
  })

  test('the operator’s function sees the bytes', async () => {
    const door = new FrontDoor({
      partitionKey: (_, event) => (event.kind === 'bytes' ? `${event.contentType} ${event.data.length}` : undefined),
    })
    await door.post('abc', { 'content-type': 'text/plain' })
    expect(door.client.sent[0]?.partitionKey).toBe('text/plain 3')
  })
})

describe('GET /partitions', () => {
  const get = (door: FrontDoor) => door.send(new Request('http://door.test/partitions'))

  test('names the partitions', async () => {
    const answer = await get(new FrontDoor())
    expect([answer.status, answer.text]).toEqual([200, '{"partitionIds":["0","1","2"]}'])
  })

  test.each([
    ['not-supported', 501, 'not-supported', null],
    ['server-busy', 429, 'event-hub-busy', '7'],
    ['connection-lost', 503, 'event-hub-unavailable', '7'],
  ] as const)('%s: %i, without the words of the error', async (code, status, kind, retryAfter) => {
    const door = new FrontDoor()
    door.client.partitionIds = new EventHubError('At host.internal', { code, retryAfterInMs: 6_500 })
    const answer = await get(door)
    expect([answer.status, answer.body.type]).toEqual([status, `urn:problem:eventhub-sluice:${kind}`])
    expect(answer.headers.get('retry-after')).toBe(retryAfter)
    expect(answer.text).not.toContain('host.internal')
  })

  test('needs a key', async () => {
    expect((await get(new FrontDoor({ auth: { bearer: 'kkkkkkkkkkkkkkkk' } }))).status).toBe(401)
  })
})
