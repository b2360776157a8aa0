import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { frontDoorForTest, frontDoorKey } from './front-door.js'
import { type N8n, startN8n } from './n8n-engine.js'

let n8n: N8n
beforeAll(async () => {
  n8n = await startN8n()
  // Even so, the engine prints each failure of a node.
  for (const method of ['log', 'error'] as const) vi.spyOn(console, method).mockImplementation(() => {})
})
afterAll(() => n8n.close())

const send = { partitionKey: '=device-{{ $json.n }}' }

test('n8n’s loader takes the package, and its checks find nothing wrong with the node', () => {
  expect(n8n.description).toMatchObject({ name: 'eventHubSluice', credentials: [{ name: 'eventHubSluiceApi' }] })
})

test('each item is in the event hub, with its key, and has its result', async () => {
  const door = await frontDoorForTest()
  const items = [{ json: { n: 1 } }, { json: { n: 2, text: 'é' } }]
  const ended = await n8n.run(items, send, { url: door.url, key: frontDoorKey })
  expect(ended.status).toBe('success')
  expect(ended.items.map(({ json }) => json)).toEqual([
    { index: 0, status: 'accepted', retryable: false },
    { index: 0, status: 'accepted', retryable: false },
  ])
  const landed = door.landed().sort((a, b) => String(a.partitionKey).localeCompare(String(b.partitionKey)))
  expect(landed).toEqual([
    { body: { n: 1 }, partitionKey: 'device-1' },
    { body: { n: 2, text: 'é' }, partitionKey: 'device-2' },
  ])
})

test('a batch of one item travels in one request, each event with what belongs to it', async () => {
  const door = await frontDoorForTest()
  const events = [
    { body: [1], partitionKey: 'k', id: 'a' },
    { text: '"t"', partitionKey: 'k' },
  ]
  const parameters = { operation: 'sendBatch', events: '={{ $json.events }}' }
  const ended = await n8n.run([{ json: { events } }], parameters, { url: door.url, key: frontDoorKey })
  expect(ended.items.map(({ json }) => json)).toMatchObject([{ index: 0, id: 'a' }, { index: 1 }])
  expect(door.landed()).toEqual([
    { body: [1], partitionKey: 'k' },
    { body: 't', partitionKey: 'k' },
  ])
})

test('text in the editor is JSON', async () => {
  const door = await frontDoorForTest()
  await n8n.run([{ json: {} }], { event: '{"typed": true}' }, { url: door.url, key: frontDoorKey })
  expect(door.landed()).toEqual([{ body: { typed: true }, partitionKey: undefined }])
})

test('a wrong key fails the node, and says why', async () => {
  const door = await frontDoorForTest()
  const ended = await n8n.run([{ json: {} }], send, { url: door.url, key: 'a-key-that-nobody-knows' })
  expect(ended.status).toBe('error')
  expect(`${ended.error?.message} ${ended.error?.description}`).toMatch(/401/)
  expect(door.landed()).toEqual([])
})

test('a throttled event hub fails the node with what the front door said', async () => {
  const door = await frontDoorForTest()
  door.hub.faults.throttle = {}
  const ended = await n8n.run([{ json: {} }], send, { url: door.url, key: frontDoorKey })
  expect(ended.status).toBe('error')
  expect(ended.error?.message).toMatch(/^429: .*No event was accepted/)
})

test('a batch that is accepted in part fails the node, unless its results are asked for', async () => {
  const door = await frontDoorForTest()
  const events = [{ body: 1 }, { body: 2, unknown: true }]
  const parameters = { operation: 'sendBatch', events: JSON.stringify(events) }
  const at = { url: door.url, key: frontDoorKey }
  const failed = await n8n.run([{ json: {} }], parameters, at)
  expect(failed.status).toBe('error')
  expect(failed.error?.message).toMatch(/1 events are in the event hub, 1 are not .*: those at 1\./)
  const asked = { ...parameters, options: { partialFailure: 'output' } }
  const ended = await n8n.run([{ json: {} }], asked, at)
  expect(ended.items.map(({ json }) => json)).toMatchObject([{ status: 'accepted' }, { status: 'invalid' }])
})

test('the idempotency key travels as its header', async () => {
  const keys: (string | undefined)[] = []
  const server = createServer((request, response) => {
    keys.push(request.headers['idempotency-key'] as string | undefined)
    request.resume()
    response.setHeader('content-type', 'application/json').end('{"results":[],"accepted":0,"failed":0}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  const at = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key: frontDoorKey }
  const options = { idempotencyKey: '={{ $execution.id }}-orders-{{ $itemIndex }}' }
  await n8n.run([{ json: {} }], { options }, at)
  await n8n.run([{ json: {} }], {}, at)
  expect(keys).toEqual(['77-orders-0', undefined])
})
