import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { startLocalHub } from '../../../infra/local-hub/index.js'
import { until } from '../support/until.js'
import { start } from './runtimes.js'

// In Workers a request's timers and fetches end with it, whoever started them.

async function startWorker() {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-shared-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const hub = await startLocalHub()
  onTestFinished(() => hub.close())
  const HUB = hub.connectionString.replace(`:${hub.amqpPort}`, `:${hub.httpPort}`)
  const entry = 'test/runtimes/front-door/serve/workerd.ts'
  const door = await start('workerd', { entry, folder, env: { HUB, TRANSPORT: 'https' } })
  onTestFinished(() => door.stop())
  const post = (body: string, headers = {}) =>
    fetch(`${door.url}/narrow/events`, {
      method: 'POST',
      body,
      headers: { 'content-type': 'application/json', ...headers },
      signal: AbortSignal.timeout(20_000),
    })
  return { hub, post }
}

test('in workerd, requests that share a client at its limits do not wait for, nor end, each other', async () => {
  const { hub, post } = await startWorker()
  hub.faults.latencyInMs = 300
  const bodies = Array.from({ length: 8 }, (_, index) => `[${index},${index + 100},${index + 200}]`)
  const answers = await Promise.all(bodies.map((body) => post(body)))
  expect(answers.map(({ status }) => status)).toEqual(bodies.map(() => 200))
  for (const answer of answers) expect(await answer.json()).toMatchObject({ accepted: 3, failed: 0 })
  expect(hub.events('events')).toHaveLength(24)
})

test('in workerd, what was answered early goes on to the event hub, beside and after other requests', async () => {
  const { hub, post } = await startWorker()
  hub.faults.latencyInMs = 1_000
  const early = await post('["early"]', { prefer: 'respond-async' })
  expect([early.status, early.headers.get('preference-applied')]).toEqual([202, 'respond-async'])
  expect(await early.json()).toEqual({ pending: 1 })
  expect((await post('["beside"]')).status).toBe(200)
  await until('both are there', () => hub.events('events').length === 2)
})
