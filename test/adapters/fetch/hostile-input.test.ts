import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryInUse } from '../../support/memory.js'
import { batched, FrontDoor, json, ndjson, statuses, structured } from './front-door.js'

const key = 'kkkkkkkkkkkkkkkk'
const required = { specversion: '1.0', id: '1', source: '/s', type: 't' }

describe('hostile JSON', () => {
  test('nesting of any depth is passed on or refused, never a crash', async () => {
    const deep = `${'['.repeat(500_000)}${']'.repeat(500_000)}`
    const door = new FrontDoor()
    expect((await door.post(`[${deep},1]`, json)).status).toBe(200)
    expect(door.client.bodies).toEqual([deep, '1'])
    expect((await door.post('['.repeat(500_000), json)).status).toBe(400)
    expect((await door.post(`{"a":${deep}}\n${'{"a":'.repeat(100_000)}`, ndjson)).status).toBe(207)
    expect((await door.post(JSON.stringify(required).replace('}', `,"data":${deep}}`), structured)).status).toBe(200)
    expect(door.client.bodies.at(-1)).toBe(deep)
  })

  test('__proto__ and constructor as names change nothing and arrive as they are', async () => {
    const door = new FrontDoor({ partitionKey: (_, incoming) => (incoming.kind === 'json' ? undefined : 'k') })
    const text = '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'
    expect((await door.post(text, json)).status).toBe(200)
    expect(door.client.bodies).toEqual([text])
    expect(({} as { polluted?: number }).polluted).toBeUndefined()
    const answer = await door.post(`{"__proto__":{"id":"1","source":"/s","type":"t","specversion":"1.0"}}`, structured)
    expect(statuses(answer)).toEqual(['invalid'])
  })

  test('NUL bytes and lone surrogates: bodies keep them, CloudEvents attributes may not have them', async () => {
    const door = new FrontDoor()
    expect((await door.post('["\\u0000","\\ud800"]', json)).status).toBe(200)
    expect(door.client.bodies).toEqual(['"\\u0000"', '"\\ud800"'])
    expect((await door.post('"a\u0000b"', json)).status).toBe(400)
    const events = [
      { ...required, subject: 'a\u0000' },
      { ...required, subject: '\ud800' },
      { ...required, data: '\ud800' },
    ]
    expect(statuses(await door.post(JSON.stringify(events), batched))).toEqual(['invalid', 'invalid', 'accepted'])
    expect(door.client.bodies.at(-1)).toBe('"\\ud800"')
  })

  test('a line without end stays within the body limit', async () => {
    const door = new FrontDoor({ maxBodySizeInBytes: 100_000 })
    let given = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        given += 1
        controller.enqueue(new Uint8Array(10_000).fill(0x20))
      },
    })
    const answer = await door.post(body, ndjson)
    expect(answer.status).toBe(413)
    expect(given).toBeLessThan(20)
  })

  test('many tiny chunks of one line are put together once', async () => {
    const door = new FrontDoor()
    const text = JSON.stringify('x'.repeat(200_000))
    const bytes = new TextEncoder().encode(text)
    let offset = 0
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (offset >= bytes.length) return controller.close()
        controller.enqueue(bytes.subarray(offset, offset + 7))
        offset += 7
      },
    })
    expect((await door.post(body, ndjson)).status).toBe(200)
    expect(door.client.bodies).toEqual([text])
  })

  test.each(['text/plain', 'application/x-ndjson'])(
    'a body of %s that comes byte by byte costs little more than its bytes',
    async (type) => {
      const door = new FrontDoor()
      const pieces = 200_000
      let given = 0
      let heldInBytes = 0
      const before = memoryInUse()
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          given += 1
          if (given <= pieces) return controller.enqueue(Uint8Array.of(0x31))
          heldInBytes = memoryInUse() - before
          controller.close()
        },
      })
      expect((await door.post(body, { 'content-type': type })).status).toBe(200)
      expect(heldInBytes / pieces).toBeLessThan(60)
    },
  )
})

describe('hostile headers', () => {
  test('huge ones are judged like any other', async () => {
    const huge = 'x'.repeat(200_000)
    const door = new FrontDoor()
    expect((await door.post('1', { 'content-type': huge })).status).toBe(415)
    expect((await door.post('1', { 'content-type': `application/json;${';a="\\"'.repeat(20_000)}` })).status).toBe(200)
    expect((await door.post('1', { ...json, 'x-partition-key': huge })).status).toBe(200)
    const ce = {
      'ce-id': huge,
      'ce-specversion': '1.0',
      'ce-source': `/${'%41'.repeat(50_000)}`,
      'ce-type': '"'.repeat(50_000),
    }
    expect((await door.post('1', ce)).status).toBe(200)
  })

  test('a Content-Length that lies does not help', async () => {
    const door = new FrontDoor({ maxBodySizeInBytes: 5 })
    for (const length of ['1', '-1', 'NaN', '1e3x', '0x1']) {
      expect((await door.post('"123456"', { ...json, 'content-length': length })).status, length).toBe(413)
    }
  })
})

test('whatever is posted, the answer is one that the manual names, and echoes neither body nor key', async () => {
  const marker = 'SECRETBODY'
  const contentTypes = fc.oneof(
    fc.constantFrom(
      'application/json',
      'application/x-ndjson',
      'application/jsonl',
      'application/cloudevents+json',
      'application/cloudevents-batch+json',
      'application/json; charset=utf-8',
    ),
    fc.stringMatching(/^[ -~]{0,20}$/),
  )
  const piece = fc.oneof(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '\n',
      '\\',
      `"${marker}"`,
      '1',
      'null',
      ' ',
      '\u0000',
      '\ufeff',
      'é',
    ),
    fc.constantFrom(
      '"specversion":"1.0"',
      '"id":"1"',
      '"source":"/s"',
      '"type":"t"',
      '"data":{}',
      '"body":1',
      '"text":"t"',
      '"events":[',
      `"${marker}":1`,
    ),
    fc.json(),
  )
  const body = fc.oneof(
    fc.array(piece, { maxLength: 20 }).map((pieces) => new TextEncoder().encode(pieces.join(''))),
    fc.uint8Array({ maxLength: 50 }),
  )
  const extraHeaders = fc.dictionary(
    fc.constantFrom(
      'ce-id',
      'ce-type',
      'ce-source',
      'ce-specversion',
      'ce-time',
      'ce-x',
      'x-partition-key',
      'content-encoding',
    ),
    fc.oneof(fc.stringMatching(/^[ -~]{0,8}$/), fc.constantFrom('1.0', '%C0', marker, '\xff')),
    { maxKeys: 4, noNullPrototype: true },
  )
  const path = fc.constantFrom('/events', '/events', '/events:batch')
  const authorization = fc.constantFrom(`Bearer ${key}`, `Bearer ${key}`, `Bearer ${key}`, 'Bearer', 'x')
  const door = new FrontDoor({ auth: { bearer: key }, maxBodySizeInBytes: 400, maxEventsPerRequest: 5 })
  await fc.assert(
    fc.asyncProperty(
      body,
      contentTypes,
      extraHeaders,
      authorization,
      path,
      async (bytes, contentType, extra, bearer, to) => {
        const answer = await door.post(bytes, { 'content-type': contentType, ...extra, authorization: bearer }, to)
        expect([200, 207, 400, 401, 413, 415, 422]).toContain(answer.status)
        const { results, ...rest } = answer.body
        // A result's id is the one thing that a caller gets back.
        expect(JSON.stringify([rest, results?.map(({ id: _, ...result }) => result)])).not.toMatch(
          new RegExp(`${marker}|${key}`),
        )
        expect(door.client.invocations.every(({ isEnded }) => isEnded)).toBe(true)
        expect(door.client.sent).toHaveLength(results?.filter(({ status }) => status === 'accepted').length ?? 0)
        door.client.invocations.length = 0
      },
    ),
    { numRuns: 1_500 },
  )
  expect(door.log).toEqual([])
}, 60_000)
