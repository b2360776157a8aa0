import { describe, expect, test } from 'vitest'
import { OperationTimeoutError } from '../../../../core/errors.js'
import { fromStatus } from '../../../../core/https/status.js'

const now = Date.parse('2026-03-04T05:06:07Z')
const retryAfter = (value: string | null) => fromStatus(503, value, now).retryAfterInMs

describe('a status', () => {
  test.each([
    [400, 'argument-error', false, 'refused'],
    [401, 'unauthorized', false, 'refused'],
    [403, 'unauthorized', false, 'refused'],
    [404, 'entity-not-found', false, 'refused'],
    [405, 'argument-error', false, 'refused'],
    [410, 'entity-not-found', false, 'refused'],
    [413, 'event-too-large', false, 'refused'],
    [429, 'server-busy', true, 'refused'],
    [503, 'server-busy', true, 'refused'],
  ] as const)('of %i is %s, and the event is certainly not taken', (status, code, retryable, outcome) => {
    const error = fromStatus(status, null, now)
    expect(error).toMatchObject({ code, retryable, outcome, condition: String(status) })
    expect(error.message).toContain(String(status))
  })

  test.each([500, 502, 504, 599])('of %i leaves open what happened behind it', (status) => {
    expect(fromStatus(status, null, now)).toMatchObject({
      code: 'service-error',
      retryable: true,
      outcome: 'unknown',
      condition: String(status),
    })
  })

  test('of 408 is a timeout that leaves open what happened', () => {
    const error = fromStatus(408, null, now)
    expect(error).toBeInstanceOf(OperationTimeoutError)
    expect(error).toMatchObject({ retryable: true, outcome: 'unknown', condition: '408' })
  })

  test.each([200, 202, 204])('of %i is no acceptance, and no refusal either', (status) => {
    expect(fromStatus(status, null, now)).toMatchObject({ retryable: false, outcome: 'unknown' })
  })

  test.each([301, 307])('of %i is not followed, and nothing was taken', (status) => {
    expect(fromStatus(status, null, now)).toMatchObject({ retryable: false, outcome: 'refused' })
  })

  test.each([
    [401, 'Azure Event Hubs Data Sender'],
    [403, 'Azure Event Hubs Data Sender'],
    [404, 'Check the names'],
    [410, 'Check the names'],
    [413, 'smaller'],
  ])('of %i says what to do', (status, advice) => {
    expect(fromStatus(status, null, now).message).toContain(advice)
  })
})

describe('Retry-After', () => {
  test.each([
    ['0', 0],
    ['4', 4000],
    [' 30 ', 30_000],
    ['1.5', 1500],
  ])('of %j seconds is that pause', (value, pause) => {
    expect(retryAfter(value)).toBe(pause)
  })

  test('that is a date is the time until then', () => {
    expect(retryAfter('Wed, 04 Mar 2026 05:06:27 GMT')).toBe(20_000)
    expect(retryAfter('Wed, 04 Mar 2026 05:06:01 GMT')).toBe(0)
  })

  test('is believed up to five minutes', () => {
    expect(retryAfter('86400')).toBe(300_000)
    expect(retryAfter('Thu, 05 Mar 2026 05:06:07 GMT')).toBe(300_000)
  })

  test.each([null, '', '  ', 'soon', 'in 2 minutes', 'NaN', 'Infinity', '-5', '0x10', '1e3', '5 apples', '4, 5'])(
    'that is garbage (%j) says nothing',
    (value) => {
      expect(retryAfter(value)).toBeUndefined()
    },
  )

  test('is heard beside any status that may be tried again', () => {
    expect(fromStatus(429, '2', now).retryAfterInMs).toBe(2000)
    expect(fromStatus(500, '2', now).retryAfterInMs).toBe(2000)
    expect(fromStatus(408, '2', now).retryAfterInMs).toBe(2000)
  })
})
