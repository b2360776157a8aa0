import { describe, expect, test } from 'vitest'
import {
  type ForwardOptions,
  forwardToEventHub,
  type HttpAnswer,
  type HttpRequest,
} from '../../../adapters/aws-lambda/index.js'
import {
  busy,
  contextWith,
  fakeClient,
  noRights,
  recordingLogger,
  returned,
  tooLarge,
  unknown,
  type Verdict,
} from './fake-client.js'
import { fixture } from './fixtures.js'

function door(options: ForwardOptions = {}, ...verdicts: Verdict[]) {
  const fake = fakeClient((index) => verdicts[index] ?? 'accepted')
  const handler = forwardToEventHub({ client: fake.client, logger: recordingLogger(), ...options })
  const ask = async (event: unknown) => (await handler(event, contextWith())) as HttpAnswer
  return { fake, ask }
}

const key = 'a-key-of-at-least-16'
const parse = ({ body }: HttpAnswer) => JSON.parse(body)

/** A Function URL's event with another body and more headers. */
function request(body: string, headers: Record<string, string> = {}) {
  const event = fixture('function-url')
  return { ...event, body, rawQueryString: '', headers: { ...event.headers, ...headers } }
}

const withoutAuthorizer = (event: ReturnType<typeof fixture<'function-url'>>) => {
  const { authorizer, ...requestContext } = event.requestContext as typeof event.requestContext & {
    authorizer?: unknown
  }
  return { ...event, requestContext }
}

describe('who may send events', () => {
  test.each(['function-url', 'http-rest-api'] as const)(
    'nobody by %s, unless auth says who: an open URL is no relay',
    async (name) => {
      const { ask, fake } = door()
      const answer = await ask(fixture(name))
      expect(answer).toMatchObject({ statusCode: 401, headers: { 'content-type': 'application/problem+json' } })
      expect(parse(answer).detail).toContain('auth option is not set')
      expect(fake.invocations).toEqual([])
    },
  )

  test('with auth aws, whom AWS has authorized and nobody else', async () => {
    const { ask } = door({ auth: 'aws' })
    expect(await ask(fixture('function-url'))).toMatchObject({ statusCode: 200 })
    expect(await ask(fixture('http-rest-api'))).toMatchObject({ statusCode: 200 })
    expect(await ask(withoutAuthorizer(fixture('function-url')))).toMatchObject({ statusCode: 401 })

    const rest = fixture('http-rest-api')
    const anonymous = {
      ...rest,
      requestContext: { ...rest.requestContext, identity: { ...rest.requestContext.identity, userArn: null } },
    }
    expect(await ask(anonymous)).toMatchObject({ statusCode: 401 })
    const byLambda = {
      ...anonymous,
      requestContext: { ...anonymous.requestContext, authorizer: { principalId: 'ada' } },
    }
    expect(await ask(byLambda)).toMatchObject({ statusCode: 200 })
  })

  test('with keys, who sends one of them', async () => {
    const { ask } = door({ auth: { bearer: ['an-older-key-of-ours', key] } })
    const asked = (authorization: string) => ask(withoutAuthorizer(request('1', { authorization })))
    expect(await asked(`Bearer ${key}`)).toMatchObject({ statusCode: 200 })
    expect(await asked('bearer an-older-key-of-ours')).toMatchObject({ statusCode: 200 })
    for (const wrong of [`Bearer ${key}x`, `Basic ${key}`, key, 'Bearer ']) {
      expect(await asked(wrong)).toMatchObject({
        statusCode: 401,
        headers: { 'www-authenticate': 'Bearer realm="events"' },
      })
    }
    // That AWS knows the caller does not replace the key.
    expect(await ask(request('1'))).toMatchObject({ statusCode: 401 })
  })

  test('with a function, whom it lets in by returning true', async () => {
    const seen: HttpRequest[] = []
    const auth = async (request: HttpRequest) => {
      seen.push(request)
      return request.headers['x-tenant'] === 'acme'
    }
    const { ask } = door({ auth })
    expect(await ask(request('1', { 'X-Tenant': 'acme' }))).toMatchObject({ statusCode: 200 })
    expect(await ask(request('1'))).toMatchObject({ statusCode: 401 })
    expect(seen[0]).toMatchObject({ method: 'POST', path: '/events', isAuthorizedByAws: true })
  })

  test.each<[unknown, RegExp]>([
    ['none', /auth must be 'aws'/],
    [{}, /auth must be 'aws'/],
    [{ bearer: [] }, /auth must be 'aws'/],
    [{ bearer: 'short-secret' }, /at least 16/],
    [{ bearer: 'with a space in the middle' }, /at least 16/],
    [{ bearer: key, basic: key }, /auth must be 'aws'/],
  ])('auth %j is refused when the handler is made, and no key repeated', (auth, words) => {
    const make = () => door({ auth: auth as never })
    expect(make).toThrow(words)
    expect(make).not.toThrow(/short-secret|in the middle/)
  })
})

describe('the answer', () => {
  test.each<[string, Verdict[], number, Record<string, string>]>([
    ['all were accepted', [], 200, {}],
    ['some were', ['accepted', unknown, tooLarge], 207, {}],
    ['the event hub is busy', [busy, returned, returned], 429, { 'retry-after': '4' }],
    ['the event hub cannot be reached', [returned, returned, returned], 503, { 'retry-after': '4' }],
    ['nothing is known', [unknown, unknown, unknown], 503, { 'retry-after': '4' }],
    ['somebody has to mend something', [noRights, noRights, noRights], 503, { 'retry-after': '4' }],
    ['none can ever be sent', [tooLarge, tooLarge, tooLarge], 413, {}],
  ])('when %s', async (_, verdicts, statusCode, headers) => {
    const { ask } = door({ auth: 'aws' }, ...verdicts)
    const answer = await ask(fixture('http-function-url-batch'))
    expect(answer.statusCode).toBe(statusCode)
    expect(answer.headers).toMatchObject(headers)
    if (!('retry-after' in headers)) expect(answer.headers).not.toHaveProperty('retry-after')
    const { results, accepted, failed } = parse(answer)
    const statuses = [0, 1, 2].map((index) => {
      const verdict = verdicts[index] ?? 'accepted'
      return verdict === 'accepted' ? verdict : verdict.outcome
    })
    expect(results.map(({ status }: { status: string }) => status)).toEqual(statuses)
    expect(accepted + failed).toBe(3)
    expect(accepted).toBe(statuses.filter((status) => status === 'accepted').length)
  })

  test('asks for the time that the event hub asked for', async () => {
    const { fake, ask } = door({ auth: 'aws' }, busy)
    const begin = fake.client.beginInvocation.bind(fake.client)
    fake.client.beginInvocation = (options) => {
      const invocation = begin(options)
      const end = invocation.end.bind(invocation)
      invocation.end = async () => {
        const report = await end()
        for (const { error } of report.failures) Object.assign(error, { retryAfterInMs: 9_500 })
        return report
      }
      return invocation
    }
    expect((await ask(fixture('function-url'))).headers).toMatchObject({ 'retry-after': '10' })
  })

  test('names each event by the id it travels under, and repeats nothing of its body', async () => {
    const { ask, fake } = door({ auth: 'aws' }, tooLarge, 'accepted', 'accepted')
    const answer = await ask(fixture('http-function-url-batch'))
    expect(parse(answer).results.map(({ id }: { id: string }) => id)).toEqual(
      fake.sent.map(({ event }) => event.messageId),
    )
    expect(answer.body).not.toContain('A-1001')
  })
})

describe('a body', () => {
  test('that is one JSON value leaves byte for byte', async () => {
    const { ask, fake } = door({ auth: 'aws' })
    const text = ' {"a" : 1.0, "grüße": "°C"} '
    await ask(request(text))
    expect(Buffer.from(fake.sent[0]!.event.body as Uint8Array).toString()).toBe(text)
    expect(fake.sent[0]!.event.contentType).toBe('application/json')
  })

  test('of another type leaves as it came, in base64 or not', async () => {
    const { ask, fake } = door({ auth: 'aws' })
    const event = { ...request('AP8Q', { 'content-type': 'image/png' }), isBase64Encoded: true }
    expect(await ask(event)).toMatchObject({ statusCode: 200 })
    expect(fake.sent[0]!.event).toMatchObject({ contentType: 'image/png' })
    expect([...(fake.sent[0]!.event.body as Uint8Array)]).toEqual([0, 255, 16])
  })

  test.each<[string, string, Record<string, string>, number]>([
    ['empty', '', {}, 400],
    ['no JSON', '{"secret-word": ', {}, 400],
    ['an empty array', '[]', {}, 400],
    ['compressed', 'x', { 'content-encoding': 'gzip' }, 415],
    ['a CloudEvent in structured mode', '{}', { 'content-type': 'application/cloudevents+json' }, 415],
    ['a CloudEvent in binary mode', '{}', { 'ce-specversion': '1.0' }, 415],
    ['of a type that is no ASCII', 'x', { 'content-type': 'text/ü' }, 400],
  ])('that is %s is refused before anything is sent', async (_, body, headers, statusCode) => {
    const { ask, fake } = door({ auth: 'aws' })
    const answer = await ask(request(body, headers))
    expect(answer.statusCode).toBe(statusCode)
    expect(answer.body).not.toContain('secret-word')
    expect(fake.invocations).toEqual([])
  })

  test('that is JSON but no UTF-8 is refused', async () => {
    const { ask } = door({ auth: 'aws' })
    expect(await ask({ ...request('Iv8i'), isBase64Encoded: true })).toMatchObject({ statusCode: 400 })
  })

  test('needs POST or PUT', async () => {
    const { ask } = door({ auth: 'aws' })
    const event = fixture('function-url')
    event.requestContext.http.method = 'GET'
    expect(await ask(event)).toMatchObject({ statusCode: 405, headers: { allow: 'POST, PUT' } })
  })
})

describe('an event by HTTP', () => {
  test('is a CloudEvent of the request, keyed by header or query', async () => {
    const { ask, fake } = door({ auth: 'aws' })
    await ask(fixture('http-function-url-batch'))
    const { requestContext } = fixture('http-function-url-batch')
    expect(fake.sent[1]).toMatchObject({
      partitionKey: 'tenant 1',
      event: {
        body: '{"orderId":"A-1002"}',
        properties: {
          'cloudEvents:id': `${requestContext.requestId}/1`,
          'cloudEvents:source': `https://${requestContext.domainName}/events`,
          'cloudEvents:type': 'com.amazonaws.lambda.http',
          'cloudEvents:time': '2025-11-20T00:53:20.000Z',
        },
      },
    })
    const rest = door({ auth: 'aws' })
    await rest.ask(fixture('http-rest-api'))
    expect(rest.fake.sent[0]).toMatchObject({
      partitionKey: 'tenant-1',
      event: {
        messageId: fixture('http-rest-api').requestContext.requestId,
        contentType: 'application/json; charset=utf-8',
      },
    })
  })

  test('has the same id when its caller sends it again under its own key', async () => {
    const ids = []
    for (const requestId of ['one', 'two']) {
      const { ask, fake } = door({ auth: 'aws' })
      const event = request('[1,2]', { 'Idempotency-Key': 'order-7' })
      await ask({ ...event, requestContext: { ...event.requestContext, requestId } })
      ids.push(fake.sent.map(({ event: { messageId } }) => messageId))
    }
    expect(ids).toEqual([
      ['order-7/0', 'order-7/1'],
      ['order-7/0', 'order-7/1'],
    ])
  })

  test('reaches the partitionKey option with its request and its value', async () => {
    const { ask, fake } = door({
      auth: 'aws',
      partitionKey: (record) =>
        record.source === 'http' ? (record.record.value as { orderId: string }).orderId : undefined,
    })
    await ask(fixture('http-function-url-batch'))
    expect(fake.sent.map(({ partitionKey }) => partitionKey)).toEqual(['A-1001', 'A-1002', 'A-1003'])
  })
})
