import { describe, expect, test } from 'vitest'
import { abortSignal, duration, flag, kindOf, oneOf, refuseUnknownOptions, whole } from '../../../../core/options.js'
import { thrownBy } from '../../../support/thrown.js'

const secret = 'c2VjcmV0LWtleS1vZi1zb21lYm9keQ=='

describe('a wrong value', () => {
  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [secret, 'a string'],
    [5, 'a number'],
    [5n, 'a bigint'],
    [true, 'a boolean'],
    [Symbol(secret), 'a symbol'],
    [() => secret, 'a function'],
    [[secret], 'an array'],
    [{ secret }, 'an object'],
    [Object.create(null), 'an object'],
    [new (class Own {})(), 'an object'],
    [new Date(), 'a Date'],
    [new Error(secret), 'an Error'],
    [new ArrayBuffer(1), 'an ArrayBuffer'],
    [Buffer.from(secret), 'a Uint8Array'],
    [{ [Symbol.toStringTag]: `${secret} of somebody` }, 'an object'],
  ])('is named by its kind, never by itself (%#)', (value, kind) => {
    expect(kindOf(value)).toBe(kind)
  })

  test.each([
    [null, 'null'],
    [-1, '-1'],
    [Number.NaN, 'NaN'],
    [Number.POSITIVE_INFINITY, 'Infinity'],
    [true, 'true'],
    ['5000', "the string '5000'"],
    ['', 'a string'],
    [secret, 'a string'],
    [{}, 'an object'],
    [Object.create(null), 'an object'],
  ])('in place of a number is shown where it is one, as environment variables are (%#)', (value, shown) => {
    expect(thrownBy(() => duration('waitInMs', value, 1)).message).toBe(
      `waitInMs must be a number of milliseconds, at least 0; received ${shown}.`,
    )
    expect(thrownBy(() => whole('count', value, 1, 1)).message).toBe(
      `count must be a whole number, at least 1; received ${shown}.`,
    )
  })

  test('in place of a word is shown where it is one', () => {
    const choose = (value: unknown) => thrownBy(() => oneOf('colour', value, ['red', 'blue'])).message
    expect(choose('Red')).toBe("colour must be one of 'red', 'blue'; received 'Red'.")
    expect(choose(secret)).toBe("colour must be one of 'red', 'blue'; received a string.")
    expect(choose(null)).toBe("colour must be one of 'red', 'blue'; received null.")
    expect(thrownBy(() => flag('on', 'yes', false)).message).toBe("on must be true or false; received 'yes'.")
  })

  test('in place of a signal is told apart from its controller', () => {
    const message = (value: unknown) => thrownBy(() => abortSignal('abortSignal', value)).message
    expect(message(new AbortController())).toBe(
      'abortSignal must be an AbortSignal; received an AbortController. Of an AbortController, pass its signal.',
    )
    expect(message(null)).toBe('abortSignal must be an AbortSignal; received null.')
    expect(message(5)).toBe('abortSignal must be an AbortSignal; received a number.')
  })
})

describe('options', () => {
  const names = new Set(['timeoutInMs', 'abortSignal'])
  const refuse =
    (options: unknown, where = 'call options') =>
    () =>
      refuseUnknownOptions(where, options, names)

  test('are an object, empty or not, with a prototype or without', () => {
    class Own {
      readonly timeoutInMs = 5
      method(): void {}
    }
    for (const options of [{}, { timeoutInMs: undefined }, Object.create(null), new Own(), Object.freeze({})]) {
      expect(refuse(options)).not.toThrow()
    }
  })

  test.each([
    [undefined, 'undefined'],
    [null, 'null'],
    [5, 'a number'],
    ['', 'a string'],
    [[], 'an array'],
    [[{ timeoutInMs: 5 }], 'an array'],
    [new Map([['timeoutInMs', 5]]), 'a Map'],
    [new Date(), 'a Date'],
    [Promise.resolve({ timeoutInMs: 5 }), 'a Promise'],
    [() => ({}), 'a function'],
  ])('are nothing else, and are told from it by name (%#)', (options, kind) => {
    const error = thrownBy(refuse(options))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toBe(
      `The call options must be an object with any of timeoutInMs, abortSignal; received ${kind}.`,
    )
  })

  test('are not a signal that was passed by itself, nor its controller', () => {
    const controller = new AbortController()
    expect(thrownBy(refuse(controller.signal)).message).toMatch(/^Unknown option "\w+" in the call options\./)
    expect(thrownBy(refuse(controller)).message).toContain('Did you mean abortSignal?')
  })

  test('that are inherited count as well', () => {
    expect(refuse(Object.create({ timeout: 5 }))).toThrow('Unknown option "timeout"')
  })

  test('say where an unknown name stood', () => {
    expect(refuse({ timeout: 5 })).toThrow('Unknown option "timeout" in the call options. Did you mean timeoutInMs?')
    expect(refuse({ timeout: 5 }, 'options')).toThrow('Unknown option "timeout". Did you mean timeoutInMs?')
    expect(refuse({ deadline: 5 }, 'retryOptions')).toThrow(
      'Unknown option "deadline" in retryOptions. Known: timeoutInMs, abortSignal.',
    )
  })
})
