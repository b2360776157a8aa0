import { describe, expect, test, vi } from 'vitest'
import type { EventHubCredential } from '../../../../core/auth/credential.js'
import { createTokenSource } from '../../../../core/auth/token-cache.js'
import { EventHubError, OperationTimeoutError } from '../../../../core/errors.js'
import type { OperationLimits } from '../../../../core/transport.js'
import { verifySas } from '../../../../infra/local-hub/sas.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

const minute = 60_000
const hour = 60 * minute
const audience = 'sb://ns.example.net/events'
const unlimited: OperationLimits = { deadline: Number.POSITIVE_INFINITY }

function sourceOf(credential: EventHubCredential, authTimeoutInMs = 60_000) {
  const clock = new VirtualClock()
  return { clock, tokens: createTokenSource(credential, { clock, authTimeoutInMs }) }
}

describe('a named key', () => {
  const namedKey = { name: 'send', key: 'secret' }

  test('signs for the audience, for one hour', async () => {
    const { clock, tokens } = sourceOf(namedKey)
    const token = await tokens.getToken(audience, unlimited)
    expect(token.type).toBe('servicebus.windows.net:sastoken')
    expect(token.expiresOn).toBe(clock.wallNow() + hour)
    const keys = new Map([['send', { key: 'secret', rights: ['send' as const] }]])
    expect(verifySas(token.token, keys, clock.wallNow())).toMatchObject({
      ok: true,
      path: 'events',
      expiresAt: token.expiresOn,
    })
  })

  test('signs again at three quarters of the signature’s life, not before', async () => {
    const { clock, tokens } = sourceOf(namedKey)
    const first = await tokens.getToken(audience, unlimited)
    expect(first.refreshAfter).toBe(clock.wallNow() + 45 * minute)
    await clock.advance(45 * minute - 1)
    expect(await tokens.getToken(audience, unlimited)).toBe(first)
    await clock.advance(1)
    const second = await tokens.getToken(audience, unlimited)
    expect(second.expiresOn).toBe(first.expiresOn + 45 * minute)
    expect(second.token).not.toBe(first.token)
    expect(await tokens.getToken(audience, unlimited)).toBe(second)
  })

  test('sees by the wall clock that time has passed while the process was frozen', async () => {
    const { clock, tokens } = sourceOf(namedKey)
    const first = await tokens.getToken(audience, unlimited)
    clock.freeze(2 * hour)
    const second = await tokens.getToken(audience, unlimited)
    expect(second.expiresOn).toBe(first.expiresOn + 2 * hour)
    // The clock was wrong and is set back: what is signed already lives longer than thought.
    clock.jumpWall(-3 * hour)
    expect(await tokens.getToken(audience, unlimited)).toBe(second)
  })

  test('keeps one signature for each audience', async () => {
    const { tokens } = sourceOf(namedKey)
    const hub = await tokens.getToken(audience, unlimited)
    const partition = await tokens.getToken(`${audience}/Partitions/0`, unlimited)
    expect(partition.token).not.toBe(hub.token)
    expect(await tokens.getToken(audience, unlimited)).toBe(hub)
  })

  test('that is rotated signs anew at once, with the new key', async () => {
    const rotating = { name: 'send', key: 'old' }
    const { clock, tokens } = sourceOf(rotating)
    const old = await tokens.getToken(audience, unlimited)
    rotating.key = 'new'
    const fresh = await tokens.getToken(audience, unlimited)
    const keys = new Map([['send', { key: 'new', rights: ['send' as const] }]])
    expect(verifySas(old.token, keys, clock.wallNow()).ok).toBe(false)
    expect(verifySas(fresh.token, keys, clock.wallNow()).ok).toBe(true)
    expect(await tokens.getToken(audience, unlimited)).toBe(fresh)
  })

  test('that is rotated while a signature is being made does not leave the old one in the cache', async () => {
    const rotating = { name: 'send', key: 'old' }
    const { tokens } = sourceOf(rotating)
    const sign = crypto.subtle.sign.bind(crypto.subtle)
    let goOn = () => {}
    const gate = new Promise<void>((resolve) => {
      goOn = resolve
    })
    const slow = vi.spyOn(crypto.subtle, 'sign').mockImplementationOnce((...args) => gate.then(() => sign(...args)))
    try {
      const underWay = tokens.getToken(audience, unlimited)
      await vi.waitFor(() => expect(slow).toHaveBeenCalledTimes(1))
      rotating.key = 'new'
      const fresh = await tokens.getToken(audience, unlimited)
      goOn()
      await underWay
      expect(await tokens.getToken(audience, unlimited)).toBe(fresh)
    } finally {
      slow.mockRestore()
    }
  })

  test('signs anew after its signature was refused', async () => {
    const { clock, tokens } = sourceOf(namedKey)
    const other = await tokens.getToken('sb://ns.example.net/other', unlimited)
    const first = await tokens.getToken(audience, unlimited)
    await clock.advance(minute)
    tokens.invalidate(audience)
    const second = await tokens.getToken(audience, unlimited)
    expect(second.expiresOn).toBe(first.expiresOn + minute)
    expect(await tokens.getToken('sb://ns.example.net/other', unlimited)).toBe(other)
  })
})

describe('a ready signature', () => {
  const signature = (seconds: number) => `SharedAccessSignature sr=sb%3A%2F%2Fns&sig=c2VjcmV0&se=${seconds}&skn=send`

  test('is used as it is until it ends', async () => {
    const { clock, tokens } = sourceOf({ signature: signature(1_700_000_100) })
    const token = await tokens.getToken(audience, unlimited)
    expect(token).toEqual({
      token: signature(1_700_000_100),
      type: 'servicebus.windows.net:sastoken',
      refreshAfter: 1_700_000_100_000,
      expiresOn: 1_700_000_100_000,
    })
    clock.jumpWall(1_700_000_100_000 - clock.wallNow() - 1)
    await expect(tokens.getToken(audience, unlimited)).resolves.toMatchObject({ token: token.token })
  })

  test('that has ended is an error that says when, what to do, and nothing of the signature', async () => {
    const { tokens } = sourceOf({ signature: signature(1_600_000_000) })
    const error = await tokens.getToken(audience, unlimited).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'unauthorized', outcome: 'returned', retryable: false })
    const { message } = error as EventHubError
    expect(message).toContain('2020-09-13T12:26:40.000Z')
    expect(message).toContain('Create a new one')
    expect(message).not.toContain('c2VjcmV0')
  })

  test('that is replaced in its credential is taken from then on', async () => {
    const credential = { signature: signature(1_600_000_000) }
    const { tokens } = sourceOf(credential)
    await expect(tokens.getToken(audience, unlimited)).rejects.toMatchObject({ code: 'unauthorized' })
    credential.signature = signature(1_900_000_000)
    await expect(tokens.getToken(audience, unlimited)).resolves.toMatchObject({ token: signature(1_900_000_000) })
  })

  test('that does not say when it ends is left to the service', async () => {
    const { tokens } = sourceOf({ signature: 'SharedAccessSignature sr=x&sig=y&skn=z' })
    await expect(tokens.getToken(audience, unlimited)).resolves.toMatchObject({ expiresOn: Number.POSITIVE_INFINITY })
  })
})

describe('a credential of a class of its own', () => {
  test('is refreshed as itself: a key', async () => {
    class VaultKey {
      readonly name = 'send'
      key = 'old'
      async refresh() {
        this.key = 'new'
      }
    }
    const { clock, tokens } = sourceOf(new VaultKey())
    const { token } = await tokens.getToken(audience, unlimited)
    const keys = new Map([['send', { key: 'new', rights: ['send' as const] }]])
    expect(verifySas(token, keys, clock.wallNow()).ok).toBe(true)
  })

  test('is refreshed as itself: a signature', async () => {
    class VaultSignature {
      signature = 'SharedAccessSignature sr=x&sig=y&se=1&skn=z'
      async refresh() {
        this.signature = 'SharedAccessSignature sr=x&sig=y&se=1800000000&skn=z'
      }
    }
    const { tokens } = sourceOf(new VaultSignature())
    expect((await tokens.getToken(audience, unlimited)).expiresOn).toBe(1_800_000_000_000)
  })

  test('that throws at the refresh, not in its promise, keeps what it has', async () => {
    const refresh = () => {
      throw new Error('the vault is down')
    }
    const { clock, tokens } = sourceOf({ name: 'send', key: 'secret', refresh })
    const { token } = await tokens.getToken(audience, unlimited)
    const keys = new Map([['send', { key: 'secret', rights: ['send' as const] }]])
    expect(verifySas(token, keys, clock.wallNow()).ok).toBe(true)
  })
})

describe('a token credential', () => {
  test('whose refresh fails says so once, and has half of the time for it', async () => {
    const lines: string[] = []
    const clock = new VirtualClock()
    let answers = false
    const refresh = () => (answers ? Promise.resolve() : new Promise<void>(() => {}))
    const tokens = createTokenSource(
      { name: 'send', key: 'secret', refresh },
      { clock, authTimeoutInMs: 60_000, logger: { warn: (line) => lines.push(line) } },
    )
    const limits = { deadline: clock.monotonicNow() + 10_000 }
    const token = tokens.getToken('sb://ns/a', limits)
    await clock.advance(5000)
    expect((await token).type).toBe('servicebus.windows.net:sastoken')
    const other = tokens.getToken('sb://ns/b', { deadline: clock.monotonicNow() + 1000 })
    await clock.advance(500)
    await other
    expect(lines).toEqual([expect.stringMatching(/refresh failed, so its present secret stays in use/)])
    answers = true
    await tokens.getToken('sb://ns/c', limits)
    answers = false
    const again = tokens.getToken('sb://ns/d', { deadline: clock.monotonicNow() + 1000 })
    await clock.advance(500)
    await again
    expect(lines).toHaveLength(2)
    expect(lines.join()).not.toContain('secret,')
  })

  type Answer = { token: string; expiresOnTimestamp: number; refreshAfterTimestamp?: number } | null
  type Options = { abortSignal?: AbortSignal } | undefined

  function entra(answer: (now: number, call: number) => Answer | Promise<Answer>, authTimeoutInMs?: number) {
    const clock = new VirtualClock()
    let calls = 0
    const getToken = vi.fn(async (_scope: string | string[], _options: Options) => answer(clock.wallNow(), ++calls))
    const settings = { clock, authTimeoutInMs: authTimeoutInMs ?? 60_000 }
    return { clock, getToken, tokens: createTokenSource({ getToken }, settings) }
  }
  const hourly = (now: number, call: number): Answer => ({ token: `token ${call}`, expiresOnTimestamp: now + hour })

  test('is asked for Event Hubs’ scope, both slashes of it, once for all audiences', async () => {
    const { getToken, tokens } = entra(hourly)
    const token = await tokens.getToken(audience, unlimited)
    expect(token).toMatchObject({ token: 'token 1', type: 'jwt' })
    expect(await tokens.getToken(`${audience}/Partitions/0`, unlimited)).toBe(token)
    expect(getToken.mock.calls).toEqual([['https://eventhubs.azure.net//.default', {}]])
  })

  test('is asked again some minutes before the token ends', async () => {
    const { clock, tokens } = entra(hourly)
    const first = await tokens.getToken(audience, unlimited)
    const margin = first.expiresOn - first.refreshAfter
    expect(margin).toBeGreaterThanOrEqual(2 * minute)
    expect(margin).toBeLessThanOrEqual(5 * minute)
    await clock.advance(hour - margin - 1)
    expect(await tokens.getToken(audience, unlimited)).toBe(first)
    await clock.advance(1)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 2')
  })

  test('is asked again when the token itself says so', async () => {
    const { clock, tokens } = entra((now, call) => ({
      token: `token ${call}`,
      expiresOnTimestamp: now + 24 * hour,
      refreshAfterTimestamp: now + 12 * hour,
    }))
    await tokens.getToken(audience, unlimited)
    await clock.advance(12 * hour - 1)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 1')
    await clock.advance(1)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 2')
  })

  test('is asked again after a freeze that outlived the token', async () => {
    const { clock, tokens } = entra(hourly)
    await tokens.getToken(audience, unlimited)
    clock.freeze(3 * hour)
    expect(await tokens.getToken(audience, unlimited)).toMatchObject({
      token: 'token 2',
      expiresOn: clock.wallNow() + hour,
    })
  })

  test('that fails to renew leaves a good token in use, until that has ended', async () => {
    const { clock, tokens } = entra((now, call) => {
      if (call === 2 || call === 3) throw new Error('the identity endpoint is away')
      return hourly(now, call)
    })
    const first = await tokens.getToken(audience, unlimited)
    await clock.advance(hour - minute)
    expect((await tokens.getToken(audience, unlimited)).token).toBe(first.token)
    await clock.advance(minute)
    await expect(tokens.getToken(audience, unlimited)).rejects.toMatchObject({ code: 'authentication-failed' })
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 4')
  })

  test('that hangs at a renewal costs two seconds at most, and not again at the next send', async () => {
    const { clock, tokens } = entra((now, call) => (call === 2 ? new Promise(() => {}) : hourly(now, call)), 5000)
    const first = await tokens.getToken(audience, unlimited)
    await clock.advance(hour - minute)
    const renewed = tokens.getToken(audience, unlimited)
    await clock.advance(2000)
    expect((await renewed).token).toBe(first.token)
    expect(clock.pendingTimers).toBe(0)
    expect((await tokens.getToken(audience, unlimited)).token).toBe(first.token)
    await clock.advance(30_000)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 3')
  })

  test('that gives tokens about to end is not asked again at every send', async () => {
    const { tokens, clock } = entra((now, call) => ({ token: `token ${call}`, expiresOnTimestamp: now + 60_000 }))
    for (let i = 0; i < 20; i++) expect((await tokens.getToken(audience, unlimited)).token).toBe('token 1')
    await clock.advance(30_000)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 2')
  })

  test.each([
    ['throws', () => Promise.reject(new Error('no managed identity here')), /no managed identity here/],
    ['throws something that is no error', () => Promise.reject('nope'), /nope/],
    ['answers null', () => null, /no token/],
    ['answers without a token', () => ({ token: '', expiresOnTimestamp: 0 }), /no token/],
  ])('that %s is an error of authentication, not retried', async (_, answer, message) => {
    const { tokens } = entra(answer)
    const error = await tokens.getToken(audience, unlimited).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code: 'authentication-failed', retryable: false, outcome: 'returned' })
    expect((error as Error).message).toMatch(message)
  })

  test('that throws at the call, not in its promise, is no different', async () => {
    const { tokens } = sourceOf({
      getToken: () => {
        throw new Error('bad tenant')
      },
    })
    await expect(tokens.getToken(audience, unlimited)).rejects.toMatchObject({ code: 'authentication-failed' })
  })

  test('that gives no answer is given up after authTimeoutInMs, saying what to check', async () => {
    const { clock, tokens } = entra(() => new Promise(() => {}), 2000)
    const asked = tokens.getToken(audience, unlimited)
    const caught = expect(asked).rejects.toMatchObject({
      name: 'OperationTimeoutError',
      code: 'timeout',
      outcome: 'returned',
      message: expect.stringContaining('authTimeoutInMs'),
    })
    await clock.advance(1999)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(1)
    await caught
    expect(clock.pendingTimers).toBe(0)
  })

  test('has no limit but the caller’s with authTimeoutInMs 0', async () => {
    const { clock, tokens } = entra(() => new Promise(() => {}), 0)
    const asked = tokens.getToken(audience, { deadline: clock.monotonicNow() + 10 * hour })
    const caught = expect(asked).rejects.toBeInstanceOf(OperationTimeoutError)
    await clock.advance(10 * hour - 1)
    expect(clock.pendingTimers).toBe(1)
    await clock.advance(1)
    await caught
  })

  test('never waits longer than the caller does', async () => {
    const { clock, tokens } = entra(() => new Promise(() => {}), 60_000)
    const asked = tokens.getToken(audience, { deadline: clock.monotonicNow() + 100 })
    const caught = expect(asked).rejects.toBeInstanceOf(OperationTimeoutError)
    await clock.advance(100)
    await caught
  })

  test('is told of the caller’s abort, which ends the wait at once', async () => {
    const { clock, getToken, tokens } = entra(() => new Promise(() => {}))
    const abort = new AbortController()
    const asked = tokens.getToken(audience, { ...unlimited, signal: abort.signal })
    expect(getToken.mock.calls[0]?.[1]?.abortSignal).toBe(abort.signal)
    const caught = expect(asked).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
    abort.abort()
    await caught
    expect(clock.pendingTimers).toBe(0)
  })

  test('that answers after it was given up disturbs nobody', async () => {
    let fail = (_error: Error) => {}
    const { clock, tokens } = entra(
      () =>
        new Promise((_, reject) => {
          fail = reject
        }),
      1000,
    )
    const caught = expect(tokens.getToken(audience, unlimited)).rejects.toMatchObject({ code: 'timeout' })
    await clock.advance(1000)
    await caught
    // An unhandled rejection would fail the run.
    fail(new Error('too late'))
    await clock.advance(0)
  })

  test('is asked again after the service refused its token', async () => {
    const { tokens } = entra(hourly)
    await tokens.getToken(audience, unlimited)
    tokens.invalidate(audience)
    expect((await tokens.getToken(audience, unlimited)).token).toBe('token 2')
  })
})
