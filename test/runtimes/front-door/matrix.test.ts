import { createHmac } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { EventsAnswer, Problem } from '../../../adapters/fetch/index.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { until } from '../support/until.js'
import { keys, origin, shortTimeoutInMs } from './doors.js'
import { type Running, start } from './runtimes.js'

type Answer = { readonly status: number; readonly headers: Headers; readonly body: Partial<EventsAnswer & Problem> }

const json = { 'content-type': 'application/json' }
const ndjson = { 'content-type': 'application/x-ndjson' }

describe.each([
  { runtime: 'node', transport: 'amqp' },
  { runtime: 'node', transport: 'https' },
  { runtime: 'workerd', transport: 'https' },
  { runtime: 'deno', transport: 'amqp' },
  { runtime: 'deno', transport: 'https' },
  { runtime: 'bun', transport: 'amqp' },
  { runtime: 'bun', transport: 'https' },
] as const)('$runtime over $transport', ({ runtime, transport }) => {
  let hub: LocalHub
  let door: Running
  const folder = mkdtempSync(join(tmpdir(), 'sluice-door-'))

  beforeAll(async () => {
    hub = await startLocalHub({ eventHubs: { events: { partitionCount: 4 } } })
    const { amqpPort, httpPort, connectionString } = hub
    const HUB = transport === 'https' ? connectionString.replace(`:${amqpPort}`, `:${httpPort}`) : connectionString
    const entry = `test/runtimes/front-door/serve/${serving[runtime]}.ts`
    door = await start(runtime, { entry, folder, env: { HUB, TRANSPORT: transport } })
  })
  afterAll(async () => {
    await door?.stop()
    await hub?.close()
    rmSync(folder, { recursive: true, force: true })
  })
  let before = 0
  beforeEach(() => {
    before = hub.events('events').length
  })

  /** What has landed since the test began. */
  const landed = () =>
    hub
      .events('events')
      .sort((a, b) => a.enqueuedTime.getTime() - b.enqueuedTime.getTime())
      .slice(before)
  const bodies = () => landed().map(({ body }) => body.toString())

  async function ask(path: string, init: RequestInit = {}): Promise<Answer> {
    const response = await fetch(`${door.url}${path}`, { ...init, signal: AbortSignal.timeout(15_000) })
    const text = await response.text()
    return { status: response.status, headers: response.headers, body: text === '' ? {} : JSON.parse(text) }
  }
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string> = json) =>
    ask(path, { method: 'POST', body, headers: { 'x-partition-key': 'k', ...headers } })

  describe('takes', () => {
    test('JSON, one event or many, byte for byte and in order', async () => {
      expect((await post('/open/events', '{"n":12345678901234567890}')).status).toBe(200)
      expect((await post('/open/events', '[1,"é",{"a": 1}]')).body).toMatchObject({ accepted: 3, failed: 0 })
      expect(bodies()).toEqual(['{"n":12345678901234567890}', '1', '"é"', '{"a": 1}'])
      expect(landed().every(({ partitionKey }) => partitionKey === 'k')).toBe(true)
    })

    test('NDJSON, which is on its way while the upload goes on', async () => {
      const upload = openUpload(`${door.url}/open/events`, { ...ndjson, 'x-partition-key': 'k' })
      upload.write('{"line":1}\n{"line"')
      await until('the first line had landed', () => landed().length === 1)
      upload.end(':2}\n\n"é"')
      expect(await upload.status).toBe(200)
      expect(bodies()).toEqual(['{"line":1}', '{"line":2}', '"é"'])
    })

    test('CloudEvents, structured, batched and binary', async () => {
      const structured = { 'content-type': 'application/cloudevents+json' }
      const batched = { 'content-type': 'application/cloudevents-batch+json' }
      // In binary mode the content type is the body's own.
      const { data, datacontenttype: _, ...attributes } = cloudEvent('C')
      const binary = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce-${name}`, value]))
      expect((await post('/open/events', JSON.stringify(cloudEvent('A')), structured)).status).toBe(200)
      expect((await post('/open/events', JSON.stringify([cloudEvent('B')]), batched)).body.results).toEqual([
        { index: 0, id: 'B', status: 'accepted', retryable: false },
      ])
      expect((await post('/open/events', JSON.stringify(data), { ...json, ...binary })).status).toBe(200)
      expect(landed().map(({ properties }) => properties['message-id'])).toEqual(['A', 'B', 'C'])
      for (const { body, properties, applicationProperties } of landed()) {
        const whole = JSON.parse(body.toString())
        // HTTPS cannot carry a content type beside other properties, so there the event is one JSON document.
        if (transport === 'https') expect(whole).toMatchObject({ type: 'test', data })
        else expect(whole).toEqual(data)
        const type = transport === 'https' ? 'application/cloudevents+json; charset=utf-8' : 'application/json'
        expect(String(properties['content-type'])).toBe(type)
        if (transport === 'amqp') expect(applicationProperties['cloudEvents:type']).toBe('test')
      }
    })

    test('text and bytes, as one event each, with their content type', async () => {
      const bytes = Uint8Array.of(0, 255, 128, 10)
      expect((await post('/open/events', 'héllo', { 'content-type': 'text/plain; charset=utf-8' })).status).toBe(200)
      expect((await post('/open/events', bytes, { 'content-type': 'application/octet-stream' })).status).toBe(200)
      expect(landed().map(({ body }) => [...body])).toEqual([[...Buffer.from('héllo')], [...bytes]])
      const types = landed().map(({ properties }) => String(properties['content-type']))
      expect(types).toEqual(['text/plain; charset=utf-8', 'application/octet-stream'])
    })

    test('a batch whose items have keys, ids and properties of their own', async () => {
      const items = [
        { body: { t: 21.5 }, partitionKey: 'a', id: 'first', properties: { site: 'north' } },
        { text: 'plain', partitionKey: 'b' },
        { base64: 'AAH/gA==', partitionKey: 'b' },
        { body: 1, unheardOf: true },
      ]
      const answer = await ask('/open/events:batch', { method: 'POST', body: JSON.stringify(items), headers: json })
      expect(answer.status).toBe(207)
      expect(answer.body.results?.map(({ id, status }) => id ?? status)).toEqual([
        'first',
        'accepted',
        'accepted',
        'invalid',
      ])
      const found = landed().map(({ body, partitionKey }) => `${partitionKey} ${body.toString('base64')}`)
      expect(found.sort()).toEqual(
        [`a ${Buffer.from('{"t":21.5}').toString('base64')}`, `b ${btoa('plain')}`, 'b AAH/gA=='].sort(),
      )
      expect(landed().find(({ partitionKey }) => partitionKey === 'a')?.applicationProperties).toEqual({
        site: 'north',
      })
    })

    test('an upload of some megabytes', async () => {
      const lines = Array.from({ length: 900 }, (_, n) => JSON.stringify({ n, filling: 'x'.repeat(3_000) }))
      expect((await post('/open/events', lines.join('\n'), ndjson)).body).toMatchObject({ accepted: 900 })
      expect(bodies()).toEqual(lines)
    })
  })

  describe('lets in', () => {
    test('whoever has a bearer key, and nobody else', async () => {
      const as = (authorization: string) => post('/bearer/events', '1', { ...json, authorization })
      expect((await post('/bearer/events', '1')).status).toBe(401)
      const refused = await as('Bearer a-key-that-nobody-has')
      expect(refused.status).toBe(401)
      expect(refused.headers.get('www-authenticate')).toContain('Bearer')
      expect(landed()).toEqual([])
      expect((await as(`Bearer ${keys.bearer}`)).status).toBe(200)
      expect((await as(`bearer ${keys.old}`)).status).toBe(200)
      expect(landed()).toHaveLength(2)
    })
  })

  describe('lets in, by other schemes,', () => {
    const wrong = async (path: string, headers: Record<string, string>) =>
      expect((await post(path, '1', { ...json, ...headers })).status).toBe(401)

    test('a name with its password', async () => {
      const basic = (text: string) => ({ authorization: `Basic ${btoa(text)}` })
      await wrong('/basic/events', basic('someone:guessed'))
      expect((await post('/basic/events', '1', { ...json, ...basic(`someone:${keys.password}`) })).status).toBe(200)
      expect(landed()).toHaveLength(1)
    })

    test('an API key', async () => {
      await wrong('/api-key/events', { 'x-api-key': 'guessed' })
      expect((await post('/api-key/events', '1', { ...json, 'x-api-key': keys.api })).status).toBe(200)
      expect(landed()).toHaveLength(1)
    })

    test('a body that is signed as GitHub does, and is read once', async () => {
      const body = '{"action":"opened"}'
      const signature = `sha256=${createHmac('sha256', keys.gitHub).update(body).digest('hex')}`
      await wrong('/signed/events', { 'x-hub-signature-256': signature })
      expect((await post('/signed/events', body, { ...json, 'x-hub-signature-256': signature })).status).toBe(200)
      expect(bodies()).toEqual([body])
    })

    test('a body that is signed by Standard Webhooks, and is fresh', async () => {
      const body = '{"type":"user.created"}'
      const signed = (secondsAgo: number) => {
        const timestamp = String(Math.floor(Date.now() / 1000) - secondsAgo)
        const mac = createHmac('sha256', Buffer.from(keys.standard, 'base64')).update(`msg_1.${timestamp}.${body}`)
        return {
          ...json,
          'webhook-id': 'msg_1',
          'webhook-timestamp': timestamp,
          'webhook-signature': `v1,${mac.digest('base64')}`,
        }
      }
      expect((await post('/signed/events', body, signed(600))).status).toBe(401)
      expect((await post('/signed/events', body, signed(0))).status).toBe(200)
      expect(bodies()).toEqual([body])
    })
  })

  describe('answers', () => {
    test('handshakes of CloudEvents senders and of Event Grid', async () => {
      const headers = { 'webhook-request-origin': 'sender.example.com' }
      const handshake = await ask('/hooks/events', { method: 'OPTIONS', headers })
      expect([handshake.status, handshake.headers.get('webhook-allowed-origin')]).toEqual([200, 'sender.example.com'])
      const validation = [
        { id: '1', eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent', data: { validationCode: 'code-1' } },
      ]
      const type = { ...json, 'aeg-event-type': 'SubscriptionValidation' }
      expect((await post('/hooks/events', JSON.stringify(validation), type)).body).toEqual({
        validationResponse: 'code-1',
      })
      expect(landed()).toEqual([])
    })

    test('browsers of the origins that are let in', async () => {
      const headers = { origin, 'access-control-request-method': 'POST' }
      const preflight = await ask('/browsers/events', { method: 'OPTIONS', headers })
      expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, origin])
      const answer = await post('/browsers/events', '1', { ...json, origin })
      expect([answer.status, answer.headers.get('access-control-allow-origin')]).toEqual([200, origin])
    })

    test('429 to a caller who asks too often', async () => {
      for (let n = 0; n < 2; n++) expect((await post('/limited/events', '1')).status).toBe(200)
      const answer = await post('/limited/events', '1')
      expect(answer.status).toBe(429)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(landed()).toHaveLength(2)
    })

    test('the partitions, where the transport can tell', async () => {
      const answer = await ask('/open/partitions')
      if (transport === 'https') expect(answer.status).toBe(501)
      else expect(answer.body).toEqual({ partitionIds: ['0', '1', '2', '3'] })
    })

    test('202 to who asks for an early answer, and the events land all the same', async () => {
      expect((await post('/early/events', '"warm"')).status).toBe(200)
      hub.faults.latencyInMs = 300
      const early = await post('/early/events', '[1,2]', { ...json, prefer: 'respond-async' }).finally(() => {
        hub.faults.latencyInMs = 0
      })
      expect([early.status, early.body]).toEqual([202, { pending: 2 }])
      await until('the events had landed', () => landed().length === 3)
      // Their acknowledgement is still on its way: a hub that falls silent for a later test must not hold it back.
      expect((await post('/early/events', '"acknowledged"')).status).toBe(200)
    })

    test('health, and what is not there', async () => {
      expect((await ask('/open/health')).status).toBe(200)
      const head = await ask('/open/health', { method: 'HEAD' })
      expect([head.status, head.body]).toEqual([200, {}])
      expect((await ask('/open/nothing')).status).toBe(404)
      const wrongMethod = await ask('/open/events')
      expect([wrongMethod.status, wrongMethod.headers.get('allow')]).toEqual([405, 'POST'])
      expect((await post('/open/events', '1', { 'content-type': 'application/x-unheard-of' })).status).toBe(415)
    })

    test('event by event where some are not taken: 207', async () => {
      const tooLarge = JSON.stringify('x'.repeat(1_100_000))
      const large = await post('/open/events', `["a",${tooLarge},"b"]`)
      expect(large.status).toBe(207)
      expect(large.body.results?.map(({ status, code }) => code ?? status)).toEqual([
        'accepted',
        'event-too-large',
        'accepted',
      ])
      const malformed = await post('/open/events', '1\n{oops\n2', ndjson)
      expect(malformed.status).toBe(207)
      expect(malformed.body.results?.map(({ status }) => status)).toEqual(['accepted', 'invalid', 'accepted'])
      expect(bodies()).toEqual(['"a"', '"b"', '1', '2'])
    })

    test('413 to what is too much, also while it is still coming', async () => {
      expect((await post('/small/events', '[1,2,3,4]')).status).toBe(413)
      expect((await post('/small/events', JSON.stringify('x'.repeat(5_000)))).status).toBe(413)
      const upload = openUpload(`${door.url}/small/events`, json)
      upload.write(JSON.stringify('x'.repeat(5_000)))
      expect(await upload.status).toBe(413)
      upload.breakOff()
      expect(landed()).toEqual([])
      expect((await post('/small/events', '1')).status).toBe(200)
    })

    test('with Retry-After when the hub throttles', async () => {
      hub.faults.throttle = { retryAfterInSeconds: 7, httpStatus: 429 }
      const answer = await post('/hasty/events', '1').finally(() => {
        hub.faults.throttle = undefined
      })
      expect(answer.status).toBe(429)
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(answer.body.results?.[0]).toMatchObject({ status: 'refused', code: 'server-busy', retryable: true })
      expect((await post('/hasty/events', '2')).status).toBe(200)
      expect(bodies()).toEqual(['2'])
    })

    test('by the deadline when the hub stalls, and as ever when it is back', async () => {
      expect((await post('/hasty/events', '"before"')).status).toBe(200)
      hub.faults.silence = true
      const startedAt = performance.now()
      const answer = await post('/hasty/events', '["during",1]').finally(() => {
        hub.faults.silence = false
      })
      expect(performance.now() - startedAt).toBeLessThan(shortTimeoutInMs + 2_000)
      expect(answer.status).toBe(503)
      expect(answer.headers.get('retry-after')).toMatch(/^\d+$/)
      expect(answer.body.results).toHaveLength(2)
      for (const { status, retryable } of answer.body.results ?? []) {
        expect(['unknown', 'returned']).toContain(status)
        expect(retryable).toBe(true)
      }
      expect((await post('/hasty/events', '"after"')).status).toBe(200)
      expect(bodies()).toContain('"after"')
    })

    test('by the deadline when an upload does not end', async () => {
      const upload = openUpload(`${door.url}/hasty/events`, { ...ndjson, 'x-partition-key': 'k' })
      upload.write('1\n2')
      expect(await upload.status).toBe(207)
      upload.breakOff()
      expect(bodies()).toEqual(['1'])
    })
  })

  describe('goes on', () => {
    test('with one request after the other, each of which stands alone', async () => {
      for (let n = 0; n < 10; n++) expect((await post('/open/events', String(n))).status).toBe(200)
      expect(bodies()).toEqual(Array.from({ length: 10 }, (_, n) => String(n)))
    })

    test('after the hub has dropped every connection between two requests', async () => {
      expect((await post('/open/events', '1')).status).toBe(200)
      hub.faults.destroyConnections()
      expect((await post('/open/events', '2')).status).toBe(200)
      expect(bodies()).toEqual(['1', '2'])
    })

    test('after an aborted upload, of which no half event lands', async () => {
      const upload = openUpload(`${door.url}/open/events`, { ...ndjson, 'x-partition-key': 'k' })
      upload.write('1\n2\n{"half":')
      await until('what was whole had landed', () => landed().length === 2)
      upload.breakOff()
      expect((await post('/open/events', '"after"')).status).toBe(200)
      expect(bodies()).toEqual(['1', '2', '"after"'])
    })

    test('with requests that wait for each other, one send at a time', async () => {
      hub.faults.latencyInMs = 20
      const asked = Array.from({ length: 12 }, (_, n) => post('/narrow/events', `[${n},${n},${n}]`))
      const answers = await Promise.all(asked).finally(() => {
        hub.faults.latencyInMs = 0
      })
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(landed()).toHaveLength(36)
    })

    test('with requests that waited for one whose caller has gone', async () => {
      hub.faults.latencyInMs = 500
      const caller = new AbortController()
      const headers = { ...json, 'x-partition-key': 'k' }
      const gone = fetch(`${door.url}/narrow/events`, { method: 'POST', body: '1', headers, signal: caller.signal })
      gone.catch(() => {})
      await sleep(100)
      const waiting = [post('/narrow/events', '[2,2,2]'), post('/narrow/events', '[3,3,3]')]
      await sleep(100)
      hub.faults.latencyInMs = 0
      caller.abort()
      expect((await Promise.all(waiting)).map(({ status }) => status)).toEqual([200, 200])
    })

    test('with many requests side by side', async () => {
      const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => post('/open/events', `[${n},${n}]`)))
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200))
      expect(landed()).toHaveLength(80)
    })
  })
})

const serving = { node: 'node', workerd: 'workerd', deno: 'deno-bun', bun: 'deno-bun' } as const

const cloudEvent = (id: string) => ({
  specversion: '1.0',
  id,
  source: '/tests',
  type: 'test',
  datacontenttype: 'application/json',
  data: { temperature: 21.5 },
})

/** An upload that is written piece by piece, over a connection of its own. */
function openUpload(url: string, headers: Record<string, string>) {
  const request = httpRequest(url, { method: 'POST', headers, agent: false })
  const status = new Promise<number | undefined>((resolve, reject) => {
    request.on('response', (response) => resolve(response.resume().statusCode))
    request.on('error', reject)
  })
  // Breaking off is an error to whoever waits for an answer; here nobody may.
  status.catch(() => {})
  return {
    status,
    write: (text: string) => void request.write(text),
    end: (text: string) => void request.end(text),
    breakOff: () => void request.destroy(),
  }
}
