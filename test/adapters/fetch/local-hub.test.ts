import { CloudEvent, HTTP } from 'cloudevents'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createFetchHandler, type FetchHandlerOptions } from '../../../adapters/fetch/index.js'
import { EventHubProducerClient } from '../../../core/client.js'
import type { EventHubProducerClientOptions } from '../../../core/options.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { answerOf, batched, json, ndjson, post, statuses, structured } from './front-door.js'

let hub: LocalHub
const clients: EventHubProducerClient[] = []

beforeEach(async () => {
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: 4 } } })
})
afterEach(async () => {
  await Promise.all(clients.splice(0).map((client) => client.close()))
  await hub.close()
})

function door(options: Partial<FetchHandlerOptions> = {}, clientOptions: EventHubProducerClientOptions = {}) {
  const client = EventHubProducerClient.fromConnectionString(hub.connectionString, { logger: {}, ...clientOptions })
  clients.push(client)
  const handler = createFetchHandler({ client, auth: 'none', logger: {}, ...options })
  return async (request: Request) => answerOf(await handler.fetch(request))
}

const event = new CloudEvent({
  id: 'A234',
  source: '/mycontext',
  type: 'com.example.someevent',
  time: '2018-04-05T17:31:00.000Z',
  partitionkey: 'device-42',
  data: { appinfo: 'abc' },
  datacontenttype: 'application/json',
})

const stored = () => hub.events('events').map(({ body }) => body.toString())

describe.each(['amqp', 'https'] as const)(
  'over %s, events are in the event hub when the answer goes out',
  (transportType) => {
    const open = (options?: Partial<FetchHandlerOptions>) => {
      const endpoint = transportType === 'https' ? { customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` } : {}
      return door(options, { transportType, ...endpoint })
    }

    test('JSON and NDJSON, byte for byte, in order within a key', async () => {
      const send = open()
      expect((await send(post('[{"n":12345678901234567890},"é"]', { ...json, 'x-partition-key': 'k' }))).status).toBe(
        200,
      )
      const lines = Array.from({ length: 500 }, (_, n) => `{"line":${n}}`)
      expect((await send(post(lines.join('\n'), { ...ndjson, 'x-partition-key': 'k' }))).status).toBe(200)
      expect(stored()).toEqual(['{"n":12345678901234567890}', '"é"', ...lines])
      expect(new Set(hub.events('events').map(({ partitionKey }) => partitionKey))).toEqual(new Set(['k']))
    })

    test('CloudEvents in structured mode, as the SDK wrote them', async () => {
      const send = open({ cloudEventsMode: 'structured' })
      for (const { headers, body } of [HTTP.structured(event), HTTP.binary(event)]) {
        expect((await send(post(String(body), headers as Record<string, string>))).status).toBe(200)
      }
      const landed = hub.events('events')
      expect(landed).toHaveLength(2)
      for (const { body, properties, partitionKey } of landed) {
        const headers = { 'content-type': 'application/cloudevents+json' }
        expect(HTTP.toEvent({ headers, body: body.toString() })).toEqual(event)
        expect(String(properties['content-type'])).toBe('application/cloudevents+json; charset=utf-8')
        expect(properties['message-id']).toBe('A234')
        expect(partitionKey).toBe('device-42')
      }
    })
  },
)

test('CloudEvents in binary mode over AMQP, as the SDK wrote them', async () => {
  const send = door()
  for (const { headers, body } of [HTTP.structured(event), HTTP.binary(event)]) {
    expect((await send(post(String(body), headers as Record<string, string>))).status).toBe(200)
  }
  const landed = hub.events('events')
  expect(landed).toHaveLength(2)
  for (const { body, properties, applicationProperties, partitionKey } of landed) {
    expect(JSON.parse(body.toString())).toEqual({ appinfo: 'abc' })
    expect(partitionKey).toBe('device-42')
    expect(applicationProperties).toEqual({
      'cloudEvents:specversion': '1.0',
      'cloudEvents:id': 'A234',
      'cloudEvents:source': '/mycontext',
      'cloudEvents:type': 'com.example.someevent',
      'cloudEvents:time': '2018-04-05T17:31:00.000Z',
      'cloudEvents:partitionkey': 'device-42',
    })
    expect(properties['message-id']).toBe('A234')
    expect(String(properties['content-type'])).toBe('application/json')
  }
})

test('a batch, text and bytes arrive with their keys, ids, properties and types', async () => {
  const send = door()
  const items = [
    { body: { n: 1 }, partitionKey: 'k', id: 'i1', properties: { site: 'north', n: 2, ok: true } },
    { base64: 'AAH/gA==', contentType: 'application/octet-stream', partitionKey: 'k' },
  ]
  expect((await send(post(JSON.stringify(items), json, '/events:batch'))).status).toBe(200)
  expect((await send(post('plain', { 'content-type': 'text/plain', 'x-partition-key': 'k' }))).status).toBe(200)
  const [first, second, third] = hub.events('events')
  expect(first).toMatchObject({ partitionKey: 'k', applicationProperties: { site: 'north', ok: true } })
  expect(Number(first?.applicationProperties.n)).toBe(2)
  expect([first?.body.toString(), first?.properties['message-id']]).toEqual(['{"n":1}', 'i1'])
  expect([...(second?.body ?? []), String(second?.properties['content-type'])]).toEqual([
    0,
    1,
    255,
    128,
    'application/octet-stream',
  ])
  expect([third?.body.toString(), String(third?.properties['content-type'])]).toEqual(['plain', 'text/plain'])
})

test('a batch, text and bytes over HTTPS too', async () => {
  const send = door({}, { transportType: 'https', customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` })
  const items = [
    { body: { n: 1 }, partitionKey: 'k', id: 'i1', properties: { site: 'north', n: 2 } },
    { base64: 'AAH/gA==', contentType: 'application/octet-stream', partitionKey: 'k', properties: { site: 'south' } },
  ]
  expect((await send(post(JSON.stringify(items), json, '/events:batch'))).status).toBe(200)
  expect((await send(post('plain', { 'content-type': 'text/plain' }))).status).toBe(200)
  expect(stored().sort()).toEqual([Buffer.from([0, 1, 255, 128]).toString(), 'plain', '{"n":1}'].sort())
})

test('GET /partitions names them over AMQP, and is a 501 over HTTPS', async () => {
  const get = () => new Request('http://door.test/partitions')
  expect((await door()(get())).body).toEqual({ partitionIds: ['0', '1', '2', '3'] })
  const send = door({}, { transportType: 'https', customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` })
  expect((await send(get())).status).toBe(501)
})

test('CloudEvents over HTTPS are structured unless something else is asked for', async () => {
  const send = door({}, { transportType: 'https', customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` })
  const { headers, body } = HTTP.binary(event)
  expect((await send(post(String(body), headers as Record<string, string>))).status).toBe(200)
  const [landed] = hub.events('events')
  expect(String(landed?.properties['content-type'])).toBe('application/cloudevents+json; charset=utf-8')
})

test('a CloudEvent that HTTPS cannot carry in binary mode is refused, not changed', async () => {
  const send = door(
    { cloudEventsMode: 'binary' },
    { transportType: 'https', customEndpointAddress: `http://127.0.0.1:${hub.httpPort}` },
  )
  const { headers, body } = HTTP.structured(event)
  const answer = await send(post(String(body), headers as Record<string, string>))
  expect(answer.status).toBe(422)
  expect(answer.body.results?.[0]).toMatchObject({ status: 'refused', code: 'not-supported', retryable: false })
  expect(stored()).toEqual([])
})

test('integers and booleans among the attributes keep their types, and data_base64 its bytes', async () => {
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't', n: -5, yes: true, data_base64: 'AAH/gA==' }
  expect((await door()(post(JSON.stringify([event]), batched))).status).toBe(200)
  const [only] = hub.events('events')
  expect(only?.applicationProperties).toMatchObject({ 'cloudEvents:yes': true })
  expect(Number(only?.applicationProperties['cloudEvents:n'])).toBe(-5)
  expect([...(only?.body ?? [])]).toEqual([0, 1, 255, 128])
})

test('an event that is too large is refused by itself; the others are in', async () => {
  const large = JSON.stringify('x'.repeat(1_100_000))
  const answer = await door()(post(`["a",${large},"b"]`, { ...json, 'x-partition-key': 'k' }))
  expect(answer.status).toBe(207)
  expect(answer.body.results?.map(({ status, code }) => code ?? status)).toEqual([
    'accepted',
    'event-too-large',
    'accepted',
  ])
  expect(stored()).toEqual(['"a"', '"b"'])
  expect((await door()(post(large, json))).status).toBe(413)
})

test('a hub that is down: 503 within the deadline, every event reported, none accepted', async () => {
  const send = door({ timeoutInMs: 400 })
  await hub.close()
  const startedAt = performance.now()
  const answer = await send(post('[1,2]', json))
  expect(performance.now() - startedAt).toBeLessThan(2_000)
  expect(answer.status).toBe(503)
  expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
  expect(answer.body).toMatchObject({ accepted: 0, failed: 2 })
  expect(answer.body.results?.every(({ retryable, status }) => retryable && status !== 'accepted')).toBe(true)
})

test('a hub that falls silent: 503 at the deadline, the events unknown or returned, and nothing sent afterwards', async () => {
  const send = door({ timeoutInMs: 600 })
  expect((await send(post('"before"', json))).status).toBe(200)
  hub.faults.silence = true
  const answer = await send(post('["during"]', json))
  expect(answer.status).toBe(503)
  expect(['unknown', 'returned']).toContain(statuses(answer)[0])
})

test('a caller that leaves has nothing of its request sent later', async () => {
  const caller = new AbortController()
  const send = door({ partitionKey: () => 'k' })
  expect((await send(post('"first"', json))).status).toBe(200)
  let line = 0
  const body = new ReadableStream<Uint8Array>({
    pull(controller) {
      line += 1
      if (line <= 20) return controller.enqueue(new TextEncoder().encode(`${line}\n`))
      caller.abort()
    },
  })
  const init = { method: 'POST', headers: ndjson, body, duplex: 'half', signal: caller.signal } as const
  const answer = await send(new Request('http://door.test/events', init))
  const atTheEnd = stored().length
  const { results = [] } = answer.body
  expect(results.length).toBeGreaterThan(0)
  expect(results.filter(({ status }) => status === 'accepted').length).toBeLessThanOrEqual(atTheEnd - 1)
  expect((await send(post(JSON.stringify({ after: true }), json))).status).toBe(200)
  expect(stored()).toHaveLength(atTheEnd + 1)
})

test('a structured event of another hub goes nowhere else: a wrong event hub name is a 503 that names no host', async () => {
  const client = EventHubProducerClient.fromConnectionString(
    hub.connectionString.replace('EntityPath=events', 'EntityPath=missing'),
    { logger: {} },
  )
  clients.push(client)
  const handler = createFetchHandler({ client, auth: 'none', logger: {}, timeoutInMs: 3_000 })
  const event = { specversion: '1.0', id: '1', source: '/s', type: 't' }
  const answer = await answerOf(await handler.fetch(post(JSON.stringify(event), structured)))
  expect(answer.status).toBe(503)
  expect(answer.body.results?.[0]).toMatchObject({ id: '1', retryable: false })
  expect(answer.text).not.toContain('127.0.0.1')
})
