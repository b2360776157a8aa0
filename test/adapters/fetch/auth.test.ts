import { createHmac } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import {
  type AuthScheme,
  apiKeyAuth,
  basicAuth,
  type FetchHandlerAuth,
  gitHubAuth,
  standardWebhooksAuth,
} from '../../../adapters/fetch/index.js'
import { FrontDoor, json, ndjson, post, upload } from './front-door.js'

const key = 'kkkkkkkkkkkkkkkk'
const secret = 'a-secret-of-some-length'
const otherSecret = 'another-secret-of-some-length'
const webhookSecret = `whsec_${Buffer.from('24 bytes of real secret!').toString('base64')}`
const otherWebhookSecret = Buffer.from('24 bytes of other secret').toString('base64')

const now = () => Math.floor(Date.now() / 1000)

function webhookHeaders(body: string | Uint8Array, options: { secret?: string; timestamp?: number; id?: string } = {}) {
  const { timestamp = now(), id = 'msg_1', secret: signedWith = webhookSecret } = options
  const bytes = Buffer.from(signedWith.replace('whsec_', ''), 'base64')
  const signature = createHmac('sha256', bytes).update(`${id}.${timestamp}.`).update(body).digest('base64')
  return {
    ...json,
    'webhook-id': id,
    'webhook-timestamp': String(timestamp),
    'webhook-signature': `v1,${signature}`,
  }
}

function gitHubHeaders(body: string, signedWith = secret) {
  return { ...json, 'x-hub-signature-256': `sha256=${createHmac('sha256', signedWith).update(body).digest('hex')}` }
}

async function statusOf(auth: FetchHandlerAuth, headers: Record<string, string>, body = '{"a":1}', path = '/events') {
  const door = new FrontDoor({ auth })
  const answer = await door.post(body, { ...json, ...headers }, path)
  expect(door.client.bodies).toEqual(answer.status === 200 ? [body] : [])
  for (const hidden of [key, secret, otherSecret, webhookSecret]) expect(answer.text).not.toContain(hidden)
  return answer.status
}

describe('an API key', () => {
  const auth = apiKeyAuth({ keys: [otherSecret, key], query: 'code' })

  test('opens the door in its header, and in the query where that was asked for', async () => {
    expect(await statusOf(auth, { 'x-api-key': key })).toBe(200)
    expect(await statusOf(auth, { 'x-api-key': otherSecret })).toBe(200)
    expect(await statusOf(auth, {}, '1', `/events?code=${key}`)).toBe(200)
    expect(await statusOf(apiKeyAuth({ keys: key, header: 'ocp-key' }), { 'ocp-key': key })).toBe(200)
  })

  test('that is wrong, missing or elsewhere does not', async () => {
    expect(await statusOf(auth, { 'x-api-key': `${key}k` })).toBe(401)
    expect(await statusOf(auth, {})).toBe(401)
    expect(await statusOf(auth, { authorization: `Bearer ${key}` })).toBe(401)
    expect(await statusOf(apiKeyAuth({ keys: key }), {}, '1', `/events?code=${key}`)).toBe(401)
  })
})

describe('Basic', () => {
  const auth = basicAuth({ users: { ann: secret, bob: otherSecret } })
  const basic = (text: string) => ({ authorization: `Basic ${Buffer.from(text).toString('base64')}` })

  test('each name opens with its own password', async () => {
    expect(await statusOf(auth, basic(`ann:${secret}`))).toBe(200)
    expect(
      await statusOf(auth, { authorization: basic(`bob:${otherSecret}`).authorization.replace('Basic', 'bAsIc  ') }),
    ).toBe(200)
  })

  test.each([
    ['another’s password', basic(`ann:${otherSecret}`)],
    ['an unknown name', basic(`eve:${secret}`)],
    ['no colon', basic(`ann${secret}`)],
    ['no base64', { authorization: `Basic ann:${secret}` }],
    ['bytes that are not UTF-8', { authorization: 'Basic /w==' }],
    ['another scheme', { authorization: `Bearer ${secret}` }],
  ])('%s: 401 with a challenge', async (_, headers) => {
    const door = new FrontDoor({ auth })
    const answer = await door.post('1', { ...json, ...headers })
    expect([answer.status, answer.headers.get('www-authenticate')]).toEqual([
      401,
      'Basic realm="events", charset="UTF-8"',
    ])
  })
})

describe('Standard Webhooks', () => {
  const auth = standardWebhooksAuth({ secrets: [otherWebhookSecret, webhookSecret] })
  const body = '{"type":"x","é":1}'

  test('a signature by any of the secrets lets in exactly what was signed', async () => {
    expect(await statusOf(auth, webhookHeaders(body), body)).toBe(200)
    expect(await statusOf(auth, webhookHeaders(body, { secret: otherWebhookSecret }), body)).toBe(200)
    expect(await statusOf(auth, webhookHeaders(body), `${body} `)).toBe(401)
    expect(await statusOf(auth, { ...webhookHeaders(body), 'webhook-id': 'msg_2' }, body)).toBe(401)
  })

  test('one signature of several suffices, and other versions are passed over', async () => {
    const headers = webhookHeaders(body)
    const several = `v1a,AAAA v1,${Buffer.alloc(32).toString('base64')} ${headers['webhook-signature']}`
    expect(await statusOf(auth, { ...headers, 'webhook-signature': several }, body)).toBe(200)
    const none = headers['webhook-signature'].replace('v1,', 'v2,')
    expect(await statusOf(auth, { ...headers, 'webhook-signature': none }, body)).toBe(401)
  })

  test.each([
    [-290, 200],
    [290, 200],
    [-310, 401],
    [310, 401],
  ])('a timestamp %i seconds off: %i', async (off, status) => {
    expect(await statusOf(auth, webhookHeaders(body, { timestamp: now() + off }), body)).toBe(status)
  })

  test('an id cannot swallow what was signed as timestamp and body', async () => {
    const sentAt = now() - 3600
    const at = String(now())
    const signed = webhookHeaders(`${at}.5`, { timestamp: sentAt })
    const shifted = { ...signed, 'webhook-id': `msg_1.${sentAt}`, 'webhook-timestamp': at }
    expect(await statusOf(auth, shifted, '5')).toBe(401)
    const dotted = webhookHeaders(body, { id: 'evt.a1' })
    expect(await statusOf(auth, dotted, body)).toBe(200)
  })

  test('the window can be set', async () => {
    const narrow = standardWebhooksAuth({ secrets: webhookSecret, toleranceInMs: 5_000 })
    expect(await statusOf(narrow, webhookHeaders(body, { timestamp: now() - 20 }), body)).toBe(401)
  })

  test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])('without %s: 401', async (name) => {
    expect(await statusOf(auth, { ...webhookHeaders(body), [name]: '' }, body)).toBe(401)
  })

  test('the specification’s own example is genuine', async () => {
    // https://github.com/standard-webhooks/standard-webhooks: the example of the Svix documentation.
    const example = standardWebhooksAuth({ secrets: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', toleranceInMs: 10 ** 15 })
    const headers = {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    }
    expect(await statusOf(example, headers, '{"test": 2432232314}')).toBe(200)
  })
})

describe("GitHub's signature", () => {
  const auth = gitHubAuth({ secrets: [otherSecret, secret] })

  test('lets in what either secret signed, and nothing else', async () => {
    expect(await statusOf(auth, gitHubHeaders('{"a":1}'))).toBe(200)
    expect(await statusOf(auth, gitHubHeaders('{"a":1}', otherSecret))).toBe(200)
    expect(await statusOf(auth, gitHubHeaders('{"a":2}'))).toBe(401)
    expect(await statusOf(auth, gitHubHeaders('{"a":1}', 'no-secret-that-is-known'))).toBe(401)
    expect(await statusOf(auth, { 'x-hub-signature-256': 'sha256=zz' })).toBe(401)
    expect(await statusOf(auth, {})).toBe(401)
  })

  test("GitHub's own example is genuine", async () => {
    // https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    const door = new FrontDoor({ auth: gitHubAuth({ secrets: "It's a Secret to Everybody" }) })
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17'
    const headers = { 'content-type': 'text/plain', 'x-hub-signature-256': signature }
    expect((await door.post('Hello, World!', headers)).status).toBe(200)
    expect((await door.post('Hello, World?', headers)).status).toBe(401)
  })
})

describe('signatures and the body', () => {
  const auth = [gitHubAuth({ secrets: secret }), { bearer: key }]

  test('an unsigned request is refused with its body unread', async () => {
    const door = new FrontDoor({ auth })
    const request = post('1', json)
    expect((await door.send(request)).status).toBe(401)
    expect(request.bodyUsed).toBe(false)
  })

  test('a signed body is bounded before its signature is looked at', async () => {
    const door = new FrontDoor({ auth, maxBodySizeInBytes: 10 })
    const { body, write, isCancelled } = upload()
    const answering = door.post(body, gitHubHeaders('x'))
    write('12345678901')
    expect((await answering).status).toBe(413)
    await isCancelled
    expect(door.client.invocations).toEqual([])
  })

  test('a signed body that does not arrive in time: 408, and nothing was begun', async () => {
    const door = new FrontDoor({ auth, timeoutInMs: 50 })
    const { body, isCancelled } = upload()
    expect((await door.post(body, gitHubHeaders('x'))).status).toBe(408)
    await isCancelled
    expect(door.client.invocations).toEqual([])
  })

  test('a signed body that breaks off: 400', async () => {
    const door = new FrontDoor({ auth })
    const { body, breakOff } = upload()
    const answering = door.post(body, gitHubHeaders('x'))
    breakOff()
    expect((await answering).body.type).toBe('urn:problem:eventhub-sluice:upload-aborted')
  })

  test('signed NDJSON is read like any other', async () => {
    const door = new FrontDoor({ auth })
    const lines = '1\n2\n\n3'
    const answer = await door.post(lines, { ...gitHubHeaders(lines), ...ndjson })
    expect(answer.status).toBe(200)
    expect(door.client.bodies).toEqual(['1', '2', '3'])
  })
})

describe('several schemes', () => {
  const own: AuthScheme = {
    hint: 'the header x-team',
    authenticate: ({ headers }) => headers.get('x-team') ?? undefined,
  }
  const auth = [{ bearer: key }, basicAuth({ users: { ann: secret } }), gitHubAuth({ secrets: secret }), own]

  test('any of them suffices', async () => {
    expect(await statusOf(auth, { authorization: `Bearer ${key}` })).toBe(200)
    expect(await statusOf(auth, { authorization: `Basic ${btoa(`ann:${secret}`)}` })).toBe(200)
    expect(await statusOf(auth, gitHubHeaders('{"a":1}'))).toBe(200)
    expect(await statusOf(auth, { 'x-team': 'red' })).toBe(200)
  })

  test('a refusal names all of them', async () => {
    const answer = await new FrontDoor({ auth }).post('1', json)
    expect(answer.headers.get('www-authenticate')).toBe('Bearer realm="events", Basic realm="events", charset="UTF-8"')
    for (const hint of ['Authorization: Bearer', 'Basic', 'X-Hub-Signature-256', 'x-team']) {
      expect(answer.body.detail).toContain(hint)
    }
  })

  test('an empty name, such as that of a missing header, lets nobody in', async () => {
    const careless: AuthScheme = { hint: 'x', authenticate: ({ headers }) => headers.get('x-team') ?? '' }
    expect(await statusOf(careless, {})).toBe(401)
    expect(await statusOf([careless, { bearer: key }], { authorization: `Bearer ${key}` })).toBe(200)
  })

  test('one of your own that throws is a 500 without its words; one that hangs ends at the deadline', async () => {
    const broken: AuthScheme = {
      hint: 'x',
      authenticate: () => {
        throw new Error('directory down at ldap://internal')
      },
    }
    const answer = await new FrontDoor({ auth: broken }).post('1', json)
    expect([answer.status, answer.text.includes('ldap')]).toEqual([500, false])
    const hanging: AuthScheme = { hint: 'x', authenticate: () => new Promise(() => {}) }
    const late = new FrontDoor({ auth: hanging, timeoutInMs: 50 })
    expect((await late.post('1', json)).status).toBe(500)
    expect(late.client.invocations).toEqual([])
  })
})

test.each([
  ['a short API key', () => apiKeyAuth({ keys: 'short' }), /at least 16/],
  ['no API key', () => apiKeyAuth({ keys: [] }), /no key/],
  ['a header that is none', () => apiKeyAuth({ keys: key, header: 'x key' }), /header/],
  ['an unknown option', () => apiKeyAuth({ keys: key, param: 'x' } as never), /param/],
  ['a short password', () => basicAuth({ users: { ann: 'tiny-secret' } }), /at least 16/],
  ['no user', () => basicAuth({ users: {} }), /no key/],
  ['a name with a colon', () => basicAuth({ users: { 'a:b': secret } }), /colon/],
  ['a secret that is no base64', () => standardWebhooksAuth({ secrets: 'whsec_not base64 at all!' }), /base64/],
  ['a short secret', () => standardWebhooksAuth({ secrets: 'whsec_dGlueS1zZWNyZXQ=' }), /at least 16 bytes/],
  ['a negative window', () => standardWebhooksAuth({ secrets: webhookSecret, toleranceInMs: -1 }), /toleranceInMs/],
  ['a short GitHub secret', () => gitHubAuth({ secrets: 'tiny-secret' }), /at least 16/],
  ['an empty list', () => new FrontDoor({ auth: [] }), /Who may post events/],
  ['a list with a word', () => new FrontDoor({ auth: [{ bearer: key }, 'none'] as never }), /scheme in auth/],
])('%s is refused when the door is made, and no secret is shown', (_, make, message) => {
  expect(make).toThrow(message)
  expect(make).toThrow(expect.not.stringContaining('tiny-secret') as never)
})
