import { describe, expect, test } from 'vitest'
import { sourceNames } from '../../../adapters/aws-lambda/sources/index.js'
import { startLambda } from './environment.js'
import { recordedEvent, recordedEvents } from './recorded-events.js'

const events = recordedEvents()
/** Lets HTTP in from whom AWS has let in. */
const environment = { FORWARD_AUTH: 'aws' }
const timeoutInMs = 1200

test('there is a recorded event of every source that the forwarder knows', () => {
  expect(new Set(events.map(({ source }) => source))).toEqual(new Set(sourceNames))
})

describe.each(events)('$name, from $source', ({ event, count, whenAccepted, whenStalled }) => {
  test('is in the hub when its source gets its answer', async () => {
    const lambda = await startLambda({ environment })
    expect(await lambda.invoke(event)).toMatchObject(whenAccepted)
    expect(lambda.landed()).toHaveLength(count)
    for (const { properties, applicationProperties } of lambda.landed()) {
      expect(applicationProperties).toMatchObject({ 'cloudEvents:specversion': '1.0' })
      expect(applicationProperties['cloudEvents:id']).toBe(properties['message-id'])
    }
    expect(new Set(lambda.landedIds()).size).toBe(count)
  })

  test('is asked for again, before the deadline, when the hub stalls', async () => {
    const lambda = await startLambda({ environment, fault: 'silence' })
    const answer = await lambda.invoke(event, { timeoutInMs })
    expect(answer).toMatchObject(whenStalled)
    expect(answer.tookInMs).toBeLessThan(timeoutInMs)
    expect(lambda.landed()).toHaveLength(0)
  })
})

test('a request to the HTTP door is in the hub when its caller gets its answer', async () => {
  const lambda = await startLambda({ entry: 'infra/entrypoints/http-lambda.ts' })
  const answer = await lambda.invoke(recordedEvent('function-url'))
  expect(answer).toMatchObject({ kind: 'response', payload: { statusCode: 200 } })
  expect(lambda.landed()).toHaveLength(1)
})

test('an HTTP shape that nobody was allowed to send gets 401, and nothing lands', async () => {
  const lambda = await startLambda()
  const answer = await lambda.invoke(recordedEvent('function-url'))
  expect(answer).toMatchObject({ kind: 'response', payload: { statusCode: 401 } })
  expect(lambda.landed()).toHaveLength(0)
})
