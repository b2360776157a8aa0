import { expect, test } from 'vitest'
import { OperationTimeoutError } from '../../../../core/errors.js'
import type { OperationLimits } from '../../../../core/transport.js'
import { type FakeSetup, fakeClient } from '../../../support/fake-client.js'

// What the docstrings of SendOptions, OperationOptions and BeginInvocationOptions say of a call without a timeout.

const event = { body: 'x' }
const target = { partitionId: '0' }
const partitionIds = ['0']

/** Resolves to when a call fails, in milliseconds from now, and to its error. */
async function failureOf({ clock }: FakeSetup, call: Promise<unknown>, withinMs: number) {
  const startedAt = clock.monotonicNow()
  const failed = call.then(
    () => undefined,
    (error: unknown) => ({ error, afterMs: clock.monotonicNow() - startedAt }),
  )
  await clock.advance(withinMs)
  return Promise.race([failed, Promise.resolve(undefined)])
}

test('a send is bounded by its retries: four attempts of 10 s and the pauses between them, about 45 s', async () => {
  const setup = fakeClient({ partitionIds })
  const failure = await failureOf(setup, setup.client.sendEvent(event, target), 120_000)
  expect(failure).toMatchObject({ afterMs: 4 * 10_000 + 800 + 1600 + 3200, error: { code: 'timeout' } })
  expect(setup.transport.sends).toHaveLength(4)
})

test('in buffered mode, the wait for room and a flush end after 60 s', async () => {
  const callbacks = { bufferedMode: true, onSuccess: () => {}, onError: () => {} } as const
  // A wire that never answers, so that what is in the buffer stays there.
  const setup = fakeClient({ partitionIds, maxBufferLength: 1, ...callbacks }, { ignoresLimits: true })
  await setup.client.sendEvent(event, target)
  const [room, flush] = await Promise.all([
    failureOf(setup, setup.client.sendEvent(event, target), 120_000),
    failureOf(setup, setup.client.flush(), 120_000),
  ])
  expect(room).toMatchObject({ afterMs: 60_000, error: { name: 'OperationTimeoutError' } })
  expect(flush).toMatchObject({ afterMs: 60_000, error: { name: 'OperationTimeoutError' } })
})

test('what asks the service ends after 60 s, retries included, in attempts of 10 s', async () => {
  const retryOptions = { maxRetries: 100, mode: 'fixed', retryDelayInMs: 100 } as const
  const setup = fakeClient({ partitionIds, retryOptions })
  const attempts: number[] = []
  const getEventHubProperties = ({ deadline }: OperationLimits) => {
    const timeLeft = deadline - setup.clock.monotonicNow()
    attempts.push(timeLeft)
    return new Promise((_, reject) => {
      setup.clock.schedule(timeLeft, () => reject(new OperationTimeoutError('no answer')))
    })
  }
  Object.assign(setup.transport, { getEventHubProperties })
  const failure = await failureOf(setup, setup.client.getPartitionIds(), 120_000)
  expect(failure).toMatchObject({ afterMs: 60_000, error: { code: 'timeout' } })
  expect(attempts).toEqual([10_000, 10_000, 10_000, 10_000, 10_000, 9_500])
})

test('an invocation has 30 s less a reserve of half a second, and so has the wait for room in it', async () => {
  const setup = fakeClient({ partitionIds, maxBufferLength: 1 }, { ignoresLimits: true })
  const invocation = setup.client.beginInvocation()
  expect(invocation.remainingTimeInMs).toBe(29_500)
  expect(setup.client.beginInvocation({ timeoutInMs: 2000 }).remainingTimeInMs).toBe(1800)
  await invocation.sendEvent(event, target)
  const failure = await failureOf(setup, invocation.sendEvent(event, target), 120_000)
  expect(failure).toMatchObject({ afterMs: 29_500, error: { name: 'OperationTimeoutError' } })
})
