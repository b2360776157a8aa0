import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { forwardToEventHub } from '../../adapters/aws-lambda/index.js'
import { withClient, withOwnClient } from '../../infra/entrypoints/lambda-client.js'
import { type LocalHub, startLocalHub } from '../../infra/local-hub/index.js'
import { startFakeAws } from '../adapters/aws-lambda/aws/fake-aws.js'
import { contextWith } from '../adapters/aws-lambda/fake-client.js'
import { fixture } from '../adapters/aws-lambda/fixtures.js'

/** How the deployed functions come to their client. */
let hub: LocalHub

beforeEach(async () => {
  hub = await startLocalHub({ eventHubs: { orders: { partitionCount: 1 } } })
})
afterEach(async () => {
  vi.unstubAllEnvs()
  await hub.close()
})

function setEnvironment(environment: Record<string, string>): void {
  for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, value)
}

test('outside Lambda each call has a client of its own, and leaves no connection behind', async () => {
  setEnvironment({ EVENTHUB_CONNECTION_STRING: hub.connectionStringFor('orders') })
  const handler = withOwnClient((client) => forwardToEventHub({ client, warmUp: false }))
  for (const sent of [3, 6]) {
    expect(await handler(fixture('sqs'), contextWith(5000))).toEqual({ batchItemFailures: [] })
    expect(hub.events('orders')).toHaveLength(sent)
  }
  await vi.waitFor(() => expect(hub.connections).toEqual([]))
})

test('outside Lambda a wrong environment fails the loading', () => {
  setEnvironment({ EVENTHUB_CONNECTION_STRING: '' })
  expect(() => withOwnClient(() => async () => undefined)).toThrow(/Where should events go/)
})

test('a store of connection strings that is silent does not outlast the function', async () => {
  const aws = await startFakeAws(() => new Promise(() => {}))
  setEnvironment({
    ...aws.environment,
    EVENTHUB_CONNECTION_STRING: '',
    EVENTHUB_CONNECTION_STRING_SECRET_ID: 'prod/entry',
    AWS_LAMBDA_RUNTIME_API: '127.0.0.1:9001',
  })
  const handler = withClient(
    () => async () => 'sent',
    ({ code }) => code,
  )
  const startedAt = performance.now()
  expect(await handler({}, contextWith(800))).toBe('timeout')
  expect(performance.now() - startedAt).toBeLessThan(1500)
  await aws.close()
})
