import { expect, test } from 'vitest'
import { until } from '../support/until.js'
import { type Lambda, startLambda, userHandler } from './environment.js'
import type { Order } from './functions/user-handler.js'

const start = () => startLambda({ entry: userHandler })
const order = (lambda: Lambda, given: Order, timeoutInMs = 10_000) => lambda.invoke(given, { timeoutInMs })

/** The process that answers, which a crash would have replaced. */
async function processId(lambda: Lambda): Promise<unknown> {
  const answer = await order(lambda, { ids: [] })
  if (answer.kind !== 'response') throw new Error(`The function answered with ${answer.kind}.`)
  return (answer.payload as { pid: number }).pid
}

test('a user’s events are in the hub when the answer goes out, awaited or not', async () => {
  const lambda = await start()
  const answer = await order(lambda, { ids: ['a', 'b', 'c'] })
  expect(answer).toMatchObject({ kind: 'response', payload: { requestId: answer.requestId } })
  expect(lambda.landedIds()).toEqual(['a', 'b', 'c'])
})

test('an error of the user’s stays that error, and what was sent before it is in the hub', async () => {
  const lambda = await start()
  expect(await order(lambda, { ids: ['a', 'b'], also: 'throw' })).toMatchObject({
    kind: 'error',
    error: { errorType: 'RangeError', errorMessage: 'The order is out of range.' },
  })
  expect(lambda.landedIds()).toEqual(['a', 'b'])
})

test('an error of the user’s stays that error though the hub stalls, and comes before the deadline', async () => {
  const lambda = await start()
  await order(lambda, { ids: ['a'] })
  lambda.hub.faults.silence = true
  const answer = await order(lambda, { ids: ['b'], also: 'throw' }, 1500)
  expect(answer).toMatchObject({ kind: 'error', error: { errorType: 'RangeError' } })
})

test('events that the hub does not take fail the invocation before its deadline', async () => {
  const lambda = await start()
  await order(lambda, { ids: ['a'] })
  lambda.hub.faults.silence = true
  const answer = await order(lambda, { ids: ['b', 'c'] }, 1500)
  expect(answer).toMatchObject({
    kind: 'error',
    error: { errorType: 'EventsNotAcceptedError', errorMessage: expect.stringContaining('2 of 2 events') },
  })
})

test('promises of ours that nobody awaits end no process when they reject', async () => {
  const lambda = await start()
  const before = await processId(lambda)
  expect(await order(lambda, { ids: ['a'], also: 'leave-our-rejections' })).toMatchObject({
    kind: 'error',
    error: { errorType: 'EventsNotAcceptedError', errorMessage: expect.stringContaining('4 of 5 events') },
  })
  expect(await processId(lambda)).toBe(before)
  expect(lambda.landedIds()).toEqual(['a'])
})

test('a send after the end is refused, reaches no hub, and ends no process', async () => {
  const lambda = await start()
  await order(lambda, { ids: ['a'] })
  const before = await processId(lambda)
  await lambda.quiet()
  expect(await order(lambda, { ids: [], also: 'send-late' })).toMatchObject({ kind: 'response' })
  const sent = lambda.proxy.bytesFromClients
  // The runtime keeps timers running while it is idle.
  await until('the timer had fired', () => lambda.runtime.output.includes('The invocation has ended'))
  await lambda.quiet()
  expect(lambda.proxy.bytesFromClients).toBe(sent)
  expect(await processId(lambda)).toBe(before)
  expect(lambda.landedIds()).toEqual(['a'])
})

test('a rejection that the user’s code leaves behind ends the process, as anywhere in Node, and nothing is acknowledged', async () => {
  const lambda = await start()
  expect(await order(lambda, { ids: ['a'], also: 'leave-its-own-rejection' })).toMatchObject({ kind: 'exited' })
  expect(await lambda.runtime.exited()).toEqual({ code: 1, signal: null })
  // The user's error is the one to be read in the log, not one of ours.
  expect(lambda.runtime.output).toContain('Error: Left behind.')
})
