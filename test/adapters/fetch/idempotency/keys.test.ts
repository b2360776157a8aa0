import { describe, expect, test } from 'vitest'
import type { FetchHandlerOptions, IdempotencyStore } from '../../../../adapters/fetch/index.js'
import { idempotencyKeys, memoryIdempotencyStore } from '../../../../adapters/fetch/index.js'
import { EventHubError } from '../../../../core/errors.js'
import type { Script } from '../fake-client.js'
import { FrontDoor, json, ndjson, post, statuses, structured, upload } from '../front-door.js'

function door(
  options: Parameters<typeof idempotencyKeys>[0] = {},
  script?: Script,
  more: Partial<FetchHandlerOptions> = {},
): FrontDoor {
  return new FrontDoor({ idempotencyKeys: idempotencyKeys(options), ...more }, script)
}

const withKey = (key = '"k-1"', headers: Record<string, string> = json) => ({ ...headers, 'idempotency-key': key })
const busy = () => new EventHubError('Busy.', { code: 'server-busy', retryable: true, retryAfterInMs: 2000 })
const tooLarge = () => new EventHubError('Too large.', { code: 'event-too-large', outcome: 'refused' })

describe('the same request again', () => {
  test('is answered as the first time, says so, and is not sent again', async () => {
    const at = door()
    const first = await at.post('[1,2]', withKey())
    const again = await at.post('[1,2]', withKey())
    expect(first.status).toBe(200)
    expect(first.headers.get('idempotent-replayed')).toBeNull()
    expect(again.status).toBe(200)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
    expect(again.body).toEqual(first.body)
    expect(at.client.bodies).toEqual(['1', '2'])
  })

  test('means the same with the key in quotes and without', async () => {
    const at = door()
    await at.post('1', withKey('"a b"'))
    await at.post('1', withKey('"abc"'))
    expect((await at.post('1', withKey('abc'))).headers.get('idempotent-replayed')).toBe('true')
    expect(at.client.bodies).toEqual(['1', '1'])
  })

  test('without a key is sent again, as ever', async () => {
    const at = door()
    await at.post('1', json)
    await at.post('1', json)
    expect(at.client.bodies).toEqual(['1', '1'])
  })

  test.each([
    ['NDJSON', '1\n2\n', ndjson, '/events'],
    ['a CloudEvent', '{"specversion":"1.0","id":"e","source":"s","type":"t"}', structured, '/events'],
    ['a batch', '{"events":[{"body":1,"id":"x"}]}', json, '/events:batch'],
  ])('%s: with its ids', async (_, body, headers, path) => {
    const at = door()
    const first = await at.post(body, withKey('"k"', headers), path)
    const again = await at.post(body, withKey('"k"', headers), path)
    expect(first.status).toBe(200)
    expect(again.body).toEqual(first.body)
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })

  test('however the colon of the path is written', async () => {
    const at = door()
    await at.post('[{"body":1}]', withKey(), '/events:batch')
    const again = await at.post('[{"body":1}]', withKey(), '/events%3Abatch')
    expect(again.headers.get('idempotent-replayed')).toBe('true')
  })
})

describe('what was not accepted', () => {
  test('is tried again with the same key, and only that: what was accepted is not sent twice', async () => {
    let attempt = 0
    const at = door({}, ({ event }) => (attempt === 0 && event.body !== '2' ? busy() : undefined))
    const first = await at.post('[1,2,3]', withKey())
    expect(first.status).toBe(207)
    expect(statuses(first)).toEqual(['returned', 'accepted', 'returned'])
    attempt = 1
    const second = await at.post('[1,2,3]', withKey())
    expect(second.status).toBe(200)
    expect(second.headers.get('idempotent-replayed')).toBeNull()
    expect(statuses(second)).toEqual(['accepted', 'accepted', 'accepted'])
    expect(at.client.bodies).toEqual(['2', '1', '3'])
    const third = await at.post('[1,2,3]', withKey())
    expect(third.headers.get('idempotent-replayed')).toBe('true')
    expect(third.body).toEqual(second.body)
    expect(at.client.bodies).toHaveLength(3)
  })

  test('is not frozen as an answer, whatever it was: nothing accepted, nothing kept', async () => {
    const outcomes: (EventHubError | undefined)[] = [
      busy(),
      new EventHubError('Lost.', { code: 'connection-lost', retryable: true, outcome: 'unknown' }),
      new EventHubError('No right.', { code: 'unauthorized', outcome: 'refused' }),
      undefined,
    ]
    const at = door({}, () => outcomes.shift())
    expect((await at.post('1', withKey())).status).toBe(429)
    expect((await at.post('1', withKey())).status).toBe(503)
    expect((await at.post('1', withKey())).status).toBe(503)
    expect((await at.post('1', withKey())).status).toBe(200)
    expect((await at.post('1', withKey())).headers.get('idempotent-replayed')).toBe('true')
  })

  test('frees the key for another request where nothing was accepted', async () => {
    const outcomes = [busy(), undefined]
    const at = door({}, () => outcomes.shift())
    await at.post('1', withKey())
    expect((await at.post('2', withKey())).status).toBe(200)
    expect((await at.post('not json', withKey('"other"'))).status).toBe(400)
    expect((await at.post('3', withKey('"other"'))).status).toBe(200)
  })

  test('and never can be, is answered alike each time, beside what was accepted once', async () => {
    const at = door({}, ({ event }) => (event.body === '2' ? tooLarge() : undefined))
    const body = '1\n2\nno json\n'
    const first = await at.post(body, withKey('"k"', ndjson))
    const again = await at.post(body, withKey('"k"', ndjson))
    expect(first.status).toBe(207)
    expect(statuses(first)).toEqual(['accepted', 'refused', 'invalid'])
    expect(again.body).toEqual(first.body)
    expect(at.client.bodies).toEqual(['1'])
  })

  test('because the body went on for too long, stays out; what was accepted is not sent again', async () => {
    const at = door({}, undefined, { maxEventsPerRequest: 2 })
    const first = await at.post('1\n2\n3\n', withKey('"k"', ndjson))
    const again = await at.post('1\n2\n3\n', withKey('"k"', ndjson))
    expect(first.status).toBe(207)
    expect(again.body).toEqual(first.body)
    expect(at.client.bodies).toEqual(['1', '2'])
  })
})

describe('another request with the same key', () => {
  test.each<[string, string, Record<string, string>, string]>([
    ['body', '2', json, '/events'],
    ['content type', '1', ndjson, '/events'],
    ['partition key in a header', '1', { ...json, 'x-partition-key': 'p' }, '/events'],
    ['partition key in the query', '1', json, '/events?partitionKey=p'],
    [
      'CloudEvent in headers',
      '1',
      { ...json, 'ce-id': '1', 'ce-source': 's', 'ce-type': 't', 'ce-specversion': '1.0' },
      '/events',
    ],
  ])('is a 422 when it differs in its %s; nothing of it is sent', async (_, body, headers, path) => {
    const at = door()
    expect((await at.post('1', withKey())).status).toBe(200)
    const answer = await at.post(body, withKey('"k-1"', headers), path)
    expect(answer.status).toBe(422)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:idempotency-key-reused')
    expect(answer.headers.get('content-type')).toBe('application/problem+json')
    expect(at.client.bodies).toEqual(['1'])
  })

  test('is a 422 while the first one runs, too', async () => {
    let finish = () => {}
    const at = door(
      {},
      () =>
        new Promise((resolve) => {
          finish = () => resolve(undefined)
        }),
    )
    const first = at.post('1', withKey())
    await begun(at)
    expect((await at.post('2', withKey())).status).toBe(422)
    finish()
    expect((await first).status).toBe(200)
  })

  test('has nothing to do with another caller, or with another path', async () => {
    const keys = ['the-first-caller-key', 'the-second-caller-key']
    const at = door({}, undefined, { auth: { bearer: keys } })
    const by = (key: string | undefined) => withKey('"k"', { ...json, authorization: `Bearer ${key}` })
    expect((await at.post('1', by(keys[0]))).status).toBe(200)
    expect((await at.post('2', by(keys[1]))).status).toBe(200)
    expect((await at.post('[{"body":3}]', by(keys[0]), '/events:batch')).status).toBe(200)
    expect(at.client.bodies).toEqual(['1', '2', '3'])
    expect((await at.post('1', by(keys[0]))).headers.get('idempotent-replayed')).toBe('true')
  })
})

describe('the same request while the first one runs', () => {
  test('is a 409 with Retry-After, and is not sent; afterwards it is answered as the first', async () => {
    let finish = () => {}
    const at = door(
      {},
      () =>
        new Promise((resolve) => {
          finish = () => resolve(undefined)
        }),
    )
    const first = at.post('1', withKey())
    await begun(at)
    const second = await at.post('1', withKey())
    expect(second.status).toBe(409)
    expect(second.body.type).toBe('urn:problem:eventhub-sluice:idempotency-key-in-use')
    expect(Number(second.headers.get('retry-after'))).toBeGreaterThanOrEqual(1)
    expect(at.client.invocations).toHaveLength(1)
    finish()
    expect((await first).status).toBe(200)
    expect((await at.post('1', withKey())).headers.get('idempotent-replayed')).toBe('true')
  })

  test('of one that died, is taken once the lease is over, and knows what an attempt before that had accepted', async () => {
    let now = 1_800_000_000_000
    const store = memoryIdempotencyStore({}, () => now)
    const dying = door({ store }, ({ event }, index) => (event.body === '1' || index > 1 ? undefined : busy()))
    await dying.post('[1,2]', withKey())
    // The process ends here: it will never settle.
    const dead = door({ store }, () => new Promise(() => {}), { timeoutInMs: 1000 })
    void dead.post('[1,2]', withKey())
    await begun(dead)
    const at = door({ store })
    expect((await at.post('[1,2]', withKey())).status).toBe(409)
    now += 12_000
    const answer = await at.post('[1,2]', withKey())
    expect(statuses(answer)).toEqual(['accepted', 'accepted'])
    expect(at.client.bodies).toEqual(['2'])
  })

  test('a lease outlasts the time of its request', async () => {
    const claims: number[] = []
    const inner = memoryIdempotencyStore()
    const store: IdempotencyStore = {
      ...inner,
      claim: (key, claim) => {
        claims.push(claim.leaseInMs, claim.retentionInMs)
        return inner.claim(key, claim)
      },
    }
    await door({ store, retentionInMs: 1 }, undefined, { timeoutInMs: 7000 }).post('1', withKey())
    const [leaseInMs = 0, retentionInMs = 0] = claims
    expect(leaseInMs).toBeGreaterThan(10_000)
    expect(leaseInMs).toBeLessThanOrEqual(17_000)
    expect(retentionInMs).toBe(leaseInMs)
  })
})

describe('the key', () => {
  test.each(['', '""', '"a', 'a"', 'a b', 'a,b', '"a", "b"', 'x'.repeat(256), `"${'x'.repeat(256)}"`, '"\\n"', 'é'])(
    '%j is a 400, and nothing is sent',
    async (key) => {
      const at = door()
      const answer = await at.post('1', withKey(key))
      expect(answer.status).toBe(400)
      expect(answer.body.type).toBe('urn:problem:eventhub-sluice:invalid-idempotency-key')
      expect(at.client.invocations).toEqual([])
    },
  )

  test.each([
    'x'.repeat(255),
    `"${'x'.repeat(255)}"`,
    '8e03978e-40d5-43e8-bc93-6894a57f9324',
    '"with \\"quotes\\" and \\\\"',
  ])('%j is one', async (key) => {
    expect((await door().post('1', withKey(key))).status).toBe(200)
  })

  test('may be required', async () => {
    const at = door({ required: true })
    const answer = await at.post('1', json)
    expect(answer.status).toBe(400)
    expect(answer.body.detail).toContain('Send an Idempotency-Key')
    expect((await at.post('1', withKey())).status).toBe(200)
    expect((await at.send(new Request('http://door.test/partitions'))).status).not.toBe(400)
  })

  test('is judged after the caller: without a right there is no answer to be heard', async () => {
    const at = door({}, undefined, { auth: { bearer: 'a-key-of-some-length' } })
    const authorized = withKey('"k"', { ...json, authorization: 'Bearer a-key-of-some-length' })
    expect((await at.post('1', authorized)).status).toBe(200)
    expect((await at.post('1', withKey('"k"'))).status).toBe(401)
  })
})

describe('the store', () => {
  const broken: IdempotencyStore = {
    claim: () => Promise.reject(new Error('the store is away')),
    settle: () => Promise.reject(new Error('the store is away')),
  }

  test('that does not answer: 503 with Retry-After, and nothing is sent', async () => {
    const at = door({ store: broken })
    const answer = await at.post('1', withKey())
    expect(answer.status).toBe(503)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:idempotency-unavailable')
    expect(answer.headers.get('retry-after')).toBe('4')
    expect(at.client.invocations).toEqual([])
    expect(at.log.join()).toContain('the store is away')
    expect((await at.post('1', json)).status).toBe(200)
  })

  test('that does not take the outcome: the answer is true all the same', async () => {
    const at = door({ store: { claim: memoryIdempotencyStore().claim, settle: broken.settle } })
    expect((await at.post('1', withKey())).status).toBe(200)
    expect(at.log.join()).toContain('the store is away')
    expect((await at.post('1', withKey())).status).toBe(409)
  })

  test('gets no body, no key and no secret: digests and positions alone', async () => {
    const seen: unknown[] = []
    const inner = memoryIdempotencyStore()
    const store: IdempotencyStore = {
      claim: (key, claim) => {
        seen.push(key, claim)
        return inner.claim(key, claim)
      },
      settle: (key, outcome) => {
        seen.push(key, outcome)
        return inner.settle(key, outcome)
      },
    }
    const auth = { bearer: 'a-key-of-some-length' }
    const headers = { ...json, authorization: 'Bearer a-key-of-some-length' }
    await door({ store }, undefined, { auth }).post('["body-text"]', withKey('"key-text"', headers))
    const text = JSON.stringify(seen)
    expect(text).not.toMatch(/body-text|key-text|of-some-length/)
    expect(seen[0]).toMatch(/^[\w-]{43}$/)
    expect(seen[3]).toMatchObject({ kept: '0', isDone: true })
  })

  test('is told in time: the platform is asked to keep the request until the outcome is stored', async () => {
    const kept: Promise<unknown>[] = []
    let isStored = false
    const inner = memoryIdempotencyStore()
    const store: IdempotencyStore = {
      ...inner,
      settle: async (key, outcome) => {
        await new Promise((resolve) => setImmediate(resolve))
        isStored = true
        return inner.settle(key, outcome)
      },
    }
    const at = door({ store })
    void at.send(post('1', withKey()), { waitUntil: (promise) => void kept.push(promise) })
    while (kept.length === 0) await new Promise((resolve) => setImmediate(resolve))
    await kept[0]
    expect(isStored).toBe(true)
  })
})

test('respond-async is answered in full: a key is for the true answer', async () => {
  const at = door({}, undefined, { allowRespondAsync: true })
  const request = () => post('1', { ...withKey(), prefer: 'respond-async' })
  const ctx = { waitUntil: () => {} }
  expect((await at.send(request(), ctx)).status).toBe(200)
  expect((await at.send(request(), ctx)).headers.get('idempotent-replayed')).toBe('true')
})

test('an upload that breaks off under a key: 400, nothing is sent, and the key is free', async () => {
  const at = door()
  const { body, write, breakOff } = upload()
  const answering = at.post(body, withKey('"k"', ndjson))
  write('1\n')
  breakOff()
  expect((await answering).status).toBe(400)
  expect(at.client.invocations).toEqual([])
  expect((await at.post('2', withKey('"k"', ndjson))).status).toBe(200)
})

test.each([{ retentionInMs: 0 }, { required: 'yes' }, { store: {} }, { ttl: 3 }])(
  '%o is refused by name',
  (options) => {
    expect(() => idempotencyKeys(options as object)).toThrow(/retentionInMs|required|store/)
  },
)

/** Lets everything run until an invocation has an event. */
async function begun({ client }: FrontDoor): Promise<void> {
  while (client.invocations.length === 0) await new Promise((resolve) => setImmediate(resolve))
  await new Promise((resolve) => setImmediate(resolve))
}
