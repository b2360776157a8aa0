import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { startLambda, userHandler } from './environment.js'
import { recordedEvent } from './recorded-events.js'

const messageIds = (event: { Records: { messageId: string }[] }) => event.Records.map(({ messageId }) => messageId)

test('a cold start connects in the init phase, before there is any invocation', async () => {
  const lambda = await startLambda()
  const startedAt = Date.now()
  const isConnected = () =>
    lambda.hub.connections.some(({ links }) => links.some(({ address }) => address === 'orders'))
  await until('the hub had a link for events', isConnected)
  console.log(`cold start: connected ${Date.now() - startedAt} ms after the process was started`)
  await lambda.runtime.api.idle()

  const answer = await lambda.invoke(recordedEvent('sqs'))
  expect(answer).toMatchObject({ kind: 'response', payload: { batchItemFailures: [] } })
  expect(lambda.proxy.connections).toHaveLength(1)
  console.log(`cold start: the first invocation took ${answer.tookInMs} ms`)
})

test('warm invocations share one connection', async () => {
  const lambda = await startLambda()
  const event = recordedEvent('sqs')
  for (let count = 1; count <= 6; count++) {
    expect(await lambda.invoke(event)).toMatchObject({ payload: { batchItemFailures: [] } })
    expect(lambda.landed()).toHaveLength(3 * count)
  }
  expect(lambda.proxy.connections).toHaveLength(1)
})

test('a hub that cannot be reached in the init phase fails no init, and the next invocation that finds it does its work', async () => {
  const lambda = await startLambda({ fault: 'refuseConnections' })
  await until('the warm-up was refused', () => lambda.proxy.connections.length > 0 && lambda.proxy.openCount === 0)
  await lambda.runtime.api.idle()
  expect(lambda.runtime.api.initErrors).toEqual([])

  const event = recordedEvent('sqs')
  const refused = await lambda.invoke(event, { timeoutInMs: 1500 })
  const all = messageIds(event).map((itemIdentifier) => ({ itemIdentifier }))
  expect(refused).toMatchObject({ kind: 'response', payload: { batchItemFailures: all } })

  lambda.hub.faults.refuseConnections = false
  expect(await lambda.invoke(event)).toMatchObject({ payload: { batchItemFailures: [] } })
  expect(lambda.landedIds()).toEqual(messageIds(event).sort())
})

test('a function without settings fails its init with the name of what is missing', async () => {
  const lambda = await startLambda({ environment: { EVENTHUB_CONNECTION_STRING: '' } })
  expect(await lambda.runtime.exited()).toEqual({ code: 1, signal: null })
  expect(lambda.runtime.api.initErrors).toMatchObject([
    { errorType: 'TypeError', errorMessage: expect.stringContaining('Set EVENTHUB_CONNECTION_STRING') },
  ])
})

test('a handler with three parameters, which the runtime refuses, is taken inside withEventHub', async () => {
  const bare = await startLambda({ entry: 'test/runtimes/aws-lambda/functions/bare-handler.ts' })
  expect(await bare.runtime.exited()).toEqual({ code: 1, signal: null })
  expect(bare.runtime.api.initErrors).toMatchObject([{ errorType: 'Runtime.CallbackHandlerDeprecated' }])

  const wrapped = await startLambda({ entry: userHandler })
  expect(await wrapped.invoke({ ids: ['one'] })).toMatchObject({ kind: 'response' })
  expect(wrapped.runtime.api.initErrors).toEqual([])
})

test('several invocations at once, on worker threads: one connection for each thread, and every answer its own', async () => {
  const lambda = await startLambda({
    entry: userHandler,
    environment: { AWS_LAMBDA_MAX_CONCURRENCY: '8', AWS_LAMBDA_NODEJS_WORKER_COUNT: '2' },
  })
  const ids = Array.from({ length: 24 }, (_, index) => `event-${String(index).padStart(2, '0')}`)
  const answers = await Promise.all(ids.map((id) => lambda.invoke({ ids: [id] })))
  expect(new Set(answers.map((answer) => answer.kind))).toEqual(new Set(['response']))
  for (const answer of answers) {
    if (answer.kind === 'response') expect(answer.payload).toMatchObject({ requestId: answer.requestId })
  }
  expect(lambda.landedIds()).toEqual(ids)
  expect(lambda.proxy.connections).toHaveLength(2)
})
