import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { basicAuth, rateLimit } from '../../../adapters/fetch/index.js'
import { tokenBuckets } from '../../../adapters/fetch/rate-limit.js'
import { memoryInUse } from '../../support/memory.js'
import { FrontDoor, json, post } from './front-door.js'

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

const later = (inMs: number) => vi.advanceTimersByTime(inMs)
const by = (name: string) => ({
  ...json,
  authorization: `Basic ${btoa(`${name}:a-password-of-length`)}`,
})

test('a caller over its rate gets 429 with Retry-After, and nothing of it is read or sent', async () => {
  const door = new FrontDoor({ rateLimit: rateLimit({ requestsPerSecond: 0.5, burst: 2 }) })
  const first = [await door.post('1', json), await door.post('2', json)]
  expect(first.map(({ status }) => status)).toEqual([200, 200])
  const request = post('3', json)
  const answer = await door.send(request)
  expect([answer.status, answer.headers.get('retry-after')]).toEqual([429, '2'])
  expect(answer.body).toMatchObject({ type: 'urn:problem:eventhub-sluice:too-many-requests', retryAfterInMs: 2_000 })
  expect(request.bodyUsed).toBe(false)
  expect(door.client.bodies).toEqual(['1', '2'])
  later(1_999)
  expect((await door.post('3', json)).status).toBe(429)
  later(1)
  expect((await door.post('3', json)).status).toBe(200)
})

test('each caller that auth let in has a bucket of its own; strangers have none', async () => {
  const users = { ann: 'a-password-of-length', bob: 'a-password-of-length' }
  const door = new FrontDoor({ auth: basicAuth({ users }), rateLimit: rateLimit({ requestsPerSecond: 1 }) })
  const statuses = []
  for (const headers of [by('ann'), by('ann'), by('bob'), by('eve'), json]) {
    statuses.push((await door.post('1', headers)).status)
  }
  expect(statuses).toEqual([200, 429, 200, 401, 401])
})

test('with a function for the caller the limit comes before auth, and slows guessing down', async () => {
  const door = new FrontDoor({
    auth: { bearer: 'kkkkkkkkkkkkkkkk' },
    rateLimit: rateLimit({ requestsPerSecond: 1, caller: ({ headers }) => headers.get('cf-connecting-ip') ?? '' }),
  })
  const guess = (address: string) =>
    door.post('1', { ...json, authorization: 'Bearer guess', 'cf-connecting-ip': address })
  expect([(await guess('a')).status, (await guess('a')).status, (await guess('b')).status]).toEqual([401, 429, 401])
})

test('GET /health is never limited', async () => {
  const door = new FrontDoor({ rateLimit: rateLimit({ requestsPerSecond: 1 }) })
  await door.post('1', json)
  for (let count = 0; count < 5; count += 1) {
    expect((await door.send(new Request('http://door.test/health'))).status).toBe(200)
  }
})

describe('the buckets', () => {
  test('never let through more than burst and rate, nor keep waiting who kept to them', () => {
    const steps = fc.array(fc.record({ caller: fc.constantFrom('a', 'b'), afterInMs: fc.nat(1_500) }), {
      maxLength: 60,
    })
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 5 }), (all, rate, burst) => {
        const take = tokenBuckets({ requestsPerSecond: rate, burst })
        const letIn: Record<string, { at: number }[]> = { a: [], b: [] }
        const startedAt = performance.now()
        for (const { caller, afterInMs } of all) {
          later(afterInMs)
          const at = performance.now()
          const waitInMs = take(caller)
          if (waitInMs === 0) {
            letIn[caller]?.push({ at })
            continue
          }
          expect(waitInMs).toBeLessThanOrEqual(Math.ceil(1000 / rate))
          later(waitInMs)
          expect(take(caller)).toBe(0)
          letIn[caller]?.push({ at: performance.now() })
        }
        const elapsedInMs = performance.now() - startedAt
        for (const requests of Object.values(letIn)) {
          expect(requests.length).toBeLessThanOrEqual(burst + (elapsedInMs / 1000) * rate + 1e-6)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('let in who waited to the millisecond, whatever 0.08 and 0.92 add up to', () => {
    const waitFor = tokenBuckets({ requestsPerSecond: 5, burst: 1 })
    expect(waitFor('a')).toBe(0)
    later(16)
    const waitInMs = waitFor('a')
    expect(waitInMs).toBe(184)
    later(waitInMs)
    expect(waitFor('a')).toBe(0)
  })

  test('cost little however long the names are that callers give themselves', () => {
    const waitFor = tokenBuckets({ requestsPerSecond: 1 })
    const nameOf = (caller: number) => Buffer.alloc(16_000, `caller ${caller} `).toString('latin1')
    const before = memoryInUse()
    for (let caller = 0; caller < 5000; caller += 1) waitFor(nameOf(caller))
    expect((memoryInUse() - before) / 5000).toBeLessThan(4000)
    expect(waitFor(nameOf(0))).toBeGreaterThan(0)
  })

  test('are bounded in number: the longest unused is forgotten', () => {
    const waitFor = tokenBuckets({ requestsPerSecond: 1, maxCallers: 2 })
    const take = (caller: string) => waitFor(caller) === 0
    expect([take('a'), take('b'), take('a'), take('c'), take('a'), take('b')]).toEqual([
      true,
      true,
      false,
      true,
      false,
      true,
    ])
  })
})

test.each([
  ['no rate', {}, /requestsPerSecond/],
  ['a rate of zero', { requestsPerSecond: 0 }, /requestsPerSecond/],
  ['an endless rate', { requestsPerSecond: Number.POSITIVE_INFINITY }, /requestsPerSecond/],
  ['a burst of zero', { requestsPerSecond: 1, burst: 0 }, /burst/],
  ['a caller that is no function', { requestsPerSecond: 1, caller: 'ip' }, /caller/],
  ['an unknown option', { requestsPerSecond: 1, perMinute: 1 }, /perMinute/],
])('%s is refused when it is made', (_, options, message) => {
  expect(() => rateLimit(options as never)).toThrow(message)
})
