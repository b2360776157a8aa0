import { expect, onTestFinished, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { until } from '../support/until.js'
import { frontDoorKey, startWorker } from './worker.js'

async function startWithHub(maxMessageSizeInBytes?: number) {
  const hub = await startLocalHub(maxMessageSizeInBytes === undefined ? {} : { maxMessageSizeInBytes })
  onTestFinished(() => hub.close())
  const worker = await startWorker(hub)
  onTestFinished(() => worker.server.close())
  const bodies = () => hub.events('events').map(({ body }) => body.toString())
  return { hub, bodies, ...worker }
}

test('the Worker publishes by HTTPS, request after request, and a queue goes on beside it message by message', async () => {
  const { hub, bodies, post, queue, log } = await startWithHub(64 * 1024)
  for (const body of ['1', '[2,3]', '4']) expect((await post(body)).status).toBe(200)
  expect(bodies().sort()).toEqual(['1', '2', '3', '4'])
  expect((await post('5', { authorization: 'Bearer another-key-that-is-not-it' })).status).toBe(401)

  // One batch: an event of each kind, and one that this event hub can never take.
  await queue.sendBatch([
    { body: { a: 1 }, contentType: 'json' },
    { body: 'text', contentType: 'text' },
    { body: new TextEncoder().encode('bytes'), contentType: 'bytes' },
    { body: 'x'.repeat(100_000), contentType: 'text' },
  ])
  await until('the others have arrived', () => bodies().length >= 7, 20_000)
  expect(bodies().slice().sort()).toEqual(['1', '2', '3', '4', 'bytes', 'text', '{"a":1}'])
  const ids = hub.events('events').map(({ properties }) => properties['message-id'])
  expect(new Set(ids.filter((id) => id !== undefined)).size).toBe(3)
  await until('the one comes again, alone', () => /Queue events: 1 of 1 events/.test(log()), 25_000)
  expect(log()).toMatch(/Queue events: 1 of 4 events/)
  expect(bodies()).toHaveLength(7)
  expect(log()).not.toContain(frontDoorKey)
  expect(log()).not.toContain('xxxx')
}, 60_000)
