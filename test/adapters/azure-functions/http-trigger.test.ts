import type { HttpRequest, InvocationContext } from '@azure/functions'
import { afterAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { httpTriggerHandler } from '../../../adapters/azure-functions/index.js'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { startWorker } from './worker-stand-in.js'

const worker = startWorker()
const hub = await startLocalHub()
const key = 'front-door-key-of-a-test'
vi.stubEnv('EventHubConnection', hub.connectionStringFor('events'))
vi.stubEnv('EventHubName', 'events')
vi.stubEnv('FRONT_DOOR_KEY', key)
// Read once, by the first request.
vi.stubEnv('AzureFunctionsJobHost__functionTimeout', '00:00:03')
await import('../../../infra/entrypoints/http-azure-functions.js')

let before = 0
beforeEach(() => {
  hub.faults.reset()
  before = hub.events('events').length
})
afterAll(async () => {
  await worker.terminate()
  await hub.close()
})

const headers = { 'content-type': 'application/json', authorization: `Bearer ${key}` }
const landed = () =>
  hub
    .events('events')
    .slice(before)
    .map(({ body }) => body.toString())

describe('the front door as a Functions app', () => {
  const ask = async (path: string, request: Parameters<typeof worker.fetch>[1] = {}) => {
    const { status, body } = await worker.fetch('frontDoor', { path, ...request })
    return { status, answer: body === '' ? undefined : JSON.parse(body) }
  }

  test('asks the host for every path and for no key of its own where it has keys', () => {
    expect(() => worker.index()).not.toThrow()
    expect(Object.values(worker.bindings('frontDoor'))).toMatchObject([
      { type: 'httpTrigger', authLevel: 'anonymous', route: '{*path}', methods: ['GET', 'HEAD', 'POST', 'OPTIONS'] },
      { type: 'http' },
    ])
  })

  test('answers once the events are in the event hub', async () => {
    expect(await ask('events', { body: '[1,{"two":"é"}]', headers })).toMatchObject({
      status: 200,
      answer: { accepted: 2, failed: 0 },
    })
    expect(landed().sort()).toEqual(['1', '{"two":"é"}'])
  })

  test('keeps out who has no key, and answers a probe', async () => {
    expect((await ask('events', { body: '1', headers: { 'content-type': 'application/json' } })).status).toBe(401)
    expect(await ask('health', { method: 'GET' })).toEqual({ status: 200, answer: { status: 'ok' } })
    expect(await ask('health', { method: 'HEAD' })).toEqual({ status: 200, answer: undefined })
    expect((await ask('elsewhere', { method: 'GET' })).status).toBe(404)
    expect(landed()).toEqual([])
  })

  test('answers event by event where some are not taken', async () => {
    const ndjson = { ...headers, 'content-type': 'application/x-ndjson' }
    const { status, answer } = await ask('events', { body: '1\n{oops\n2', headers: ndjson })
    expect(status).toBe(207)
    expect(answer.results.map((result: { status: string }) => result.status)).toEqual([
      'accepted',
      'invalid',
      'accepted',
    ])
  })

  test('answers before functionTimeout when the hub stalls', async () => {
    hub.faults.silence = true
    const startedAt = performance.now()
    const { status, answer } = await ask('events', { body: '1', headers })
    expect(performance.now() - startedAt).toBeLessThan(3_000)
    expect(status).toBe(503)
    expect(answer.results[0].status).not.toBe('accepted')
  })

  test('without keys of its own leaves them to the host', async () => {
    vi.resetModules()
    vi.stubEnv('FRONT_DOOR_KEY', '')
    const { app } = await import('@azure/functions')
    const http = vi.spyOn(app, 'http').mockImplementation(() => {})
    await import('../../../infra/entrypoints/http-azure-functions.js')
    expect(http).toHaveBeenCalledWith('frontDoor', expect.objectContaining({ authLevel: 'function' }))
  })
})

describe('httpTriggerHandler', () => {
  const context = {} as InvocationContext
  const request = (given: Partial<HttpRequest>) =>
    ({
      method: 'POST',
      url: 'https://app.test/api/x?y=1',
      headers: new Headers({ a: '1' }),
      body: null,
      ...given,
    }) as HttpRequest

  test('streams the body in and the answer out', async () => {
    const upload = new TransformStream<Uint8Array, Uint8Array>()
    const writer = upload.writable.getWriter()
    const handler = httpTriggerHandler({
      async fetch({ body, url, headers }) {
        const reader = body?.getReader()
        const first = await reader?.read()
        // The rest is written only now.
        void writer.write(new TextEncoder().encode('second')).then(() => writer.close())
        const second = await reader?.read()
        const text = [first, second].map((part) => new TextDecoder().decode(part?.value)).join(' ')
        return new Response(`${url} ${headers.get('a')} ${text}`, { status: 201, headers: { b: '2' } })
      },
    })
    void writer.write(new TextEncoder().encode('first'))
    const { status, headers, body } = await handler(request({ body: upload.readable as HttpRequest['body'] }), context)
    expect(status).toBe(201)
    expect(new Headers(headers as [string, string][]).get('b')).toBe('2')
    expect(body).toBeInstanceOf(ReadableStream)
    expect(await new Response(body as ReadableStream).text()).toBe('https://app.test/api/x?y=1 1 first second')
  })

  test('tells the time that is left, 230 s at most', async () => {
    const remaining: number[] = []
    await httpTriggerHandler({
      fetch(_request, _environment, { remainingTimeInMs }) {
        remaining.push(remainingTimeInMs())
        return new Response()
      },
    })(request({}), context)
    expect(remaining[0]).toBeGreaterThan(2_000)
    expect(remaining[0]).toBeLessThanOrEqual(3_000)
  })

  test('answers 400 to what has no web form', async () => {
    const handler = httpTriggerHandler({ fetch: () => new Response('reached') })
    expect(await handler(request({ method: 'TRACE' }), context)).toMatchObject({ status: 400 })
  })

  test('refuses what is no door', () => {
    expect(() => httpTriggerHandler({} as never)).toThrow(/takes a door, such as createFetchHandler/)
  })
})
