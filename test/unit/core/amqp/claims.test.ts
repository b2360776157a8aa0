import { describe, expect, test } from 'vitest'
import { Claims } from '../../../../core/amqp/claims.js'
import type { Request, Response } from '../../../../core/amqp/request-response-link.js'
import { EventHubError, OperationTimeoutError } from '../../../../core/errors.js'
import type { AuthToken, OperationLimits } from '../../../../core/transport.js'
import { settlePromises, VirtualClock } from '../../../support/virtual-clock.js'

const hub = 'sb://ns.example.net/events'
const partition = `${hub}/Partitions/0`
const minute = 60_000

interface Asked {
  readonly request: Request
  readonly limits: OperationLimits
  answer(statusCode: number, statusDescription?: string): void
  fail(error: Error): void
}

/** Claims over a `$cbs` whose answers the test gives, with tokens that live for an hour and renew at 45 minutes. */
function setUp({ newTokenEachTime = true, lifeInMs = 60 * minute, tokenTakesInMs = 0 } = {}) {
  const clock = new VirtualClock()
  const asked: Asked[] = []
  const invalidated: string[] = []
  const tokenLimits: OperationLimits[] = []
  const silences: EventHubError[] = []
  let made = 0
  let links = 0
  let tokenError: Error | undefined
  const cbs = {
    request: (request: Request, limits: OperationLimits) =>
      new Promise<Response>((resolve, reject) => {
        const answer = (statusCode: number, statusDescription = '') =>
          resolve({ statusCode, statusDescription, body: undefined })
        asked.push({ request, limits, answer, fail: reject })
      }),
  }
  const tokens = {
    getToken: async (_audience: string, limits: OperationLimits): Promise<AuthToken> => {
      tokenLimits.push(limits)
      if (tokenTakesInMs > 0) await new Promise<void>((resolve) => clock.schedule(tokenTakesInMs, resolve))
      if (tokenError) throw tokenError
      made += newTokenEachTime || made === 0 ? 1 : 0
      const now = clock.wallNow()
      return {
        token: `token ${made}`,
        type: 'jwt',
        refreshAfter: now + lifeInMs * 0.75,
        expiresOn: now + lifeInMs,
      }
    },
    invalidate: (audience: string) => {
      invalidated.push(audience)
    },
  }
  const limits = () => ({ deadline: clock.monotonicNow() + minute })
  const cbsLink = () => {
    links++
    return cbs as never
  }
  const claims = new Claims(cbsLink, tokens, clock, limits, (error) => silences.push(error))
  const failTokens = (error: Error | undefined) => {
    tokenError = error
  }
  return { clock, asked, invalidated, tokenLimits, silences, claims, failTokens, linksAsked: () => links }
}

/** Puts a good claim. */
async function granted(setup: ReturnType<typeof setUp>, address = hub): Promise<void> {
  const ensured = setup.claims.ensure(address)
  await settlePromises()
  setup.asked.at(-1)?.answer(202, 'Accepted')
  await ensured
}

describe('a claim', () => {
  test('is a token put to $cbs for the link’s own address', async () => {
    const setup = setUp()
    const ensured = setup.claims.ensure(partition)
    await settlePromises()
    expect(setup.asked.map(({ request }) => request)).toEqual([
      { body: 'token 1', application_properties: { operation: 'put-token', type: 'jwt', name: partition } },
    ])
    expect(setup.claims.holds(partition)).toBe(false)
    setup.asked[0]?.answer(200)
    await ensured
    expect(setup.claims.holds(partition)).toBe(true)
    // Another address is another claim.
    expect(setup.claims.holds(hub)).toBe(false)
  })

  test('that holds is not put again', async () => {
    const setup = setUp()
    await granted(setup)
    await setup.claims.ensure(hub)
    expect(setup.asked).toHaveLength(1)
  })

  test('is put once for all who wait for it, each address by itself', async () => {
    const { asked, claims } = setUp()
    const all = Promise.all([claims.ensure(hub), claims.ensure(hub), claims.put(hub), claims.ensure(partition)])
    await settlePromises()
    expect(asked.map(({ request }) => request.application_properties.name)).toEqual([hub, partition])
    for (const each of asked) each.answer(202)
    await all
  })

  test('is put within the connection’s limits, and $cbs has 10 s of them to answer', async () => {
    const { clock, asked, tokenLimits, claims } = setUp()
    const put = claims.put(hub)
    await settlePromises()
    expect(tokenLimits[0]?.deadline).toBe(clock.monotonicNow() + minute)
    expect(asked[0]?.limits.deadline).toBe(clock.monotonicNow() + 10_000)
    asked[0]?.answer(202)
    await put
  })

  test('whose token took all the time there was is given its time at $cbs all the same', async () => {
    const { clock, asked, claims } = setUp({ tokenTakesInMs: minute })
    const put = claims.put(hub)
    await clock.advance(minute)
    expect(asked[0]?.limits.deadline).toBe(clock.monotonicNow() + 10_000)
    asked[0]?.answer(202)
    await put
    expect(claims.holds(hub)).toBe(true)
  })

  test('of many addresses at once asks the credential once, while it is at it', async () => {
    const { claims, tokenLimits, clock } = setUp({ tokenTakesInMs: 300 })
    for (let i = 0; i < 32; i++) void claims.putAhead(`${hub}/Partitions/${i}`)
    await clock.advance(299)
    expect(tokenLimits).toHaveLength(1)
    await clock.advance(1)
    // The rest finds the token in the cache that is behind this.
    expect(tokenLimits).toHaveLength(32)
  })

  test('is put to whatever link to $cbs there is by then', async () => {
    const setup = setUp()
    await granted(setup)
    await granted(setup, partition)
    expect(setup.linksAsked()).toBe(2)
  })
})

describe('as time passes, a claim', () => {
  test('is renewed before it ends, while sends go on with the one that holds', async () => {
    const setup = setUp()
    await granted(setup)
    await setup.clock.advance(45 * minute - 1)
    expect(setup.claims.holds(hub)).toBe(true)
    await settlePromises()
    expect(setup.asked).toHaveLength(1)
    await setup.clock.advance(1)
    expect([setup.claims.holds(hub), setup.claims.holds(hub)]).toEqual([true, true])
    await settlePromises()
    expect(setup.asked).toHaveLength(2)
    setup.asked[1]?.answer(202)
    await settlePromises()
    // Renewed: it now outlives the first token.
    await setup.clock.advance(20 * minute)
    expect(setup.claims.holds(hub)).toBe(true)
  })

  test('that has ended holds no more: who needs it waits for a new one', async () => {
    const setup = setUp()
    await granted(setup)
    await setup.clock.advance(60 * minute)
    expect(setup.claims.holds(hub)).toBe(false)
    const ensured = setup.claims.ensure(hub)
    await settlePromises()
    expect(setup.asked).toHaveLength(2)
    setup.asked[1]?.answer(202)
    await ensured
    expect(setup.claims.holds(hub)).toBe(true)
  })

  test('ends by the wall clock: a freeze is time too', async () => {
    const setup = setUp()
    await granted(setup)
    setup.clock.freeze(2 * 60 * minute)
    expect(setup.claims.holds(hub)).toBe(false)
  })

  test('whose renewal fails holds to its end, and the failure is nobody’s unhandled rejection', async () => {
    const setup = setUp()
    await granted(setup)
    await setup.clock.advance(50 * minute)
    setup.failTokens(new EventHubError('away', { code: 'authentication-failed' }))
    expect(setup.claims.holds(hub)).toBe(true)
    await settlePromises()
    expect(setup.claims.holds(hub)).toBe(true)
    await setup.clock.advance(10 * minute)
    await expect(setup.claims.ensure(hub)).rejects.toMatchObject({ code: 'authentication-failed' })
    setup.failTokens(undefined)
    await granted(setup)
    expect(setup.claims.holds(hub)).toBe(true)
  })
})

describe('a token that hardly lives', () => {
  test('makes a claim for 30 s all the same: the service has accepted it, and clocks differ', async () => {
    const setup = setUp({ lifeInMs: -5 * minute })
    await granted(setup)
    await setup.clock.advance(29_999)
    expect(setup.claims.holds(hub)).toBe(true)
    await settlePromises()
    expect(setup.asked).toHaveLength(1)
    await setup.clock.advance(1)
    expect(setup.claims.holds(hub)).toBe(false)
  })
})

describe('a claim that the service no longer honours', () => {
  test('is forgotten, with the token that made it', async () => {
    const setup = setUp()
    await granted(setup)
    await granted(setup, partition)
    setup.claims.forget(hub)
    expect(setup.claims.holds(hub)).toBe(false)
    expect(setup.claims.holds(partition)).toBe(true)
    expect(setup.invalidated).toEqual([hub])
    await granted(setup)
    expect(setup.asked.at(-1)?.request.body).toBe('token 3')
  })
})

describe('a proof of life', () => {
  const limits = { deadline: Number.POSITIVE_INFINITY }

  test('is any answer to the token that was accepted before, and asks no credential', async () => {
    const setup = setUp()
    await granted(setup, partition)
    setup.failTokens(new EventHubError('the identity endpoint is away', { code: 'authentication-failed' }))
    for (const status of [202, 401, 500]) {
      const proven = setup.claims.prove(hub, limits)
      await settlePromises()
      const last = setup.asked.at(-1)
      expect(last?.request).toMatchObject({ body: 'token 1', application_properties: { name: hub } })
      last?.answer(status)
      await expect(proven).resolves.toBeUndefined()
    }
    // It says nothing of the claims.
    expect([setup.claims.holds(hub), setup.claims.holds(partition)]).toEqual([false, true])
  })

  test('takes a token where none was accepted yet', async () => {
    const setup = setUp()
    const proven = setup.claims.prove(hub, limits)
    await settlePromises()
    setup.asked[0]?.answer(202)
    await proven
    expect(setup.asked[0]?.request.body).toBe('token 1')
  })

  test('can be had without asking a credential once a token was accepted', async () => {
    const setup = setUp()
    expect(setup.claims.canProve).toBe(false)
    await granted(setup, partition)
    expect(setup.claims.canProve).toBe(true)
    setup.claims.forget(partition)
    expect(setup.claims.canProve).toBe(false)
  })

  test('fails when no answer comes', async () => {
    const setup = setUp()
    await granted(setup)
    const proven = setup.claims.prove(hub, limits).catch((error: unknown) => error)
    await settlePromises()
    const silence = new OperationTimeoutError('no answer')
    setup.asked.at(-1)?.fail(silence)
    expect(await proven).toBe(silence)
  })
})

describe('a token that the service refuses', () => {
  test('is replaced by a fresh one, once', async () => {
    const { asked, invalidated, claims } = setUp()
    const ensured = claims.ensure(hub)
    await settlePromises()
    asked[0]?.answer(401, 'ExpiredToken')
    await settlePromises()
    expect(invalidated).toEqual([hub])
    expect(asked.map(({ request }) => request.body)).toEqual(['token 1', 'token 2'])
    asked[1]?.answer(202)
    await ensured
    expect(claims.holds(hub)).toBe(true)
  })

  test('twice is an error that says what to check, and shows no token', async () => {
    const { asked, claims } = setUp()
    const outcome = claims.ensure(hub).catch((error: unknown) => error)
    for (let i = 0; i < 2; i++) {
      await settlePromises()
      asked[i]?.answer(401, 'InvalidSignature: The token has an invalid signature.')
    }
    const error = (await outcome) as EventHubError
    expect(error).toMatchObject({ code: 'unauthorized', retryable: false, outcome: 'returned', condition: '401' })
    expect(error.message).toContain('InvalidSignature')
    expect(error.message).toContain('Azure Event Hubs Data Sender')
    expect(error.message).not.toContain('token 1')
    expect(error.message).not.toContain('token 2')
    expect(asked).toHaveLength(2)
    expect(claims.holds(hub)).toBe(false)
  })

  test('is not put again when there is no other', async () => {
    const { asked, claims } = setUp({ newTokenEachTime: false })
    const outcome = claims.ensure(hub).catch((error: unknown) => error)
    await settlePromises()
    asked[0]?.answer(401)
    expect(await outcome).toMatchObject({ code: 'unauthorized' })
    expect(asked).toHaveLength(1)
  })

  test('can be put again later: a refusal is not remembered', async () => {
    const setup = setUp({ newTokenEachTime: false })
    const outcome = setup.claims.ensure(hub).catch((error: unknown) => error)
    await settlePromises()
    setup.asked[0]?.answer(403)
    await outcome
    await granted(setup)
    expect(setup.claims.holds(hub)).toBe(true)
  })
})

describe('an answer of $cbs', () => {
  test.each([
    [400, 'service-error', false],
    [403, 'unauthorized', false],
    [404, 'entity-not-found', false],
    [408, 'timeout', true],
    [429, 'server-busy', true],
    [500, 'service-error', true],
    [503, 'server-busy', true],
  ])('of %i is %s', async (status, code, retryable) => {
    const { asked, claims } = setUp({ newTokenEachTime: false })
    const outcome = claims.ensure(hub).catch((error: unknown) => error)
    await settlePromises()
    asked[0]?.answer(status, 'The words of the service')
    const error = (await outcome) as EventHubError
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code, retryable, outcome: 'returned', condition: String(status) })
    expect(error.message).toContain(hub)
    expect(error.message).toContain('The words of the service')
    if (status === 408) expect(error).toBeInstanceOf(OperationTimeoutError)
  })

  test('that never comes fails the claim, and is told to the connection', async () => {
    const { asked, silences, claims } = setUp()
    const outcome = claims.ensure(hub).catch((error: unknown) => error)
    await settlePromises()
    const silence = new OperationTimeoutError('no answer')
    asked[0]?.fail(silence)
    expect(await outcome).toBe(silence)
    expect(silences).toEqual([silence])
    expect(claims.holds(hub)).toBe(false)
  })

  test('that never comes is not told to the connection when nobody waited for the claim', async () => {
    const { asked, silences, claims } = setUp()
    const ahead = claims.putAhead(partition)
    await settlePromises()
    asked[0]?.fail(new OperationTimeoutError('$cbs did not answer in time.'))
    await ahead
    expect(silences).toEqual([])
    // Whoever needs it asks again, and then it counts.
    const needed = claims.ensure(partition)
    await settlePromises()
    asked[1]?.fail(new OperationTimeoutError('$cbs did not answer in time.'))
    await expect(needed).rejects.toMatchObject({ code: 'timeout' })
    expect(silences).toHaveLength(1)
  })

  test('to a claim put ahead counts for whoever comes to need it meanwhile', async () => {
    const { asked, silences, claims } = setUp()
    const ahead = claims.putAhead(partition)
    await settlePromises()
    const needed = claims.ensure(partition)
    asked[0]?.fail(new OperationTimeoutError('$cbs did not answer in time.'))
    await ahead
    await expect(needed).rejects.toMatchObject({ code: 'timeout' })
    expect(asked).toHaveLength(1)
    expect(silences).toHaveLength(1)
  })

  test('that its link’s end takes away is that error, which the connection knows already', async () => {
    const { asked, silences, claims } = setUp()
    const outcome = claims.ensure(hub).catch((error: unknown) => error)
    await settlePromises()
    const lost = new EventHubError('lost', { code: 'connection-lost', retryable: true })
    asked[0]?.fail(lost)
    expect(await outcome).toBe(lost)
    expect(silences).toEqual([])
  })
})
