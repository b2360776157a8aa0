import { type ClientRequest, request as httpRequest } from 'node:http'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'
import { partitionIndexForKey } from '../../../infra/local-hub/partition-key-hash.js'
import { signature } from './raw-client.js'

let hub: LocalHub
let index = 0
let name: string
const names = Array.from({ length: 40 }, (_, i) => `hub${i}`)

beforeAll(async () => {
  hub = await startLocalHub({
    eventHubs: Object.fromEntries(names.map((each) => [each, { partitionCount: 4 }])),
    sharedAccessKeys: { root: 'secret', reader: { key: 'secret', rights: ['listen'] } },
    acceptJwt: (token) => token === 'good',
    maxMessageSizeInBytes: 1000,
  })
})
afterAll(() => hub.close())
// An event hub of its own for each test.
beforeEach(() => {
  name = names[index++] ?? ''
})

const token = (resource = `https://127.0.0.1/${name}`, keyName = 'root'): string =>
  signature(resource, { key: 'secret', keyName })
const batchType = 'application/vnd.microsoft.servicebus.json'

function post(
  body: string | Buffer,
  headers: Record<string, string> = {},
  path = `/${name}/messages?timeout=60&api-version=2014-01`,
): Promise<Response> {
  return fetch(`http://127.0.0.1:${hub.httpPort}${path}`, {
    method: 'POST',
    body: new Uint8Array(Buffer.from(body)),
    headers: { authorization: token(), ...headers },
  })
}

describe('a single event', () => {
  test('is stored with its content type, its broker properties and its headers', async () => {
    const response = await post(Buffer.from([0, 255]), {
      'Content-Type': 'application/octet-stream',
      BrokerProperties: '{"PartitionKey":"abc","MessageId":"m","CorrelationId":"c"}',
      Priority: 'high',
      count: '7',
      ratio: '1.5',
      quoted: '"a b"',
      flag: 'true',
      'x-ms-retrypolicy': 'NoRetry',
    })
    expect(response.status).toBe(201)
    expect(await response.text()).toBe('')
    const stored = hub.events(name)
    expect(stored).toMatchObject([
      {
        partitionId: '1',
        partitionKey: 'abc',
        body: Buffer.from([0, 255]),
        bodyType: 'data',
        properties: { 'message-id': 'm', 'correlation-id': 'c', 'content-type': 'application/octet-stream' },
      },
    ])
    expect(stored[0]?.applicationProperties).toEqual({
      Priority: 'high',
      count: 7,
      ratio: 1.5,
      quoted: 'a b',
      flag: true,
    })
  })

  test('goes to the partition in its path, whatever its case', async () => {
    expect((await post('a', {}, `/${name.toUpperCase()}/Partitions/3/Messages`)).status).toBe(201)
    expect(hub.events(name)).toMatchObject([{ partitionId: '3' }])
  })
})

describe('a batch', () => {
  const batch = (items: unknown): Promise<Response> => post(JSON.stringify(items), { 'Content-Type': batchType })

  test('stores each event, by its own key, with its properties', async () => {
    const keys = ['device-42', 'abc', 'ключ']
    const response = await batch([
      ...keys.map((key) => ({ Body: key, BrokerProperties: { PartitionKey: key } })),
      { Body: 'plain', UserProperties: { text: 't', number: 1, real: 0.5, yes: true, no: null } },
      { Body: Buffer.from([255, 0]).toString('base64'), IsBodyBase64: true },
    ])
    expect(response.status).toBe(201)
    const stored = hub.events(name)
    expect(stored).toHaveLength(5)
    for (const key of keys) {
      const event = stored.find(({ partitionKey }) => partitionKey === key)
      expect(event).toMatchObject({ body: Buffer.from(key), partitionId: String(partitionIndexForKey(key, 4)) })
    }
    const plain = stored.find(({ body }) => String(body) === 'plain')
    expect(plain?.applicationProperties).toEqual({ text: 't', number: 1, real: 0.5, yes: true, no: null })
    expect(stored.some(({ body }) => body.equals(Buffer.from([255, 0])))).toBe(true)
  })

  test.each([
    ['no array', {}],
    ['an empty array', []],
    ['an event that is no object', ['x']],
    ['a body that is no string', [{ Body: 'good' }, { Body: { a: 1 } }]],
    ['a key that is no string', [{ Body: 'good' }, { Body: 'x', BrokerProperties: { PartitionKey: 1 } }]],
    ['a property that is no scalar', [{ Body: 'x', UserProperties: { a: [] } }]],
  ])('with %s is refused whole', async (_, items) => {
    const response = await batch(items)
    expect(response.status).toBe(400)
    expect(await response.text()).toMatch(/^<Error><Code>400<\/Code><Detail>.+<\/Detail><\/Error>$/)
    expect(hub.events(name)).toEqual([])
  })

  test('that is no JSON at all is refused, and so are broker properties that are none', async () => {
    expect((await post('[', { 'Content-Type': batchType })).status).toBe(400)
    expect((await post('x', { BrokerProperties: 'PartitionKey' })).status).toBe(400)
  })
})

describe('authorization', () => {
  test('takes a signature for the event hub, its partition or the namespace, by any scheme', async () => {
    for (const scheme of ['http', 'https', 'sb', 'amqp', 'amqps']) {
      expect((await post('x', { authorization: token(`${scheme}://any.host/${name}`) })).status, scheme).toBe(201)
    }
    expect((await post('x', { authorization: token('https://any.host/') })).status).toBe(201)
    const partition = token(`https://any.host/${name}/partitions/2`)
    expect((await post('x', { authorization: partition }, `/${name}/partitions/2/messages`)).status).toBe(201)
    expect((await post('x', { authorization: partition }, `/${name}/partitions/1/messages`)).status).toBe(401)
    expect((await post('x', { authorization: partition })).status).toBe(401)
  })

  test('takes a bearer token that acceptJwt takes', async () => {
    expect((await post('x', { authorization: 'Bearer good' })).status).toBe(201)
    expect((await post('x', { authorization: 'Bearer bad' })).status).toBe(401)
  })

  test('refuses none, a wrong one and an expired one with 401, one without the right to send with 403', async () => {
    const expired = signature(`https://h/${name}`, { key: 'secret', keyName: 'root', expiresAt: 1 })
    for (const authorization of ['', 'Basic x', signature(`https://h/${name}`, { key: 'wrong' }), expired]) {
      const response = await post('x', { authorization })
      expect(response.status, authorization).toBe(401)
      expect(await response.text()).not.toContain('secret')
    }
    expect((await post('x', { authorization: token(undefined, 'reader') })).status).toBe(403)
    expect(hub.events(name)).toEqual([])
  })
})

describe('what else can be wrong', () => {
  test('404 for what does not exist, 405 for another method', async () => {
    const any = { authorization: token('https://h/') }
    expect((await post('x', any, '/nowhere/messages')).status).toBe(404)
    expect((await post('x', any, `/${name}/partitions/4/messages`)).status).toBe(404)
    expect((await post('x', any, `/${name}`)).status).toBe(404)
    expect((await post('x', any, '/%zz/messages')).status).toBe(404)
    const got = await fetch(`http://127.0.0.1:${hub.httpPort}/${name}/messages`)
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST'])
  })

  test('413 for too many bytes, announced or not', async () => {
    expect((await post('x'.repeat(1000))).status).toBe(201)
    expect((await post('x'.repeat(1001))).status).toBe(413)
    const statusOf = (headers: Record<string, string>, send: (request: ClientRequest) => void) =>
      new Promise<number | undefined>((resolve, reject) => {
        const path = `/${name}/messages`
        const options = { port: hub.httpPort, host: '127.0.0.1', method: 'POST', path }
        const request = httpRequest({ ...options, headers: { authorization: token(), ...headers } }, (response) => {
          response.resume()
          resolve(response.statusCode)
          request.destroy()
        })
        request.on('error', reject)
        send(request)
      })
    const chunked = await statusOf({}, (request) => {
      for (let i = 0; i < 5; i++) request.write('y'.repeat(300))
      request.end()
    })
    expect(chunked).toBe(413)
    // The announcement is enough: the body never comes.
    expect(await statusOf({ 'content-length': '5000' }, (request) => request.flushHeaders())).toBe(413)
    expect(hub.events(name)).toHaveLength(1)
  })

  test('429 or 503 with Retry-After under throttling, and the other faults', async () => {
    hub.faults.throttle = { retryAfterInSeconds: 7 }
    const busy = await post('x')
    expect([busy.status, busy.headers.get('retry-after')]).toEqual([503, '7'])
    hub.faults.throttle = { httpStatus: 429 }
    expect((await post('x')).status).toBe(429)
    hub.faults.throttle = undefined
    hub.faults.rejectNext({ condition: 'amqp:internal-error' })
    expect((await post('x')).status).toBe(500)
    hub.faults.rejectNext({ condition: 'amqp:unauthorized-access' })
    expect((await post('x')).status).toBe(401)
    expect(hub.events(name)).toEqual([])
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true })
    await expect(post('stored')).rejects.toThrow()
    hub.faults.latencyInMs = 50
    const started = performance.now()
    expect((await post('late')).status).toBe(201)
    expect(performance.now() - started).toBeGreaterThanOrEqual(49)
    hub.faults.latencyInMs = 0
    expect(
      hub
        .events(name)
        .map(({ body }) => String(body))
        .sort(),
    ).toEqual(['late', 'stored'])
  })

  test('silence and lost acknowledgements leave the request without an answer', async () => {
    const outcomeOf = async (body: string, timeoutInMs: number): Promise<string> => {
      const error = await fetch(`http://127.0.0.1:${hub.httpPort}/${name}/messages`, {
        method: 'POST',
        body,
        headers: { authorization: token() },
        signal: AbortSignal.timeout(timeoutInMs),
      }).catch((reason: Error) => reason)
      return error instanceof Error ? error.name : 'answered'
    }
    hub.faults.silence = true
    expect(await outcomeOf('a', 40)).toBe('TimeoutError')
    hub.faults.silence = false
    hub.faults.dropAcknowledgements()
    expect(await outcomeOf('b', 40)).toBe('TimeoutError')
    expect(hub.events(name).map(({ body }) => String(body))).toEqual(['b'])
    hub.faults.refuseConnections = true
    expect(await outcomeOf('c', 5000)).toBe('TypeError')
    hub.faults.reset()
    expect(await outcomeOf('d', 5000)).toBe('answered')
  })
})
