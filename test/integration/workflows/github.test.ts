import { createHmac } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { afterEach, beforeEach, expect, test } from 'vitest'
import worker, { type GitHubWebhookEnv } from '../../../infra/entrypoints/github-webhook.js'
import { type LocalHub, startLocalHub } from '../../../infra/local-hub/index.js'

const secret = 'a-secret-of-the-webhook'
const payload = readFileSync('test/fixtures/http/github-push.json')
let hub: LocalHub

beforeEach(async () => {
  hub = await startLocalHub({ eventHubs: { events: { partitionCount: 2 } } })
})
afterEach(() => hub.close())

const env = (): GitHubWebhookEnv => ({
  EVENTHUB_CONNECTION_STRING: hub.connectionString,
  GITHUB_WEBHOOK_SECRET: `an-older-secret-of-it ${secret}`,
})

/** As GitHub delivers. */
function delivery(signedWith: string, body: Uint8Array = payload): Request {
  return new Request('https://door.example.com/events', {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'user-agent': 'GitHub-Hookshot/0000000',
      'x-github-event': 'push',
      'x-github-delivery': '6c9f1d9e-7a55-11ef-8f0e-3a5c0a1b2c3d',
      'x-github-hook-id': '501',
      'x-github-hook-installation-target-type': 'repository',
      'x-hub-signature-256': `sha256=${createHmac('sha256', signedWith).update(payload).digest('hex')}`,
    },
  })
}

test('a signed delivery is in the event hub as a CloudEvent, keyed by its repository, byte for byte', async () => {
  const response = await worker.fetch(delivery(secret), env())
  expect(response.status).toBe(200)
  const [event, ...others] = hub.events('events')
  expect(others).toEqual([])
  expect(event?.partitionKey).toBe('example/orders')
  expect(event?.properties['message-id']).toBe('6c9f1d9e-7a55-11ef-8f0e-3a5c0a1b2c3d')
  expect(Buffer.from(event?.body as Uint8Array).equals(payload)).toBe(true)
  expect(event?.applicationProperties).toMatchObject({
    'cloudEvents:type': 'com.github.push',
    'cloudEvents:source': 'https://github.com/hooks/501',
  })
})

test('a secret that was stored with the end of its line works', async () => {
  const response = await worker.fetch(delivery(secret), { ...env(), GITHUB_WEBHOOK_SECRET: `${secret}\n` })
  expect(response.status).toBe(200)
})

test.each([
  ['another secret', delivery('another-secret-altogether')],
  ['another body', delivery(secret, new TextEncoder().encode('{}'))],
])('a delivery signed for %s is refused, and nothing is sent', async (_, request) => {
  expect((await worker.fetch(request, env())).status).toBe(401)
  expect(hub.events('events')).toEqual([])
})
