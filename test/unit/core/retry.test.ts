import { getEventListeners } from 'node:events'
import { describe, expect, test } from 'vitest'
import { EventHubError, type EventHubErrorDetails, OperationTimeoutError } from '../../../core/errors.js'
import { parseOptions } from '../../../core/options.js'
import { delayBeforeRetry, type RetryPolicy, runWithRetries } from '../../../core/retry.js'
import type { OperationLimits } from '../../../core/transport.js'
import { settlePromises, VirtualClock } from '../../support/virtual-clock.js'

const defaults = parseOptions({}).retry

function failure(details: Partial<EventHubErrorDetails> = {}): EventHubError {
  return new EventHubError('failed', { code: 'service-error', retryable: true, outcome: 'refused', ...details })
}

describe('the pause before a retry', () => {
  const middle = () => 0.5
  const pauses = (policy: Partial<RetryPolicy>, attempts: number, error = failure(), random = middle) =>
    Array.from({ length: attempts }, (_, i) => delayBeforeRetry({ ...defaults, ...policy }, i + 1, error, random))

  test('doubles from 800 ms, and comes three times, by default', () => {
    expect(pauses({}, 5)).toEqual([800, 1600, 3200, undefined, undefined])
  })

  test('is the same every time with mode fixed', () => {
    expect(pauses({ mode: 'fixed', retryDelayInMs: 70 }, 4)).toEqual([70, 70, 70, undefined])
  })

  test('is never longer than maxRetryDelayInMs, its spread included', () => {
    const policy = { maxRetries: 2000, maxRetryDelayInMs: 1000, retryDelayInMs: 300 }
    for (const random of [() => 0, middle, () => 0.999_999]) {
      const all = pauses(policy, 2000, failure(), random)
      expect(all.every((pause) => pause !== undefined && pause > 0 && pause <= 1000)).toBe(true)
    }
    // Spread there too: at the longest pause, clients do not come back together either.
    const fixed = { mode: 'fixed', retryDelayInMs: 5000, maxRetryDelayInMs: 1000 } as const
    expect([() => 0, middle].map((random) => pauses(fixed, 1, failure(), random))).toEqual([[800], [900]])
  })

  test('may be none at all, however many attempts there are', () => {
    expect(new Set(pauses({ retryDelayInMs: 0, maxRetries: 2000 }, 2000))).toEqual(new Set([0]))
  })

  test('is spread by a fifth to either side', () => {
    expect(pauses({}, 1, failure(), () => 0)).toEqual([640])
    const [longest] = pauses({}, 1, failure(), () => 0.999_999)
    expect(longest).toBeGreaterThan(959)
    expect(longest).toBeLessThan(960)
  })

  test('is 4 s for a busy service that names no time, and what it asks for when it does', () => {
    expect(pauses({}, 3, failure({ code: 'server-busy' }))).toEqual([4000, 4000, 4000])
    expect(pauses({}, 3, failure({ code: 'server-busy', retryAfterInMs: 1500 }))).toEqual([1500, 1600, 3200])
    expect(pauses({}, 1, failure({ code: 'server-busy', retryAfterInMs: 30_000 }))).toEqual([30_000])
    expect(pauses({}, 1, failure({ retryAfterInMs: 2500 }))).toEqual([2500])
    // Its wish is no upper limit: the longer pause holds.
    expect(pauses({ retryDelayInMs: 9000 }, 1, failure({ code: 'server-busy' }))).toEqual([9000])
  })

  test('does not exist after a failure for good, nor with maxRetries 0', () => {
    expect(pauses({}, 1, failure({ retryable: false, retryAfterInMs: 5 }))).toEqual([undefined])
    expect(pauses({ maxRetries: 0 }, 1)).toEqual([undefined])
  })
})

describe('an operation that is retried', () => {
  /** Runs an operation whose attempts end as told; `accept` ends the last one. */
  function setUp(attempts: readonly (Error | 'accept')[], policy: Partial<RetryPolicy> = {}, timeoutInMs = 60_000) {
    const clock = new VirtualClock()
    const abort = new AbortController()
    const startedAt = clock.monotonicNow()
    const limits = { deadline: startedAt + timeoutInMs, signal: abort.signal }
    const calls: { at: number; limits: OperationLimits }[] = []
    const operation = async (given: OperationLimits) => {
      const attempt = attempts[calls.length] ?? failure()
      calls.push({ at: clock.monotonicNow() - startedAt, limits: given })
      if (attempt !== 'accept') throw attempt
      return 'done'
    }
    const environment = { policy: { ...defaults, ...policy }, clock, random: () => 0.5 }
    const outcome = runWithRetries(operation, environment, limits)
    outcome.catch(() => {})
    const calledAt = () => calls.map(({ at }) => at)
    const nothingIsLeft = () =>
      expect([clock.pendingTimers, getEventListeners(abort.signal, 'abort').length]).toEqual([0, 0])
    return { clock, abort, limits, calls, calledAt, outcome, startedAt, nothingIsLeft }
  }

  test('resolves with the first success, after the pauses of its policy', async () => {
    const { clock, calledAt, outcome, nothingIsLeft } = setUp([failure(), failure(), 'accept'])
    await clock.advance(60_000)
    await expect(outcome).resolves.toBe('done')
    expect(calledAt()).toEqual([0, 800, 2400])
    nothingIsLeft()
  })

  test('is given up after maxRetries further attempts, with the last error', async () => {
    const last = failure({ condition: 'the last' })
    const { clock, calledAt, outcome, nothingIsLeft } = setUp([failure(), failure(), failure(), last])
    await clock.advance(60_000)
    await expect(outcome).rejects.toBe(last)
    expect(calledAt()).toEqual([0, 800, 2400, 5600])
    nothingIsLeft()
  })

  test('is attempted once when the failure is for good', async () => {
    const final = failure({ retryable: false })
    const { calledAt, outcome, clock } = setUp([final])
    await expect(outcome).rejects.toBe(final)
    expect(calledAt()).toEqual([0])
    expect(clock.pendingTimers).toBe(0)
  })

  test('is attempted once when the error is not recognized', async () => {
    const bug = new TypeError('x is not a function')
    const { calledAt, outcome } = setUp([bug])
    await expect(outcome).rejects.toMatchObject({ code: 'unexpected', retryable: false, cause: bug })
    expect(calledAt()).toEqual([0])
  })

  test('gives each attempt no more than tryTimeoutInMs, and never more than is left', async () => {
    const { clock, calls, startedAt, abort, outcome } = setUp([failure(), failure(), 'accept'], {}, 11_000)
    await clock.advance(3000)
    await outcome
    expect(calls.map(({ limits }) => limits.deadline - startedAt)).toEqual([10_000, 10_800, 11_000])
    for (const { limits } of calls) expect(limits.signal).toBe(abort.signal)
  })

  test('gives up at once when the pause would end at the deadline or beyond', async () => {
    const { clock, calledAt, outcome, nothingIsLeft } = setUp([failure(), failure(), 'accept'], {}, 2400)
    await clock.advance(800)
    await expect(outcome).rejects.toMatchObject({ code: 'service-error', outcome: 'refused' })
    expect(calledAt()).toEqual([0, 800])
    nothingIsLeft()
  })

  test('does not wait for a busy service that asks for more time than there is', async () => {
    const { calledAt, outcome, nothingIsLeft } = setUp([failure({ code: 'server-busy' }), 'accept'], {}, 3999)
    await expect(outcome).rejects.toMatchObject({ code: 'server-busy' })
    expect(calledAt()).toEqual([0])
    nothingIsLeft()
  })

  test('starts nothing once the deadline has passed', async () => {
    const { calledAt, outcome } = setUp(['accept'], {}, 0)
    await expect(outcome).rejects.toMatchObject({ name: 'OperationTimeoutError', outcome: 'returned' })
    expect(calledAt()).toEqual([])
  })

  test('starts nothing when the signal has aborted already', async () => {
    const clock = new VirtualClock()
    let calls = 0
    const environment = { policy: defaults, clock, random: () => 0.5 }
    const limits = { deadline: clock.monotonicNow() + 1000, signal: AbortSignal.abort() }
    const outcome = runWithRetries(async () => ++calls, environment, limits)
    await expect(outcome).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
    expect(calls).toBe(0)
  })

  test('ends at once when the signal aborts during a pause', async () => {
    const { clock, abort, calledAt, outcome, nothingIsLeft } = setUp([failure(), 'accept'])
    await clock.advance(500)
    abort.abort(new Error('enough'))
    await expect(outcome).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
    nothingIsLeft()
    await clock.advance(10_000)
    expect(calledAt()).toEqual([0])
  })

  test('ends with the caller’s own EventHubError when that was the reason of the abort', async () => {
    const { clock, abort, outcome } = setUp([failure(), 'accept'])
    await clock.advance(1)
    abort.abort(new EventHubError('over', { code: 'invocation-ended' }))
    await expect(outcome).rejects.toMatchObject({ code: 'invocation-ended', outcome: 'returned' })
  })

  describe('once any attempt was unknown, is unknown as a whole:', () => {
    const unknown = failure({ code: 'connection-lost', outcome: 'unknown' })

    test('a later refusal says nothing about the copy that may have arrived', async () => {
      const refusal = failure({ code: 'event-too-large', retryable: false, outcome: 'refused', condition: 'c' })
      const { clock, outcome } = setUp([unknown, refusal])
      await clock.advance(800)
      await expect(outcome).rejects.toMatchObject({
        code: 'event-too-large',
        outcome: 'unknown',
        condition: 'c',
        retryable: false,
      })
    })

    test('so is a later failure to leave, also as an OperationTimeoutError', async () => {
      const { clock, outcome } = setUp([unknown, new OperationTimeoutError('no credit'), failure()], { maxRetries: 1 })
      await clock.advance(800)
      await expect(outcome).rejects.toMatchObject({
        name: 'OperationTimeoutError',
        code: 'timeout',
        outcome: 'unknown',
      })
      await expect(outcome).rejects.toBeInstanceOf(OperationTimeoutError)
    })

    test('so is an abort during the pause', async () => {
      const { clock, abort, outcome } = setUp([unknown, 'accept'])
      await clock.advance(10)
      abort.abort()
      await expect(outcome).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' })
    })

    test('so is a deadline that leaves no room', async () => {
      const { outcome } = setUp([unknown, 'accept'], {}, 500)
      await expect(outcome).rejects.toMatchObject({ code: 'connection-lost', outcome: 'unknown' })
    })

    test('but a success is a success', async () => {
      const { clock, outcome } = setUp([unknown, 'accept'])
      await clock.advance(800)
      await expect(outcome).resolves.toBe('done')
    })
  })

  test('does not start another attempt when the deadline passes while the process is stopped in the pause', async () => {
    const clock = new VirtualClock()
    let calls = 0
    let late = 0
    // A thaw: the timer fires long after its time.
    const stopped = { ...clockOf(clock), monotonicNow: () => clock.monotonicNow() + late }
    const environment = { policy: defaults, clock: stopped, random: () => 0.5 }
    const outcome = runWithRetries(
      async () => {
        calls++
        throw failure()
      },
      environment,
      { deadline: clock.monotonicNow() + 5000 },
    )
    outcome.catch(() => {})
    await settlePromises()
    late = 60_000
    await clock.advance(800)
    await expect(outcome).rejects.toMatchObject({ code: 'timeout' })
    expect(calls).toBe(1)
    expect(clock.pendingTimers).toBe(0)
  })
})

function clockOf(clock: VirtualClock) {
  return {
    wallNow: () => clock.wallNow(),
    schedule: (delayInMs: number, callback: () => void) => clock.schedule(delayInMs, callback),
  }
}
