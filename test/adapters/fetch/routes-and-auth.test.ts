import { describe, expect, test, vi } from 'vitest'
import type { FetchHandlerOptions } from '../../../adapters/fetch/index.js'
import { createFetchHandler } from '../../../adapters/fetch/index.js'
import { FakeClient } from './fake-client.js'
import { answerOf, FrontDoor, json, post } from './front-door.js'

const key = 'kkkkkkkkkkkkkkkk'
const otherKey = 'another-key-of-some-length'

describe('routes', () => {
  test('GET /health answers without a key and without touching the event hub', async () => {
    const door = new FrontDoor({ auth: { bearer: key } })
    const answer = await door.send(new Request('http://door.test/health'))
    expect(answer.status).toBe(200)
    expect(answer.body).toEqual({ status: 'ok' })
    expect(door.client.invocations).toEqual([])
  })

  test('HEAD /health answers as GET does, without a body', async () => {
    const answer = await new FrontDoor().send(new Request('http://door.test/health', { method: 'HEAD' }))
    expect(answer.status).toBe(200)
    expect(answer.text).toBe('')
  })

  test.each(['/', '/event', '/events/', '/events/1', '//events', '/api/events', '/__proto__'])(
    '%s: 404',
    async (path) => {
      const answer = await new FrontDoor().post('1', json, path)
      expect(answer.status).toBe(404)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.body).toMatchObject({ type: 'urn:problem:eventhub-sluice:not-found', status: 404 })
    },
  )

  test.each([
    ['GET', '/events', 'POST'],
    ['HEAD', '/events', 'POST'],
    ['PUT', '/events', 'POST'],
    ['OPTIONS', '/events', 'POST'],
    ['POST', '/health', 'GET, HEAD'],
    ['DELETE', '/health', 'GET, HEAD'],
  ])('%s %s: 405 with Allow', async (method, path, allow) => {
    const answer = await new FrontDoor().send(new Request(`http://door.test${path}`, { method }))
    expect(answer.status).toBe(405)
    expect(answer.headers.get('allow')).toBe(allow)
  })

  test.each(['/api/v1', '/api/v1/'])('basePath %s stands in front of every route', async (basePath) => {
    const door = new FrontDoor({ basePath })
    expect((await door.post('1', json, '/api/v1/events')).status).toBe(200)
    expect((await door.send(new Request('http://door.test/api/v1/health'))).status).toBe(200)
    expect((await door.post('1', json)).status).toBe(404)
  })
})

describe('auth', () => {
  const door = () => new FrontDoor({ auth: { bearer: [otherKey, key] } })

  test.each([`Bearer ${key}`, `bearer   ${key}`, `BEARER ${otherKey}`])(
    'a known key opens the door',
    async (authorization) => {
      expect((await door().post('1', { ...json, authorization })).status).toBe(200)
    },
  )

  test.each([
    ['no header', undefined],
    ['another scheme', `Basic ${btoa(`user:${key}`)}`],
    ['no key', 'Bearer '],
    ['a longer key', `Bearer ${key}k`],
    ['a shorter key', `Bearer ${key.slice(1)}`],
    ['two keys', `Bearer ${key} ${otherKey}`],
    ['another case', `Bearer ${key.toUpperCase()}`],
    ['characters outside ASCII', `Bearer ${key}\xe9`],
    ['a very long key', `Bearer ${'k'.repeat(100_000)}`],
  ])('%s: 401 with a challenge, nothing read or sent', async (_, authorization) => {
    const closed = door()
    const request = post('1', authorization === undefined ? json : { ...json, authorization })
    const answer = await closed.send(request)
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer realm="events"/)
    expect(answer.body.type).toBe('urn:problem:eventhub-sluice:unauthorized')
    expect(answer.text).not.toContain(key)
    expect(closed.client.invocations).toEqual([])
    expect(request.bodyUsed).toBe(false)
  })

  test('keys are compared to the end, all of them, however much of one was right', async () => {
    const compared = async (presented: string) => {
      const opened = door()
      const charCodeAt = vi.spyOn(String.prototype, 'charCodeAt')
      try {
        await opened.post('1', { ...json, authorization: `Bearer ${presented}` })
        // Each character of what was presented, beside one of each key.
        return charCodeAt.mock.contexts.filter((text) => String(text) === presented).length
      } finally {
        charCodeAt.mockRestore()
      }
    }
    const wrong = ['x'.repeat(16), `${key.slice(0, 15)}x`, `x${key.slice(1)}`]
    for (const presented of wrong) expect(await compared(presented)).toBe(2 * 16)
  })

  test('a caller is named by neither its key nor its place in the list', async () => {
    const names: string[] = []
    const named = async (keys: string[]) => {
      const opened = new FrontDoor({
        auth: { bearer: keys },
        webhooks: {
          stage: (context, next) => {
            names.push(context.caller)
            return next()
          },
        },
      })
      await opened.post('1', { ...json, authorization: `Bearer ${key}` })
    }
    await named([key])
    await named([otherKey, key])
    expect(names[0]).toMatch(/^bearer:[\da-f]{16}$/)
    expect(names[1]).toBe(names[0])
  })
})

describe('options', () => {
  const client = new FakeClient().asClient()
  const make = (options: Record<string, unknown>) => () => createFetchHandler(options as unknown as FetchHandlerOptions)

  test.each([
    ['auth left out', { client }, /Who may post events\?/],
    ['an empty key list', { client, auth: { bearer: [] } }, /no key/],
    ['bearer left out', { client, auth: {} }, /no key/],
    ['a short key', { client, auth: { bearer: 'fifteen-letters' } }, /at least 16/],
    ['one short key of two', { client, auth: { bearer: [key, 'short'] } }, /at least 16/],
    ['a key with a space', { client, auth: { bearer: 'a key that has spaces' } }, /space/],
    ['an unknown kind of auth', { client, auth: { bearer: key, basic: 'x' } }, /basic/],
    ['a mistyped option', { client, auth: 'none', maxBodySize: 1 }, /maxBodySize/],
    ['no destination', { auth: 'none' }, /Where should events go/],
    ['a limit of zero', { client, auth: 'none', maxEventsPerRequest: 0 }, /maxEventsPerRequest/],
    ['a limit that is no number', { client, auth: 'none', timeoutInMs: '5' }, /timeoutInMs/],
    ['a base path without a slash', { client, auth: 'none', basePath: 'api' }, /basePath/],
    ['another prefix', { client, auth: 'none', cloudEventsPropertyPrefix: 'ce_' }, /cloudEventsPropertyPrefix/],
    ['another mode', { client, auth: 'none', cloudEventsMode: 'batched' }, /cloudEventsMode/],
    [
      'a prefix that nothing would use',
      { client, auth: 'none', cloudEventsMode: 'structured', cloudEventsPropertyPrefix: 'cloudEvents_' },
      /cloudEventsPropertyPrefix has no meaning/,
    ],
    ['a partition key that is no function', { client, auth: 'none', partitionKey: 'k' }, /partitionKey/],
  ])('%s is refused when the handler is made, by name', (_, options, message) => {
    expect(make(options)).toThrow(message)
  })

  test('a refused key does not stand in the error', () => {
    expect(make({ client, auth: { bearer: 'tiny-secret' } })).toThrow(
      expect.not.stringContaining('tiny-secret') as never,
    )
  })
})

describe('(env) => options', () => {
  test('is asked once per environment, and one client serves its requests', async () => {
    const clients: FakeClient[] = []
    const handler = createFetchHandler<{ name: string }>((env) => {
      const client = new FakeClient()
      clients.push(client)
      return { client: client.asClient(), auth: 'none', basePath: `/${env.name}` }
    })
    const [one, two] = [{ name: 'one' }, { name: 'two' }]
    const answers = [
      await handler.fetch(post('1', json, '/one/events'), one),
      await handler.fetch(post('2', json, '/two/events'), two),
      await handler.fetch(post('3', json, '/one/events'), one),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
    expect(clients.map((client) => client.bodies)).toEqual([['1', '3'], ['2']])
  })

  test('works without an environment', async () => {
    let calls = 0
    const client = new FakeClient()
    const handler = createFetchHandler(() => {
      calls += 1
      return { client: client.asClient(), auth: 'none' }
    })
    await handler.fetch(post('1', json))
    await handler.fetch(post('2', json))
    expect([calls, client.bodies]).toEqual([1, ['1', '2']])
  })

  test('wrong options: a 500 that says nothing, and a log that says why', async () => {
    const log = vi.spyOn(console, 'error').mockImplementation(() => {})
    try {
      const handler = createFetchHandler((() => ({
        client: new FakeClient().asClient(),
      })) as unknown as () => FetchHandlerOptions)
      const answer = await answerOf(await handler.fetch(post('1', json), {}))
      expect(answer.status).toBe(500)
      expect(answer.headers.get('content-type')).toBe('application/problem+json')
      expect(answer.text).not.toContain('auth')
      expect(log.mock.calls.flat().join('\n')).toContain('Who may post events?')
    } finally {
      log.mockRestore()
    }
  })
})
