import { describe, expect, test } from 'vitest'
import { parseSendOptions, refuseTargetBesideBatch, type SendOptions } from '../../../core/send-options.js'
import { thrownBy } from '../../support/thrown.js'

function parse(options: SendOptions | undefined) {
  const warnings: string[] = []
  const parsed = parseSendOptions(options, { warn: (message) => warnings.push(message) })
  return { parsed, warnings }
}

describe('the options of a send', () => {
  test('may be left out', () => {
    const nothing = { partitionId: undefined, partitionKey: undefined, timeoutInMs: undefined, signal: undefined }
    expect(parse(undefined).parsed).toEqual(nothing)
    expect(parse({}).parsed).toEqual(nothing)
    expect(parse({ partitionId: undefined, timeoutInMs: undefined }).parsed).toEqual(nothing)
  })

  test('are taken as they are', () => {
    const { signal } = new AbortController()
    expect(parse({ partitionKey: 'k', timeoutInMs: 0, abortSignal: signal }).parsed).toEqual({
      partitionId: undefined,
      partitionKey: 'k',
      timeoutInMs: 0,
      signal,
    })
    // An empty key is a key.
    expect(parse({ partitionKey: '' }).parsed.partitionKey).toBe('')
  })

  test('let the partition id win over the key', () => {
    expect(parse({ partitionId: '0', partitionKey: 'k' }).parsed).toMatchObject({
      partitionId: '0',
      partitionKey: undefined,
    })
  })

  test.each([0, 42n, true, {}, ['k'], Symbol('k'), () => 'k'])(
    'ignore a key that is no string with one warning, and without its value (%#)',
    (key) => {
      const { parsed, warnings } = parse({ partitionKey: key as never })
      expect(parsed.partitionKey).toBeUndefined()
      expect(warnings).toHaveLength(1)
      expect(warnings[0]).toContain(typeof key)
      expect(warnings[0]).toContain('String(key)')
    },
  )

  test('take null for no key, without a word', () => {
    const { parsed, warnings } = parse({ partitionKey: null as never })
    expect(parsed.partitionKey).toBeUndefined()
    expect(warnings).toEqual([])
  })

  test('need no logger that warns', () => {
    expect(parseSendOptions({ partitionKey: 7 as never }, {}).partitionKey).toBeUndefined()
  })

  test.each([0, null, {}])('refuse a partition id that is no string (%j)', (partitionId) => {
    const error = thrownBy(() => parse({ partitionId: partitionId as never }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain('partitionId')
  })

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY, '5'])('refuse a timeout that is none (%s)', (timeoutInMs) => {
    const error = thrownBy(() => parse({ timeoutInMs: timeoutInMs as never }))
    expect(error).toBeInstanceOf(RangeError)
    expect(error.message).toContain('timeoutInMs')
  })

  test.each([
    ['partition_key', 'Did you mean partitionKey?'],
    ['partitionid', 'Did you mean partitionId?'],
    ['signal', 'abortSignal'],
  ])('refuse the unknown name %s, with a hint', (name, hint) => {
    const error = thrownBy(() => parse({ [name]: 'x' }))
    expect(error).toBeInstanceOf(TypeError)
    expect(error.message).toContain(name)
    expect(error.message).toContain(hint)
  })

  test.each([['0'], [null], [5], [[]]])('refuse what is no object (%j)', (options) => {
    expect(thrownBy(() => parse(options as never))).toBeInstanceOf(TypeError)
  })
})

describe('beside an EventDataBatch', () => {
  test('a target is refused, saying where it belongs', () => {
    for (const target of [{ partitionId: '0' }, { partitionKey: 'k' }]) {
      expect(() => refuseTargetBesideBatch(parse(target).parsed)).toThrow('createBatch')
    }
  })

  test('other options are not', () => {
    const { parsed } = parse({ timeoutInMs: 5 })
    expect(refuseTargetBesideBatch(parsed)).toBe(parsed)
  })
})
