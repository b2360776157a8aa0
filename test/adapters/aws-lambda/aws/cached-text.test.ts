import { expect, test } from 'vitest'
import { cachedText } from '../../../../adapters/aws-lambda/aws/cached-text.js'
import { settlePromises, VirtualClock } from '../../../support/virtual-clock.js'
import { recordingLogger } from '../fake-client.js'

const minute = 60_000

function cached() {
  const clock = new VirtualClock()
  const logger = recordingLogger()
  const state = { fetches: 0, next: async (): Promise<string> => `text ${state.fetches}` }
  const fetch = () => {
    state.fetches++
    return state.next()
  }
  return { clock, logger, state, get: cachedText({ fetch, ttlInMs: 5 * minute, clock, logger }) }
}

test('a text is fetched once until its time is up, and callers share a fetch', async () => {
  const { clock, get, state } = cached()
  expect(await Promise.all([get(), get()])).toEqual(['text 1', 'text 1'])
  await clock.advance(5 * minute - 1)
  expect(await get()).toBe('text 1')
  await clock.advance(1)
  expect(await get()).toBe('text 2')
  expect(state.fetches).toBe(2)
})

test('time passes while the process is frozen, and a clock that is set back keeps no text for ever', async () => {
  const { clock, get } = cached()
  await get()
  clock.freeze(6 * minute)
  expect(await get()).toBe('text 2')
  clock.jumpWall(-60 * minute)
  expect(await get()).toBe('text 3')
})

test('a refused text is fetched anew at once, but not again and again', async () => {
  const { clock, get, state } = cached()
  await get()
  await clock.advance(1000)
  expect(await get({ rejected: true })).toBe('text 2')
  expect(await get({ rejected: true })).toBe('text 2')
  await clock.advance(1000)
  expect(await get({ rejected: true })).toBe('text 3')
  expect(state.fetches).toBe(3)
})

test('a fetch that fails leaves the last text in use, says so, and is not tried again at every turn', async () => {
  const { clock, get, state, logger } = cached()
  await get()
  await clock.advance(5 * minute)
  state.next = () => Promise.reject(new Error('the service is down'))
  expect([await get(), await get()]).toEqual(['text 1', 'text 1'])
  expect(state.fetches).toBe(2)
  expect(logger.lines).toHaveLength(1)
  expect(logger.lines[0]).toContain('the service is down')
  state.next = async () => 'new'
  await clock.advance(30_000)
  expect(await get()).toBe('new')
})

test('the first fetch that fails is the caller’s error, and the next call tries again', async () => {
  const { get, state } = cached()
  const { next } = state
  state.next = () => Promise.reject(new Error('not yet'))
  await expect(get()).rejects.toThrow('not yet')
  state.next = next
  expect(await get()).toBe('text 2')
})

test('a caller waits no longer than it can; what was asked for serves the next', async () => {
  const { clock, get, state } = cached()
  let answer = (_: string) => {}
  state.next = () =>
    new Promise((resolve) => {
      answer = resolve
    })
  const waiting = get({ timeInMs: 500 })
  const outcome = waiting.catch((error: unknown) => error)
  await clock.advance(500)
  expect(await outcome).toMatchObject({ code: 'timeout', outcome: 'returned' })
  const next = get({ timeInMs: 500 })
  answer('late')
  expect(await next).toBe('late')
  await settlePromises()
  expect(clock.pendingTimers).toBe(0)
  expect(state.fetches).toBe(1)
})

test('a fetch that was frozen under way fails nobody who came after the thaw: they ask once more', async () => {
  const { get, state } = cached()
  const { next } = state
  let lose = (_: Error) => {}
  state.next = () =>
    new Promise((_, reject) => {
      lose = reject
    })
  // In the init phase; the process is then frozen, and the connection gone when it thaws.
  const warmUp = get().catch((error: unknown) => error)
  const invocation = get({ timeInMs: 3000 })
  state.next = next
  lose(new Error('the connection failed'))
  expect(await warmUp).toMatchObject({ message: 'the connection failed' })
  expect(await invocation).toBe('text 2')
})

test('a renewal that gets no answer leaves most of the caller’s time, and the last text, to its events', async () => {
  const { clock, get, state, logger } = cached()
  await get()
  await clock.advance(5 * minute)
  state.next = () => new Promise(() => {})
  for (const [timeInMs, longestInMs] of [
    [30_000, 1000],
    [600, 300],
  ] as const) {
    let text: string | undefined
    void get({ timeInMs }).then((got) => {
      text = got
    })
    await clock.advance(longestInMs - 1)
    expect(text).toBeUndefined()
    await clock.advance(1)
    expect(text).toBe('text 1')
    await clock.advance(30_000)
  }
  expect(logger.lines.join()).toContain('the last one stays in use')
  expect(clock.pendingTimers).toBe(0)
})
