import { expect, test } from 'vitest'
import { startLambda } from './environment.js'
import type { Answer, Chunk } from './invocations.js'

const start = () => startLambda({ entry: 'test/runtimes/aws-lambda/functions/streaming.ts' })
const text = (answer: Answer) =>
  answer.kind === 'stream' ? answer.chunks.map((chunk) => chunk.text).join('') : undefined

test('a streamed response goes out as it is written, and ends when its events are in the hub', async () => {
  const lambda = await start()
  await lambda.invoke({ ids: ['warm'] })
  lambda.hub.faults.latencyInMs = 400
  const answer = await lambda.invoke({ ids: ['a', 'b'] })
  expect(answer).toMatchObject({ kind: 'stream', error: undefined })
  expect(text(answer)).toBe('first last')
  expect(lambda.landedIds()).toEqual(['a', 'b', 'warm'])
  const [first] = (answer as { chunks: readonly Chunk[] }).chunks
  expect(first?.atInMs).toBeLessThan(300)
  expect(answer.tookInMs).toBeGreaterThanOrEqual(400)
})

test('a streamed response whose events the hub does not take ends as failed, before the deadline', async () => {
  const lambda = await start()
  await lambda.invoke({ ids: ['warm'] })
  lambda.hub.faults.silence = true
  const answer = await lambda.invoke({ ids: ['a'] }, { timeoutInMs: 1500 })
  expect(answer).toMatchObject({ kind: 'stream', error: { errorType: 'EventsNotAcceptedError' } })
  expect(text(answer)).toContain('first ')
  expect(lambda.landedIds()).toEqual(['warm'])
})

test('an error in the middle of a streamed response stays that error, and what was sent is in the hub', async () => {
  const lambda = await start()
  const answer = await lambda.invoke({ ids: ['a'], also: 'throw' })
  expect(answer).toMatchObject({
    kind: 'stream',
    error: { errorType: 'RangeError', errorMessage: 'The order is out of range.' },
  })
  expect(text(answer)).toBe('first ')
  expect(lambda.landedIds()).toEqual(['a'])
  // The process is the same, and does its work.
  expect(await lambda.invoke({ ids: ['b'] })).toMatchObject({ kind: 'stream', error: undefined })
  expect(lambda.landedIds()).toEqual(['a', 'b'])
  expect(lambda.runtime.exit).toBeUndefined()
})

test('a streamed web page keeps its status and headers', async () => {
  const lambda = await start()
  const answer = await lambda.invoke({ ids: ['a'], also: 'web-page' })
  expect(answer).toMatchObject({
    kind: 'stream',
    contentType: 'application/vnd.awslambda.http-integration-response',
    error: undefined,
  })
  const [prelude = '', body] = (text(answer) ?? '').split('\0'.repeat(8))
  expect(JSON.parse(prelude)).toEqual({ statusCode: 201, headers: { 'content-type': 'text/plain' } })
  expect(body).toBe('first last')
  expect(lambda.landedIds()).toEqual(['a'])
})
