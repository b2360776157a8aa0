import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { bounded, deadlineIn, remainingTime, wait, within } from '../../../core/deadline.js'
import { EventHubError, OperationTimeoutError } from '../../../core/errors.js'
import { settlePromises, VirtualClock } from '../../support/virtual-clock.js'

const listeners = (abort: AbortController) => getEventListeners(abort.signal, 'abort').length
const late = () => new OperationTimeoutError('too late', { outcome: 'unknown' })

describe('a deadline', () => {
  test('is a reading of the monotonic clock; without a timeout there is none', () => {
    const clock = new VirtualClock()
    expect(deadlineIn(clock, 250)).toBe(clock.monotonicNow() + 250)
    expect(deadlineIn(clock, 0)).toBe(clock.monotonicNow())
    expect(deadlineIn(clock, undefined)).toBe(Number.POSITIVE_INFINITY)
  })

  test('does not move when the wall clock is set', async () => {
    const clock = new VirtualClock()
    const deadline = deadlineIn(clock, 1000)
    clock.jumpWall(-5_000_000)
    await clock.advance(400)
    expect(remainingTime(clock, deadline)).toBe(600)
  })

  test('that has passed leaves no time, never less', async () => {
    const clock = new VirtualClock()
    const deadline = deadlineIn(clock, 10)
    await clock.advance(1000)
    expect(remainingTime(clock, deadline)).toBe(0)
    expect(remainingTime(clock, Number.POSITIVE_INFINITY)).toBe(Number.POSITIVE_INFINITY)
  })

  test('within another one ends with the earlier of the two, and keeps the signal', () => {
    const clock = new VirtualClock()
    const { signal } = new AbortController()
    const now = clock.monotonicNow()
    expect(within(clock, { deadline: now + 500, signal }, 200)).toEqual({ deadline: now + 200, signal })
    expect(within(clock, { deadline: now + 500, signal }, 900)).toEqual({ deadline: now + 500, signal })
  })
})

describe('wait', () => {
  test('resolves after the delay and leaves no listener', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    let isDone = false
    const waiting = wait(clock, 100, abort.signal).then(() => {
      isDone = true
    })
    expect([clock.pendingTimers, listeners(abort)]).toEqual([1, 1])
    await clock.advance(99)
    expect(isDone).toBe(false)
    await clock.advance(1)
    await waiting
    expect([clock.pendingTimers, listeners(abort)]).toEqual([0, 0])
  })

  test('rejects at once when the signal aborts, and leaves no timer', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const waiting = wait(clock, 100, abort.signal)
    abort.abort(new Error('enough'))
    await expect(waiting).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
    expect([clock.pendingTimers, listeners(abort)]).toEqual([0, 0])
  })

  test('does not begin when the signal has aborted already', async () => {
    const clock = new VirtualClock()
    const abort = new AbortController()
    abort.abort()
    await expect(wait(clock, 100, abort.signal)).rejects.toMatchObject({ code: 'aborted' })
    expect([clock.pendingTimers, listeners(abort)]).toEqual([0, 0])
  })

  test('needs no signal', async () => {
    const clock = new VirtualClock()
    const waiting = wait(clock, 5)
    await clock.advance(5)
    await expect(waiting).resolves.toBeUndefined()
  })
})

describe('bounded', () => {
  function setUp(timeoutInMs = 100) {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const limits = { deadline: deadlineIn(clock, timeoutInMs), signal: abort.signal }
    const left = () => [clock.pendingTimers, listeners(abort)]
    return { clock, abort, limits, left }
  }

  test('hands on a value, leaving neither timer nor listener', async () => {
    const { clock, limits, left } = setUp()
    let resolve = (_value: string) => {}
    const promise = new Promise<string>((done) => {
      resolve = done
    })
    const outcome = bounded(clock, promise, limits, late)
    expect(left()).toEqual([1, 1])
    resolve('answer')
    await expect(outcome).resolves.toBe('answer')
    expect(left()).toEqual([0, 0])
  })

  test('hands on a rejection as it is, leaving neither timer nor listener', async () => {
    const { clock, limits, left } = setUp()
    const reason = new Error('its own')
    await expect(bounded(clock, Promise.reject(reason), limits, late)).rejects.toBe(reason)
    expect(left()).toEqual([0, 0])
  })

  test('rejects at the deadline with the given error, not before, and leaves no listener', async () => {
    const { clock, limits, left } = setUp()
    let error: unknown
    bounded(clock, new Promise(() => {}), limits, late).catch((thrown: unknown) => {
      error = thrown
    })
    await clock.advance(99)
    expect(error).toBeUndefined()
    await clock.advance(1)
    expect(error).toBeInstanceOf(OperationTimeoutError)
    expect(left()).toEqual([0, 0])
  })

  test('rejects at once on an abort, with its reason as the cause, and leaves no timer', async () => {
    const { clock, abort, limits, left } = setUp()
    const outcome = bounded(clock, new Promise(() => {}), limits, late)
    const reason = new Error('enough')
    abort.abort(reason)
    await expect(outcome).rejects.toMatchObject({ code: 'aborted', cause: reason })
    expect(left()).toEqual([0, 0])
  })

  test('with a signal that has aborted already starts nothing, and hears the promise’s own failure out', async () => {
    const { clock, abort, limits, left } = setUp()
    abort.abort()
    let fail = (_error: Error) => {}
    const promise = new Promise<void>((_, reject) => {
      fail = reject
    })
    await expect(bounded(clock, promise, limits, late)).rejects.toMatchObject({ code: 'aborted' })
    expect(left()).toEqual([0, 0])
    // An unhandled rejection would fail the run.
    fail(new Error('nobody waits any more'))
    await settlePromises()
  })

  test('a promise that fails after the deadline is nobody’s unhandled rejection', async () => {
    const { clock, limits } = setUp()
    let fail = (_error: Error) => {}
    const promise = new Promise<void>((_, reject) => {
      fail = reject
    })
    const caught = expect(bounded(clock, promise, limits, late)).rejects.toThrow('too late')
    await clock.advance(100)
    await caught
    fail(new Error('later still'))
    await settlePromises()
  })

  test('a deadline that has passed still lets an answer win that is there already', async () => {
    const { clock, limits, left } = setUp(0)
    await expect(bounded(clock, Promise.resolve('there'), limits, late)).resolves.toBe('there')
    expect(left()).toEqual([0, 0])
  })

  test('without deadline and signal adds nothing', async () => {
    const clock = new VirtualClock()
    const promise = Promise.resolve(1)
    expect(bounded(clock, promise, { deadline: Number.POSITIVE_INFINITY }, late)).toBe(promise)
    expect(clock.pendingTimers).toBe(0)
  })

  test('without a deadline only listens', async () => {
    const { clock, abort, left } = setUp()
    const limits = { deadline: Number.POSITIVE_INFINITY, signal: abort.signal }
    const outcome = bounded(clock, new Promise(() => {}), limits, late)
    expect(left()).toEqual([0, 1])
    abort.abort(new EventHubError('over', { code: 'invocation-ended' }))
    await expect(outcome).rejects.toMatchObject({ code: 'invocation-ended' })
  })
})
