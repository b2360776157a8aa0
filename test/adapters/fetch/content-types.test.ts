import { describe, expect, test } from 'vitest'
import { bodyText } from './fake-client.js'
import { FrontDoor, json, ndjson, statuses, upload } from './front-door.js'

describe('application/json', () => {
  test('one value is one event', async () => {
    const door = new FrontDoor()
    const answer = await door.post('{"a":1}', json)
    expect(answer.status).toBe(200)
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(answer.body).toEqual({
      results: [{ index: 0, status: 'accepted', retryable: false }],
      accepted: 1,
      failed: 0,
    })
    expect(door.client.sent).toEqual([{ event: { body: '{"a":1}' }, partitionKey: undefined }])
  })

  test('each element of an array is one event, in order', async () => {
    const door = new FrontDoor()
    const answer = await door.post(' [1, "two, [2]", {"three":[3,{}]}, null, [4,5], false ]\n', json)
    expect(answer.status).toBe(200)
    expect(door.client.bodies).toEqual(['1', '"two, [2]"', '{"three":[3,{}]}', 'null', '[4,5]', 'false'])
  })

  test('an event keeps the text its sender wrote: large integers, duplicate names, escapes, spacing', async () => {
    const door = new FrontDoor()
    const first = '{"id": 12345678901234567890, "id": 1.0, "t": "\\u00e9\\ud800 \\\\\\"]"}'
    await door.post(`[${first},{"b":[ ]}]`, json)
    expect(door.client.bodies).toEqual([first, '{"b":[ ]}'])
  })

  test('a charset of UTF-8 in any spelling is taken, and a byte order mark is left out', async () => {
    for (const charset of ['utf-8', 'UTF-8', '"utf-8"', 'utf8', 'us-ascii']) {
      const door = new FrontDoor()
      const answer = await door.post('\ufeff{"é":1}', { 'content-type': `application/json; charset=${charset}` })
      expect(answer.status).toBe(200)
      expect(door.client.bodies).toEqual(['{"é":1}'])
    }
  })

  test.each([
    ['an unfinished array', '[1,2'],
    ['two values', '{} {}'],
    ['a trailing comma', '[1,]'],
    ['invalid UTF-8', new Uint8Array([0x22, 0xff, 0x22])],
    ['a space that JSON does not know', '\u00a0{}'],
  ])('%s is malformed: 400, and nothing is sent', async (_, body) => {
    const door = new FrontDoor()
    const answer = await door.post(body, json)
    expect(answer.status).toBe(400)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:malformed-body')
    expect(door.client.sent).toEqual([])
    expect(door.client.last.isEnded).toBe(true)
  })

  test.each([
    ['no body', null],
    ['an empty body', ''],
    ['white space', ' \r\n\t'],
    ['an empty array', '[ ]'],
  ])('%s holds no event: 400', async (_, body) => {
    const answer = await new FrontDoor().post(body, json)
    expect(answer.status).toBe(400)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:no-events')
  })
})

describe('application/x-ndjson', () => {
  test.each(['application/x-ndjson', 'application/jsonl'])('%s: each line is one event', async (type) => {
    const door = new FrontDoor()
    const answer = await door.post('{"a":1}\r\n\n  2 \n"three"', { 'content-type': type })
    expect(answer.status).toBe(200)
    expect(answer.body.accepted).toBe(3)
    expect(door.client.bodies).toEqual(['{"a":1}', '2', '"three"'])
  })

  test('lines are taken while the upload goes on, wherever the chunks are cut', async () => {
    let taken: (body: string) => void = () => {}
    const firstTaken = new Promise<string>((resolve) => {
      taken = resolve
    })
    const door = new FrontDoor({}, ({ event }) => {
      taken(bodyText(event))
      return undefined
    })
    const { body, write, finish } = upload()
    const answering = door.post(body, ndjson)
    const bytes = new TextEncoder().encode('{"a":"é"}\n{"b":2}\n')
    write(bytes.subarray(0, 7))
    write(bytes.subarray(7, 12))
    expect(await firstTaken).toBe('{"a":"é"}')
    write(bytes.subarray(12))
    finish()
    expect((await answering).status).toBe(200)
    expect(door.client.bodies).toEqual(['{"a":"é"}', '{"b":2}'])
  })

  test('a malformed line is answered by its number; the lines around it are sent', async () => {
    const door = new FrontDoor()
    const lines = Array.from({ length: 600 }, (_, index) => (index === 499 ? '{"n":' : `{"n":${index}}`))
    const answer = await door.post(lines.join('\n'), ndjson)
    expect(answer.status).toBe(207)
    expect(answer.body.accepted).toBe(599)
    expect(answer.body.failed).toBe(1)
    expect(answer.body.results?.[499]).toEqual({
      index: 499,
      status: 'invalid',
      code: 'invalid-event',
      message: 'Line 500 is not valid JSON.',
      retryable: false,
    })
    expect(door.client.sent).toHaveLength(599)
    expect(door.client.bodies).not.toContain('{"n":499}')
  })

  test('the line number counts blank lines, the index does not', async () => {
    const answer = await new FrontDoor().post('1\n\n\nx', ndjson)
    expect(answer.body.results?.[1]).toMatchObject({ index: 1, message: 'Line 4 is not valid JSON.' })
  })

  test('a line that is not UTF-8 spoils itself alone', async () => {
    const door = new FrontDoor()
    const answer = await door.post(new Uint8Array([0x31, 0x0a, 0x22, 0xc3, 0x22, 0x0a, 0x32]), ndjson)
    expect(statuses(answer)).toEqual(['accepted', 'invalid', 'accepted'])
    expect(answer.body.results?.[1]?.message).toBe('Line 2 is not valid UTF-8.')
  })

  test('when every line is malformed the answer is 422, line by line', async () => {
    const answer = await new FrontDoor().post('x\ny', ndjson)
    expect(answer.status).toBe(422)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:invalid-events')
    expect(answer.body.results?.map(({ message }) => message)).toEqual([
      'Line 1 is not valid JSON.',
      'Line 2 is not valid JSON.',
    ])
  })

  test('blank lines alone hold no event: 400', async () => {
    const answer = await new FrontDoor().post('\n\r\n \n', ndjson)
    expect(answer.status).toBe(400)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:no-events')
  })
})

describe('anything else', () => {
  test.each([
    ['no Content-Type', {}],
    ['a type that is not known', { 'content-type': 'application/x-yaml' }],
    ['what curl -d says by default', { 'content-type': 'application/x-www-form-urlencoded' }],
    ['a slip', { 'content-type': 'application/jsonn' }],
    ['a form of several parts', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['no media type', { 'content-type': 'json' }],
    ['a CloudEvents format that is not known', { 'content-type': 'application/cloudevents+avro' }],
    ['another charset', { 'content-type': 'application/json; charset=utf-16' }],
    ['compression', { ...json, 'content-encoding': 'gzip' }],
  ])('%s: 415 that says what is accepted', async (_, headers) => {
    const door = new FrontDoor()
    const answer = await door.post(new TextEncoder().encode('{}'), headers)
    expect(answer.status).toBe(415)
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(answer.headers.get('accept')).toContain('application/x-ndjson')
    expect(door.client.invocations).toEqual([])
  })
})
