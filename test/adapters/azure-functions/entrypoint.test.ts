import { readFileSync } from 'node:fs'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Destination } from '../../../adapters/flush-on-freeze.js'
import { FakeClient } from './fake-client.js'
import { startWorker } from './worker-stand-in.js'

const client = new FakeClient()
const destinations: Destination[] = []
vi.mock('../../../adapters/azure-functions/clients.js', () => ({
  sharedClient(destination: Destination) {
    destinations.push(destination)
    return client.asClient()
  },
}))

const example = JSON.parse(readFileSync('local.settings.example.json', 'utf8')) as { Values: Record<string, string> }
const worker = startWorker()

const loadApp = () => import('../../../infra/entrypoints/azure-functions.js')
const withoutSettings: unknown = await loadApp().catch((error: unknown) => error)
vi.resetModules()
for (const [name, value] of Object.entries(example.Values)) vi.stubEnv(name, value)
await loadApp()

test('without its settings the app does not load, and says which one is missing', () => {
  expect(withoutSettings).toMatchObject({ message: expect.stringMatching(/app setting EventHubConnection is missing/) })
})

describe('with the settings of local.settings.example.json', () => {
  beforeEach(() => {
    client.accepted.length = 0
    client.script = () => undefined
    client.rejectsAtOnce = () => false
  })

  const json = { 'content-type': 'application/json' }
  const post = async (body: string | Uint8Array, headers: Record<string, string> = json, query = '') => {
    const { status, body: answer } = await worker.fetch('publish', { body, headers, query })
    return { status, answer: JSON.parse(answer) as unknown }
  }

  test('it loads, and the host knows every binding', () => {
    expect(() => worker.index()).not.toThrow()
    expect(destinations).toEqual([
      { connectionString: example.Values.EventHubConnection, eventHubName: example.Values.EventHubName },
    ])
    expect(Object.values(worker.bindings('publish'))).toMatchObject([
      { type: 'httpTrigger', authLevel: 'function', methods: ['POST'] },
      { type: 'http' },
    ])
    expect(Object.values(worker.bindings('publishFromEventGrid'))).toMatchObject([{ type: 'eventGridTrigger' }])
    expect(Object.values(worker.bindings('heartbeat'))).toMatchObject([
      { type: 'timerTrigger', schedule: '%HeartbeatSchedule%' },
    ])
    expect(Object.values(worker.bindings('publishFromQueue'))).toMatchObject([
      { type: 'queueTrigger', queueName: 'publish', connection: 'AzureWebJobsStorage' },
    ])
  })

  test('a JSON body is one event, an array is many, with the key and the content type of the request', async () => {
    expect(await post('{"a":1}', { ...json, 'x-partition-key': 'k1' })).toEqual({
      status: 200,
      answer: { accepted: 1, failures: [] },
    })
    expect(await post('[{"b":1},"text"]', json, 'partitionKey=k2')).toEqual({
      status: 200,
      answer: { accepted: 2, failures: [] },
    })
    expect(client.accepted.map(({ event, options }) => [event.body, options?.partitionKey])).toEqual([
      [{ a: 1 }, 'k1'],
      [{ b: 1 }, 'k2'],
      ['text', 'k2'],
    ])
    expect(
      client.accepted.every(({ event }) => 'contentType' in event && event.contentType === 'application/json'),
    ).toBe(true)
  })

  test('any other body is one event, byte for byte', async () => {
    const bytes = Uint8Array.of(0xff, 0x00, 0xc3, 0x28)
    expect((await post(bytes, { 'content-type': 'application/octet-stream' })).status).toBe(200)
    expect(client.bodies).toEqual([bytes])
  })

  test.each([
    ['no body', ''],
    ['malformed JSON', '{"a":'],
    ['JSON that is not UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['no event', '[]'],
  ])('%s is a 400 that says so, and nothing is sent', async (_, body) => {
    expect(await post(body)).toEqual({ status: 400, answer: { error: expect.stringMatching(/no event/) } })
    expect(client.accepted).toEqual([])
  })

  test('200 only when all are accepted: 207 for some, 503 to come back for none, 413 for too large', async () => {
    client.script = ({ event }) => (event.body === 'bad' ? 'unknown' : undefined)
    const failure = { index: 1, outcome: 'unknown', code: 'server-busy' }
    expect(await post('["good","bad"]')).toEqual({ status: 207, answer: { accepted: 1, failures: [failure] } })
    expect(await post('["bad"]')).toMatchObject({ status: 503 })
    client.rejectsAtOnce = () => true
    expect(await post('["large"]')).toMatchObject({ status: 413, answer: { failures: [{ code: 'event-too-large' }] } })
  })

  test('a failure is logged by its reason and never with a body', async () => {
    worker.logs.length = 0
    client.script = () => 'refused'
    await post('{"secret":"do not log"}')
    expect(worker.logs).toContainEqual('1 of 1 events were not accepted: scripted: refused')
    expect(worker.logs.join('\n')).not.toMatch(/do not log/)
  })

  test('a queue message is one event, and comes again until it is accepted', async () => {
    let attempts = 0
    client.script = () => (++attempts < 3 ? 'returned' : undefined)
    expect(await worker.deliver('publishFromQueue', '{"id":1}')).toMatchObject({ attempts: 3, isPoison: false })
    expect(client.bodies).toEqual([{ id: 1 }])
  })

  test('every app setting that a function names is in the example', () => {
    const bindings = ['publish', 'publishFromQueue', 'publishFromEventGrid', 'heartbeat'].map(worker.bindings)
    const named = [...JSON.stringify(bindings).matchAll(/%(\w+)%|"connection":"(\w+)"/g)].map(([, a, b]) => a ?? b)
    expect(named.length).toBeGreaterThan(1)
    expect(named.filter((name) => !(name && name in example.Values))).toEqual([])
  })

  const gridEvent = {
    id: 'g-1',
    topic: '/subscriptions/s/storage',
    subject: '/blobs/a.txt',
    eventType: 'Microsoft.Storage.BlobCreated',
    eventTime: '2026-01-02T03:04:05Z',
    data: { size: 1 },
    dataVersion: '1',
  }
  const fromEventGrid = (event: object) => worker.invoke('publishFromEventGrid', { json: JSON.stringify(event) })

  test('an event of Event Grid is one event with its id, in the order of its subject', async () => {
    expect((await fromEventGrid(gridEvent)).succeeded).toBe(true)
    expect(client.accepted).toEqual([
      {
        event: { body: gridEvent, contentType: 'application/json', messageId: 'g-1' },
        options: { partitionKey: '/blobs/a.txt' },
      },
    ])
  })

  test('a CloudEvent of Event Grid stays one; its own partition key wins over its subject', async () => {
    const event = { specversion: '1.0', id: 'c-1', source: '/s', type: 't', subject: 'a' }
    await fromEventGrid(event)
    await fromEventGrid({ ...event, partitionkey: 'own' })
    await fromEventGrid({ ...event, subject: undefined })
    expect(client.accepted.map(({ options }) => options?.partitionKey)).toEqual(['a', 'own', undefined])
    expect(client.accepted[0]?.event).toMatchObject({ contentType: expect.stringMatching(/cloudevents/), body: event })
  })

  test('a subject that is too long for a key is still one key of its own', async () => {
    const long = `/${'x'.repeat(200)}`
    for (const subject of [long, `${long}y`, long]) await fromEventGrid({ ...gridEvent, subject })
    const keys = client.accepted.map(({ options }) => options?.partitionKey)
    expect(keys[0]).toMatch(/^[0-9a-f]{64}$/)
    expect(keys).toEqual([keys[0], expect.not.stringMatching(keys[0]!), keys[0]])
  })

  test('Event Grid and the timer are told of an event that was not accepted, so that they come again', async () => {
    client.script = () => 'unknown'
    expect(await fromEventGrid(gridEvent)).toMatchObject({ succeeded: false, error: expect.stringMatching(/unknown/) })
    expect((await worker.invoke('heartbeat', { json: '{"IsPastDue":true}' })).succeeded).toBe(false)
  })

  test('a heartbeat is a CloudEvent', async () => {
    expect((await worker.invoke('heartbeat', { json: '{"IsPastDue":true}' })).succeeded).toBe(true)
    expect(client.bodies).toEqual([
      expect.objectContaining({
        type: 'eventhub-sluice.heartbeat',
        source: '/functions/heartbeat',
        data: { isPastDue: true },
      }),
    ])
    expect(client.accepted[0]?.event).toMatchObject({ contentType: expect.stringMatching(/cloudevents/) })
  })
})
