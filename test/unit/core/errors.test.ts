import { describe, expect, test } from 'vitest'
import {
  abortedError,
  asRefusal,
  EventHubError,
  type EventHubErrorDetails,
  OperationTimeoutError,
  toEventHubError,
} from '../../../core/errors.js'

describe('an EventHubError', () => {
  test('says no more than it was told: not retryable, returned, nothing else', () => {
    const error = new EventHubError('sentence', { code: 'protocol-error' })
    expect(error).toBeInstanceOf(Error)
    expect(error).toMatchObject({ name: 'EventHubError', message: 'sentence', code: 'protocol-error' })
    expect(error).toMatchObject({ retryable: false, outcome: 'returned' })
    expect([error.retryAfterInMs, error.condition, error.cause]).toEqual([undefined, undefined, undefined])
    expect(Object.hasOwn(error, 'cause')).toBe(false)
  })

  test('keeps every detail, and keeps them all but the outcome when that changes', () => {
    const details: EventHubErrorDetails = {
      code: 'server-busy',
      retryable: true,
      outcome: 'refused',
      retryAfterInMs: 1200,
      condition: 'com.microsoft:server-busy',
      cause: new Error('below'),
    }
    const error = new EventHubError('busy', details)
    expect(error).toMatchObject(details)
    const changed = error.withOutcome('unknown')
    expect(changed).toMatchObject({ ...details, outcome: 'unknown', message: 'busy', name: 'EventHubError' })
    expect(error.outcome).toBe('refused')
    expect(error.withOutcome('refused')).toBe(error)
  })

  test('without details gains none when its outcome changes', () => {
    const changed = new EventHubError('x', { code: 'aborted' }).withOutcome('unknown')
    expect([changed.retryAfterInMs, changed.condition, changed.cause]).toEqual([undefined, undefined, undefined])
    expect(Object.hasOwn(changed, 'cause')).toBe(false)
  })

  test('tells logs its name', () => {
    expect(String(new EventHubError('why', { code: 'unexpected' }))).toBe('EventHubError: why')
    expect(String(new OperationTimeoutError('why'))).toBe('OperationTimeoutError: why')
  })
})

describe('an OperationTimeoutError', () => {
  test('is a retryable EventHubError of code timeout', () => {
    const error = new OperationTimeoutError('too late')
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'timeout', retryable: true, outcome: 'returned' })
    expect(new OperationTimeoutError('for good', { retryable: false }).retryable).toBe(false)
  })

  test('stays one when its outcome changes', () => {
    const cause = new Error('below')
    const error = new OperationTimeoutError('too late', { condition: '408', cause }).withOutcome('unknown')
    expect(error).toBeInstanceOf(OperationTimeoutError)
    expect(error).toMatchObject({ outcome: 'unknown', condition: '408', cause, code: 'timeout', retryable: true })
  })
})

describe('an abort', () => {
  test('with a reason of one’s own becomes an aborted error that carries it', () => {
    for (const reason of [new Error('enough'), 'enough', undefined, new DOMException('over', 'AbortError')]) {
      const error = abortedError(reason, 'unknown')
      expect(error).toMatchObject({ code: 'aborted', outcome: 'unknown', retryable: false })
      expect(error.cause).toBe(reason)
    }
    expect(abortedError('x').outcome).toBe('returned')
  })

  test('with an EventHubError stays that error, with the outcome known here', () => {
    const reason = new EventHubError('over', { code: 'invocation-ended' })
    expect(abortedError(reason)).toBe(reason)
    expect(abortedError(reason, 'unknown')).toMatchObject({ code: 'invocation-ended', outcome: 'unknown' })
    expect(abortedError(new OperationTimeoutError('late'), 'unknown')).toBeInstanceOf(OperationTimeoutError)
  })
})

describe('anything thrown', () => {
  test('is itself when it is an EventHubError', () => {
    const error = new EventHubError('x', { code: 'aborted' })
    expect(toEventHubError(error, 'unknown')).toBe(error)
  })

  test.each([
    ['an Error', new RangeError('boom'), 'boom'],
    ['a string', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['null', null, 'null'],
  ])('else is unexpected and not retried: %s', (_, thrown, message) => {
    const error = toEventHubError(thrown)
    expect(error).toMatchObject({ code: 'unexpected', retryable: false, outcome: 'returned', message })
    expect(error.cause).toBe(thrown)
    expect(toEventHubError(thrown, 'unknown').outcome).toBe('unknown')
  })
})

describe('a wrong argument', () => {
  test.each([new TypeError('no event'), new RangeError('too long')])('is refused for good: %s', (thrown) => {
    const { message } = thrown
    expect(asRefusal(thrown)).toMatchObject({
      code: 'argument-error',
      outcome: 'refused',
      retryable: false,
      cause: thrown,
      message,
    })
  })

  test('is told from a failure of another kind', () => {
    const error = new EventHubError('x', { code: 'not-supported', outcome: 'refused' })
    expect(asRefusal(error)).toBe(error)
    expect(asRefusal(new Error('bug'))).toMatchObject({ code: 'unexpected', outcome: 'returned' })
  })
})
