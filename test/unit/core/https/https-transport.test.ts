import { getEventListeners } from 'node:events'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { createTokenSource } from '../../../../core/auth/token-cache.js'
import { EventHubError, OperationTimeoutError } from '../../../../core/errors.js'
import { HttpsTransport } from '../../../../core/https/https-transport.js'
import { httpsTransport } from '../../../../core/https/index.js'
import type { TransportContext, TransportOptions } from '../../../../core/transport.js'
import { verifySas } from '../../../../infra/local-hub/sas.js'
import { VirtualClock } from '../../../support/virtual-clock.js'

type Fetch = (url: string, init: RequestInit & { headers: Record<string, string> }) => Promise<Response>
let fetched = vi.fn<Fetch>()

beforeEach(() => {
  fetched = vi.fn<Fetch>(async () => new Response(null, { status: 201 }))
  vi.stubGlobal('fetch', fetched)
})
afterEach(() => {
  vi.unstubAllGlobals()
})

interface Setup extends Partial<TransportOptions> {
  readonly tokens?: TransportContext['tokens']
  readonly eventHubName?: string
}

/** Without the detour of signing, which takes real time. */
const readyTokens = {
  getToken: async () => ({ token: 't', type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 }),
  invalidate: () => {},
}

function setUp({ tokens, eventHubName = 'events', ...options }: Setup = {}) {
  const clock = new VirtualClock()
  const transport = new HttpsTransport({
    fullyQualifiedNamespace: 'ns.example.net',
    eventHubName,
    tokens: tokens ?? createTokenSource({ name: 'send', key: 'secret' }, { clock, authTimeoutInMs: 0 }),
    clock,
    random: () => 0.5,
    logger: {},
    options: {
      development: false,
      endpoint: undefined,
      sasl: 'cbs',
      enableIdempotentRetries: false,
      partitionIds: undefined,
      namedKey: undefined,
      authTimeoutInMs: 0,
      socketTimeoutInMs: 10_000,
      idleTimeoutInMs: undefined,
      userAgent: 'test/1',
      tls: undefined,
      httpProxy: undefined,
      ...options,
    },
  })
  const limits = (timeoutInMs = 10_000, signal?: AbortSignal) => ({
    deadline: clock.monotonicNow() + timeoutInMs,
    signal,
  })
  const event = transport.codec.encode({ body: 'b' }, undefined)
  /** What one send asked for. */
  const request = async (partitionId?: string, events = [event]) => {
    await transport.send(partitionId, events, limits())
    const [url, init] = fetched.mock.calls.at(-1)!
    return { url, ...init }
  }
  return { clock, transport, limits, event, request }
}

const silent = () =>
  fetched.mockImplementation(
    (_url, { signal }) =>
      new Promise((_, reject) => {
        signal?.addEventListener('abort', () => reject(signal.reason))
      }),
  )

describe('a request', () => {
  test('goes to the event hub, or to the partition', async () => {
    const { request } = setUp()
    const query = 'timeout=10&api-version=2014-01'
    expect((await request()).url).toBe(`https://ns.example.net/events/messages?${query}`)
    expect((await request('3')).url).toBe(`https://ns.example.net/events/partitions/3/messages?${query}`)
    expect((await request('../x')).url).toBe(`https://ns.example.net/events/partitions/..%2Fx/messages?${query}`)
  })

  test('carries a batch as JSON, and is never redirected', async () => {
    const { request, transport } = setUp()
    const events = ['a', 'b'].map((body) => transport.codec.encode({ body }, undefined))
    expect(await request(undefined, events)).toMatchObject({
      method: 'POST',
      redirect: 'manual',
      body: '[{"Body":"a"},{"Body":"b"}]',
      headers: { 'content-type': 'application/vnd.microsoft.servicebus.json', 'user-agent': 'test/1' },
    })
  })

  test('carries an event that travels alone as it is', async () => {
    const { request, transport } = setUp()
    const event = transport.codec.encode({ body: 'b', contentType: 'text/plain', properties: { a: 'x' } }, 'k')
    const { body, ...rest } = await request(undefined, [event])
    expect(Buffer.from(body as Uint8Array).toString()).toBe('b')
    expect(rest).toMatchObject({
      headers: { 'content-type': 'text/plain', a: 'x', brokerproperties: '{"PartitionKey":"k"}' },
    })
  })

  test('is signed for the event hub, once for many', async () => {
    const { clock, request } = setUp()
    const { headers } = await request()
    const keys = new Map([['send', { key: 'secret', rights: ['send' as const] }]])
    expect(verifySas(headers.authorization!, keys, clock.wallNow())).toMatchObject({ ok: true, path: 'events' })
    expect((await request('1')).headers.authorization).toBe(headers.authorization)
  })

  test('bears an Entra token as such', async () => {
    const getToken = async () => ({ token: 'jwt', type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 })
    const { request } = setUp({ tokens: { getToken, invalidate: () => {} } })
    expect((await request()).headers.authorization).toBe('Bearer jwt')
  })

  test('to a custom endpoint is still signed for the namespace', async () => {
    const { request } = setUp({ endpoint: { hostname: 'gateway.example.org', port: 8443 } })
    const { url, headers } = await request()
    expect(url).toMatch(/^https:\/\/gateway\.example\.org:8443\/events\/messages/)
    const resource = /sr=([^&]+)/.exec(headers.authorization!)?.[1]
    expect(decodeURIComponent(resource!)).toBe('https://ns.example.net/events')
  })

  test('in development goes without TLS', async () => {
    const { request } = setUp({ development: true, endpoint: { hostname: '127.0.0.1', port: 8080 } })
    expect((await request()).url).toMatch(/^http:\/\/127\.0\.0\.1:8080\/events\/messages/)
  })

  test('tells the service the time that is left, from 1 to 60 seconds', async () => {
    const { transport, event, limits } = setUp()
    for (const [left, told] of [
      [10, 1],
      [1001, 2],
      [60_000, 60],
      [500_000, 60],
    ] as const) {
      await transport.send(undefined, [event], limits(left))
      expect(fetched.mock.calls.at(-1)?.[0]).toContain(`timeout=${told}&`)
    }
  })

  test('leaves no timer and no listener behind', async () => {
    const { clock, transport, event, limits } = setUp()
    const abort = new AbortController()
    await transport.send(undefined, [event], limits(1000, abort.signal))
    expect([clock.pendingTimers, getEventListeners(abort.signal, 'abort').length]).toEqual([0, 0])
  })
})

describe('an answer', () => {
  const answer = (status: number, headers: Record<string, string> = {}) =>
    fetched.mockImplementation(async () => new Response(null, { status, headers }))

  test('of 201 alone is acceptance', async () => {
    const { transport, event, limits } = setUp()
    answer(201)
    await expect(transport.send(undefined, [event], limits())).resolves.toBeUndefined()
    answer(200)
    await expect(transport.send(undefined, [event], limits())).rejects.toMatchObject({ outcome: 'unknown' })
  })

  test('of 401 is asked once more with another token, if there is one; other refusals are not', async () => {
    let call = 0
    const getToken = vi.fn(async () => ({ token: `t${call++}`, type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 }))
    const invalidate = vi.fn()
    const { transport, event, limits } = setUp({ tokens: { getToken, invalidate } })
    answer(403)
    await expect(transport.send(undefined, [event], limits())).rejects.toMatchObject({ retryable: false })
    expect(invalidate).not.toHaveBeenCalled()
    const before = fetched.mock.calls.length
    answer(401)
    await expect(transport.send(undefined, [event], limits())).rejects.toMatchObject({
      code: 'unauthorized',
      retryable: false,
      outcome: 'refused',
    })
    expect(invalidate.mock.calls).toEqual([[getToken.mock.calls.at(-1)?.at(0)]])
    expect(fetched.mock.calls.length - before).toBe(2)
    getToken.mockImplementation(async () => ({ token: 'same', type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 }))
    await expect(transport.send(undefined, [event], limits())).rejects.toMatchObject({ code: 'unauthorized' })
    expect(fetched.mock.calls.length - before).toBe(3)
  })

  test('is not asked for with a token that cannot be a header: the error does not show it', async () => {
    const token = { token: 'SharedAccessSignature sig=secret\n', type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 }
    const { transport, event, limits } = setUp({ tokens: { getToken: async () => token, invalidate: () => {} } })
    const error = await transport.send(undefined, [event], limits()).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'authentication-failed', retryable: false, outcome: 'returned' })
    expect(String(error)).not.toContain('secret')
    expect(fetched).not.toHaveBeenCalled()
  })

  test('with Retry-After is heard', async () => {
    const { transport, event, limits } = setUp()
    answer(429, { 'retry-after': '7' })
    await expect(transport.send(undefined, [event], limits())).rejects.toMatchObject({
      code: 'server-busy',
      retryAfterInMs: 7000,
    })
  })

  test('is read to its end, so that its connection can be used again; one that does not end is dropped', async () => {
    const { clock, transport, event, limits } = setUp({ tokens: readyTokens })
    let pulled = 0
    const short = new ReadableStream({
      pull(controller) {
        if (pulled++ < 3) controller.enqueue(new Uint8Array(10))
        else controller.close()
      },
    })
    fetched.mockImplementation(async () => new Response(short, { status: 201 }))
    await transport.send(undefined, [event], limits())
    expect(pulled).toBe(4)
    const cancel = vi.fn()
    fetched.mockImplementation(async () => new Response(new ReadableStream({ cancel }), { status: 201 }))
    const sent = transport.send(undefined, [event], limits())
    await clock.advance(250)
    await sent
    expect(cancel).toHaveBeenCalledTimes(1)
    expect(clock.pendingTimers).toBe(0)
  })
})

describe('without an answer', () => {
  test('the request is aborted at the deadline, and the outcome is unknown', async () => {
    const { clock, transport, event, limits } = setUp({ tokens: readyTokens })
    silent()
    const caught = expect(transport.send(undefined, [event], limits(500))).rejects.toMatchObject({
      name: 'OperationTimeoutError',
      outcome: 'unknown',
      retryable: true,
    })
    await clock.advance(499)
    expect(fetched.mock.calls[0]?.[1].signal?.aborted).toBe(false)
    await clock.advance(1)
    await caught
    expect(fetched.mock.calls[0]?.[1].signal?.aborted).toBe(true)
    expect(clock.pendingTimers).toBe(0)
  })

  test('the request is aborted with its caller, and the outcome is unknown', async () => {
    const { clock, transport, event, limits } = setUp({ tokens: readyTokens })
    silent()
    const abort = new AbortController()
    const sent = transport.send(undefined, [event], limits(5000, abort.signal))
    const caught = expect(sent).rejects.toMatchObject({ code: 'aborted', outcome: 'unknown' })
    await clock.advance(1)
    abort.abort()
    await caught
    expect(fetched.mock.calls[0]?.[1].signal?.aborted).toBe(true)
    expect([clock.pendingTimers, getEventListeners(abort.signal, 'abort').length]).toEqual([0, 0])
  })

  test.each([
    ['its deadline', new OperationTimeoutError('The invocation ran out of time.')],
    ['its end', new EventHubError('The client was closed.', { code: 'client-closed' })],
  ])('a request that its owner gives up at %s may have left: unknown, whatever the reason says', async (_, reason) => {
    const { clock, transport, event, limits } = setUp({ tokens: readyTokens })
    silent()
    const abort = new AbortController()
    const sent = transport.send(undefined, [event], limits(5000, abort.signal))
    const caught = expect(sent).rejects.toMatchObject({ code: reason.code, outcome: 'unknown' })
    await clock.advance(1)
    abort.abort(reason)
    await caught
    expect(clock.pendingTimers).toBe(0)
  })

  test('a fetch that ignores its abort is left to itself, and its late failure disturbs nobody', async () => {
    const { clock, transport, event, limits } = setUp({ tokens: readyTokens })
    let fail = (_error: Error) => {}
    fetched.mockImplementation(
      () =>
        new Promise((_, reject) => {
          fail = reject
        }),
    )
    const caught = expect(transport.send(undefined, [event], limits(10))).rejects.toMatchObject({ code: 'timeout' })
    await clock.advance(10)
    await caught
    fail(new Error('too late'))
    await clock.advance(0)
  })

  test('nothing leaves before there is a token; no token in time is certainly not delivered', async () => {
    const tokens = { getToken: () => new Promise<never>(() => {}), invalidate: () => {} }
    const { clock, transport, event, limits } = setUp({ tokens })
    const caught = expect(transport.send(undefined, [event], limits(300))).rejects.toMatchObject({
      code: 'timeout',
      outcome: 'returned',
    })
    await clock.advance(300)
    await caught
    expect(fetched).not.toHaveBeenCalled()
  })

  test('nothing leaves when the signal has aborted already', async () => {
    const { transport, event, limits } = setUp()
    const sent = transport.send(undefined, [event], limits(1000, AbortSignal.abort()))
    await expect(sent).rejects.toMatchObject({ code: 'aborted', outcome: 'returned' })
    expect(fetched).not.toHaveBeenCalled()
  })
})

describe('a failure of the network', () => {
  const failWith = (code: string | undefined) =>
    fetched.mockImplementation(async () => {
      throw Object.assign(new TypeError('fetch failed'), code === undefined ? {} : { cause: { code } })
    })

  test.each([
    // Before anything left.
    ['ECONNREFUSED', 'connection-lost', true, 'returned'],
    ['EAI_AGAIN', 'connection-lost', true, 'returned'],
    ['UND_ERR_CONNECT_TIMEOUT', 'connection-lost', true, 'returned'],
    ['ENOTFOUND', 'entity-not-found', false, 'returned'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'connection-lost', false, 'returned'],
    ['SELF_SIGNED_CERT_IN_CHAIN', 'connection-lost', false, 'returned'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'connection-lost', false, 'returned'],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'connection-lost', false, 'returned'],
    ['CERT_HAS_EXPIRED', 'connection-lost', false, 'returned'],
    // Perhaps after.
    ['ECONNRESET', 'connection-lost', true, 'unknown'],
    ['UND_ERR_SOCKET', 'connection-lost', true, 'unknown'],
    ['EWHATEVER', 'connection-lost', true, 'unknown'],
    [undefined, 'connection-lost', true, 'unknown'],
  ])('of %s is %s (retryable: %s), %s', async (condition, code, retryable, outcome) => {
    const { transport, event, limits } = setUp()
    failWith(condition)
    const error = await transport.send(undefined, [event], limits()).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(EventHubError)
    expect(error).toMatchObject({ code, retryable, outcome, condition })
    const { message } = error as EventHubError
    expect(message).toContain('ns.example.net')
    expect(message).not.toMatch(/secret|SharedAccessSignature/)
  })

  test('of a certificate says how to trust a private authority', async () => {
    const { transport, event, limits } = setUp()
    failWith('SELF_SIGNED_CERT_IN_CHAIN')
    await expect(transport.send(undefined, [event], limits())).rejects.toThrow('NODE_EXTRA_CA_CERTS')
  })
})

describe('what HTTPS cannot do', () => {
  test('is refused at construction, naming the option', () => {
    expect(() => setUp({ sasl: 'plain' })).toThrow(/sasl: 'plain'/)
    expect(() => setUp({ tls: { ca: 'pem' } })).toThrow(/NODE_EXTRA_CA_CERTS/)
  })

  test('rejects with not-supported, saying what to do', async () => {
    const { transport } = setUp()
    expect(transport.canReadProperties).toBe(false)
    for (const asked of [transport.getEventHubProperties(), transport.getPartitionProperties()]) {
      await expect(asked).rejects.toMatchObject({
        code: 'not-supported',
        retryable: false,
        message: expect.stringContaining('partitionIds'),
      })
    }
  })
})

describe('the transport', () => {
  test('does nothing at construction, and fetches its token when warmed up', async () => {
    const getToken = vi.fn(async () => ({ token: 't', type: 'jwt' as const, refreshAfter: 0, expiresOn: 0 }))
    const { transport, limits } = setUp({ tokens: { getToken, invalidate: () => {} } })
    expect(getToken).not.toHaveBeenCalled()
    await transport.warmUp(limits())
    expect(getToken).toHaveBeenCalledTimes(1)
    expect(fetched).not.toHaveBeenCalled()
  })

  test('takes a publication of 1 MiB, and closes with nothing to wait for', async () => {
    const { transport } = setUp()
    expect(transport.maxBatchSizeInBytes()).toBe(1024 * 1024)
    transport.checkLiveness()
    transport.retireConnection()
    await expect(transport.close()).resolves.toBeUndefined()
    expect(fetched).not.toHaveBeenCalled()
  })

  test('is what the factory makes', () => {
    expect(httpsTransport).toBeTypeOf('function')
    expect(setUp().transport.name).toBe('https')
  })
})
