import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { startLambda } from './environment.js'
import { recordedEvent } from './recorded-events.js'

test('SIGTERM ends an idle function at once: nothing of ours holds it', async () => {
  const lambda = await startLambda()
  await lambda.invoke(recordedEvent('sqs'))
  await lambda.runtime.api.idle()
  const sentAt = Date.now()
  lambda.runtime.signal('SIGTERM')
  expect(await lambda.runtime.exited()).toEqual({ code: null, signal: 'SIGTERM' })
  // Lambda waits 300 ms at the least before it kills.
  expect(Date.now() - sentAt).toBeLessThan(300)
  await until('the hub was rid of the connection', () => lambda.hub.connections.length === 0)
  expect(lambda.landed()).toHaveLength(3)
})

test('SIGTERM in the middle of an invocation leaves it without an answer, so that its source delivers again', async () => {
  const lambda = await startLambda({ partitionCount: 1 })
  await lambda.invoke(recordedEvent('sqs'))
  lambda.hub.faults.dropAcknowledgements(100)
  const before = lambda.landed().length
  const answer = lambda.invoke(recordedEvent('sqs'))
  await until('the records had left', () => lambda.landed().length > before)
  lambda.runtime.signal('SIGTERM')
  expect(await answer).toMatchObject({ kind: 'exited' })
})

test('a handler for SIGTERM can close the client, and the hub has everything', async () => {
  const lambda = await startLambda({ entry: 'test/runtimes/aws-lambda/functions/closes-on-sigterm.ts' })
  expect(await lambda.invoke({ id: 'one' })).toMatchObject({ kind: 'response' })
  await lambda.runtime.api.idle()
  expect(lambda.proxy.openCount).toBe(1)
  lambda.runtime.signal('SIGTERM')
  await until('the client was closed', () => lambda.runtime.output.includes('closed'), 1000)
  await until('no connection was left', () => lambda.proxy.openCount === 0 && lambda.hub.connections.length === 0)
  expect(lambda.landedIds()).toEqual(['one'])
})
