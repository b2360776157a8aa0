import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { EventHubProducerClient } from '../../core/index.js'
import type { EventHubProducerClientOptions } from '../../core/options.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'

const names = Array.from({ length: 40 }, (_, i) => `hub${i}`)
const largest = 20_000

let hub: LocalHub
let name = ''
let used = 0
const clients: EventHubProducerClient[] = []

beforeAll(async () => {
  hub = await startLocalHub({
    eventHubs: Object.fromEntries(names.map((each) => [each, { partitionCount: 4 }])),
    sharedAccessKeys: { root: 'the-right-key', reader: { key: 'reader-key', rights: ['listen'] } },
    maxMessageSizeInBytes: largest,
  })
})
afterAll(() => hub.close())
// An event hub of its own for each test.
beforeEach(() => {
  name = names[used++] ?? ''
})
afterEach(async () => {
  hub.faults.reset()
  await Promise.all(clients.splice(0).map((client) => client.close({ flush: false })))
})

function connectionString(port = hub.httpPort, key = 'the-right-key', keyName = 'root', eventHubName = name): string {
  return `Endpoint=sb://127.0.0.1:${port};SharedAccessKeyName=${keyName};SharedAccessKey=${key};EntityPath=${eventHubName};UseDevelopmentEmulator=true`
}

function connect(options: EventHubProducerClientOptions = {}, text = connectionString()): EventHubProducerClient {
  const client = EventHubProducerClient.fromConnectionString(text, {
    transportType: 'https',
    retryOptions: { retryDelayInMs: 20 },
    ...options,
  })
  clients.push(client)
  return client
}

const stored = () => hub.events(name)
const bodies = () => stored().map(({ body }) => body.toString())

/** What a send that must fail says. */
async function failureOf(sent: Promise<unknown>): Promise<Error & { readonly [field: string]: unknown }> {
  return sent.then(
    () => Promise.reject(new Error('The send did not fail.')),
    (error) => error,
  )
}

describe('over HTTPS, the hub stores', () => {
  test('bodies, properties, key, message id and correlation id as they were sent', async () => {
    await connect().sendEvent(
      {
        body: { json: ['é', null] },
        messageId: 'the id',
        correlationId: 7,
        properties: {
          text: 'ключ',
          number: 1.5,
          whole: 42,
          flag: true,
          when: new Date(0),
          JSON: '{"a":1}',
          digits: '7',
        },
      },
      { partitionKey: 'device-42' },
    )
    expect(stored()).toMatchObject([
      {
        body: Buffer.from('{"json":["é",null]}'),
        bodyType: 'data',
        partitionKey: 'device-42',
        properties: { 'message-id': 'the id', 'correlation-id': '7' },
        applicationProperties: {
          text: 'ключ',
          number: 1.5,
          whole: 42,
          flag: true,
          when: '1970-01-01T00:00:00.000Z',
          JSON: '{"a":1}',
          digits: '7',
        },
      },
    ])
  })

  test('an event that travels alone as it was sent: its bytes, its content type, its properties', async () => {
    const client = connect()
    const properties = { color: 'blue', day: '2026-03-04' }
    await client.sendEvent(
      { body: new Uint8Array([0xff, 0, 0xc3]), messageId: 'm\u00e9', properties },
      { partitionKey: 'ключ😀' },
    )
    await client.sendEvent({ body: { a: 1 }, contentType: 'application/json; charset=utf-8' }, { partitionId: '2' })
    expect(stored().find(({ partitionKey }) => partitionKey === 'ключ😀')).toMatchObject({
      body: Buffer.from([0xff, 0, 0xc3]),
      properties: { 'message-id': 'mé', 'content-type': 'application/octet-stream' },
      applicationProperties: properties,
    })
    expect(hub.events(name, '2').at(-1)).toMatchObject({
      body: Buffer.from('{"a":1}'),
      properties: { 'content-type': 'application/json; charset=utf-8' },
    })
  })

  test('each key in the partition where AMQP puts it', async () => {
    const https = connect()
    const amqp = EventHubProducerClient.fromConnectionString(connectionString(hub.amqpPort))
    clients.push(amqp)
    const keys = ['a', 'device-42', 'Привет', '日本語', '😀', '', '0123456789abc']
    for (const partitionKey of keys) {
      await https.sendEvent({ body: `https ${partitionKey}` }, { partitionKey })
      const invocation = amqp.beginInvocation()
      void invocation.sendEvent({ body: `amqp ${partitionKey}` }, { partitionKey })
      expect((await invocation.end()).accepted).toBe(1)
    }
    for (const partitionKey of keys) {
      const places = stored().filter((event) => event.partitionKey === partitionKey)
      expect(places).toHaveLength(2)
      expect(new Set(places.map(({ partitionId }) => partitionId)).size).toBe(1)
    }
  })

  test('a batch in order, in the partition that was named', async () => {
    const all = Array.from({ length: 100 }, (_, i) => ({ body: `${i}` }))
    await connect().sendBatch(all, { partitionId: '3' })
    expect(hub.events(name, '3').map(({ body }) => body.toString())).toEqual(all.map(({ body }) => body))
  })

  test('all that an invocation sent, alone and in batches, in order within each key', async () => {
    const invocation = connect().beginInvocation()
    for (let i = 0; i < 60; i++) {
      const body = i % 5 === 0 ? new Uint8Array([0xff, i]) : `text ${i}`
      void invocation.sendEvent({ body, properties: { order: `no ${i}` } }, { partitionKey: `key ${i % 3}` })
    }
    expect(await invocation.end()).toMatchObject({ accepted: 60, failures: [] })
    expect(stored()).toHaveLength(60)
    for (const key of ['key 0', 'key 1', 'key 2']) {
      const order = stored().filter(({ partitionKey }) => partitionKey === key)
      const numbers = order.map(({ applicationProperties }) => Number(String(applicationProperties.order).slice(3)))
      expect(numbers).toHaveLength(20)
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b))
    }
  })

  test('what is routed here once the partition ids are given', async () => {
    const invocation = connect({ partitionIds: ['0', '1', '2', '3'] }).beginInvocation()
    for (let i = 0; i < 20; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: 'abc' })
    expect((await invocation.end()).accepted).toBe(20)
    // DIALECT.md: 'abc' is partition 1 of 4.
    expect(hub.events(name, '1').map(({ partitionKey }) => partitionKey)).toEqual(Array(20).fill('abc'))
  })
})

describe('over HTTPS, is refused for good', () => {
  test('a wrong key: nothing is stored, and the key is not shown', async () => {
    const client = connect({}, connectionString(hub.httpPort, 'a-wrong-key'))
    const error = await failureOf(client.sendEvent({ body: 'b' }))
    expect(error).toMatchObject({ code: 'unauthorized', outcome: 'refused', condition: '401' })
    expect(`${error.message}${error.stack}`).not.toContain('a-wrong-key')
    expect(stored()).toEqual([])
  })

  test('a key without the right to send', async () => {
    const client = connect({}, connectionString(hub.httpPort, 'reader-key', 'reader'))
    expect(await failureOf(client.sendEvent({ body: 'b' }))).toMatchObject({
      code: 'unauthorized',
      retryable: false,
      condition: '403',
    })
  })

  test.each(['no-such-hub', ''])('an event hub or a partition that does not exist', async (missing) => {
    const client = missing ? connect({}, connectionString(hub.httpPort, 'the-right-key', 'root', missing)) : connect()
    const sent = client.sendEvent({ body: 'b' }, missing ? {} : { partitionId: '9' })
    expect(await failureOf(sent)).toMatchObject({ code: 'entity-not-found', outcome: 'refused', condition: '404' })
  })

  test('what is too large for the hub, while smaller events go on', async () => {
    const client = connect()
    const error = await failureOf(client.sendEvent({ body: 'x'.repeat(largest) }))
    expect(error).toMatchObject({ code: 'event-too-large', outcome: 'refused', retryable: false, condition: '413' })
    expect(error.message).not.toContain('xxx')
    await client.sendEvent({ body: 'small' })
    expect(bodies()).toEqual(['small'])
  })

  test('reading properties, which needs other rights', async () => {
    const client = connect()
    for (const asked of [
      client.getPartitionIds(),
      client.getEventHubProperties(),
      client.getPartitionProperties('0'),
    ]) {
      expect(await failureOf(asked)).toMatchObject({ code: 'not-supported' })
    }
  })

  test('to put an event that must travel alone beside others', async () => {
    const batch = await connect().createBatch()
    expect(batch.tryAdd({ body: 'a' })).toBe(true)
    expect(() => batch.tryAdd({ body: new Uint8Array([0xff]) })).toThrow(/alone/)
    expect(batch.count).toBe(1)
  })
})

describe('over HTTPS, is tried again', () => {
  test('what a busy hub refuses, after the pause that it asks for', async () => {
    hub.faults.throttle = { retryAfterInSeconds: 0.25, httpStatus: 429 }
    const startedAt = performance.now()
    const sent = connect().sendEvent({ body: 'b' })
    await sleep(100)
    hub.faults.throttle = undefined
    await sent
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(240)
    expect(bodies()).toEqual(['b'])
  })

  test('nothing that a busy hub refuses for longer than there is time', async () => {
    hub.faults.throttle = { retryAfterInSeconds: 30 }
    const startedAt = performance.now()
    const invocation = connect().beginInvocation({ timeoutInMs: 5000 })
    void invocation.sendEvent({ body: 'b' })
    const { accepted, failures } = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(2000)
    expect(accepted).toBe(0)
    expect(failures).toMatchObject([
      { index: 0, outcome: 'refused', error: { code: 'server-busy', retryAfterInMs: 30_000, condition: '503' } },
    ])
  })

  test('what was lost with its connection', async () => {
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced' })
    await connect().sendEvent({ body: 'b' })
    expect(bodies()).toEqual(['b'])
  })

  test('what lost its answer: delivered twice rather than not at all', async () => {
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true })
    await connect().sendEvent({ body: 'b' })
    expect(bodies()).toEqual(['b', 'b'])
  })

  test('what lost its answer and its time is unknown', async () => {
    hub.faults.detachNext({ condition: 'amqp:link:detach-forced', afterStoring: true })
    const client = connect({ retryOptions: { maxRetries: 0 } })
    expect(await failureOf(client.sendEvent({ body: 'b' }))).toMatchObject({
      code: 'connection-lost',
      outcome: 'unknown',
    })
    expect(bodies()).toEqual(['b'])
  })
})

describe('over HTTPS, with a hub that is', () => {
  test('down, an invocation returns within its deadline, every event certainly not delivered', async () => {
    const gone = createServer().listen(0, '127.0.0.1')
    await once(gone, 'listening')
    const { port } = gone.address() as AddressInfo
    await new Promise((resolve) => gone.close(resolve))
    const startedAt = performance.now()
    const invocation = connect({}, connectionString(port)).beginInvocation({ timeoutInMs: 1000, reserveInMs: 100 })
    for (let i = 0; i < 5; i++) void invocation.sendEvent({ body: `${i}` }, { partitionKey: `${i}` })
    const { accepted, failures } = await invocation.end()
    expect(performance.now() - startedAt).toBeLessThan(1000)
    expect(accepted).toBe(0)
    expect(failures.map(({ index, outcome }) => [index, outcome])).toEqual(
      [0, 1, 2, 3, 4].map((index) => [index, 'returned']),
    )
    expect(failures[0]?.error).toMatchObject({ code: 'connection-lost', condition: 'ECONNREFUSED' })
  })

  test('silent, an invocation returns at its deadline: unknown, and its request ends with it', async () => {
    const requests: IncomingMessage[] = []
    const silent = createServer((request) => requests.push(request)).listen(0, '127.0.0.1')
    await once(silent, 'listening')
    const { port } = silent.address() as AddressInfo
    try {
      const startedAt = performance.now()
      const invocation = connect({}, connectionString(port)).beginInvocation({ timeoutInMs: 1000, reserveInMs: 600 })
      void invocation.sendEvent({ body: 'b' })
      const { failures } = await invocation.end()
      const took = performance.now() - startedAt
      expect(took).toBeGreaterThanOrEqual(395)
      expect(took).toBeLessThan(1000)
      expect(failures).toMatchObject([{ outcome: 'unknown', error: { code: 'timeout' } }])
      // Its socket is gone, and no other request was made or comes.
      await expect.poll(() => requests[0]?.socket.destroyed).toBe(true)
      expect(requests).toHaveLength(1)
    } finally {
      silent.closeAllConnections()
      silent.close()
    }
  })

  test('silent, an abort ends a send at once: unknown, and its request ends with it', async () => {
    hub.faults.silence = true
    const abort = new AbortController()
    const sent = connect().sendEvent({ body: 'b' }, { abortSignal: abort.signal, timeoutInMs: 10_000 })
    const failure = failureOf(sent)
    await sleep(100)
    const abortedAt = performance.now()
    abort.abort()
    expect(await failure).toMatchObject({ code: 'aborted', outcome: 'unknown' })
    expect(performance.now() - abortedAt).toBeLessThan(1000)
    expect(stored()).toEqual([])
  })
})
